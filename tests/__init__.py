"""The tests; CONTRIBUTING.md says which question each folder asks."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[1]

ON_SERVERS = ("console", "contracts", "fuzz", "integration", "worlds")
"""The folders with tests on servers. To load all the others, too, would take the processes of that run a minute."""
