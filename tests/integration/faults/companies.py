"""Companies in the trials: a plan that has them, what each must be, and whether it is that.

What shop and help desk say of the people who work for a company names it, so it counts there whatever is known of
them; what browsers say names none and may count for one of several reasons, so it is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.types import Profile, cell_id, company_id, is_cell

if TYPE_CHECKING:
    from plan import Plan
    from tests.integration.faults.oracle import Happening

__all__ = ["GROUP", "grouped_plan", "members_in", "naming"]

GROUP = "company"
CELLS = 64  # parts of a large company


def grouped_plan(original: Path, directory: Path) -> Path:
    """The plan with companies, which events name as `company_id`."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "grouped_plan.yaml"
    path.write_text(f"{original.read_text()}\ngroups: {{{GROUP}: {{id: [properties.company_id]}}}}\n")
    return path


def naming(plan: Plan, winners: Mapping[str, Sequence[Happening]]) -> dict[str, dict[str, list[Happening]]]:
    """By the id of a company's document the members, and of each the events that name it."""
    found: dict[str, dict[str, list[Happening]]] = {}
    for winner, events in winners.items():
        for event in events:
            if event.company:
                document = company_id(plan.namespace, GROUP, event.company)
                found.setdefault(document, {}).setdefault(winner, []).append(event)
    return found


def members_in(plan: Plan, company: Profile, profiles: Mapping[str, Profile]) -> set[str]:
    """Whose shares a company's document has, or the parts that it was divided into."""
    held = company.company
    assert held is not None
    cells = [profiles.get(cell_id(plan.namespace, GROUP, held.key, number)) for number in range(CELLS)]
    shares = [held.shares, *(cell.company.shares for cell in cells if cell is not None and cell.company is not None)]
    return {member for each in shares for member in each if not is_cell(member)}
