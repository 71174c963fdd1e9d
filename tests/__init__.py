"""The tests; CONTRIBUTING.md says which question each folder asks."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
