"""Companies in the trials: a plan that has them, what each must be, and whether it is that.

What shop and help desk say of the people who work for a company names it. What browsers say names none, and is not
judged: where it counts depends on when it is known whose the browser was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.types import Profile, cell_id, company_id, is_cell

if TYPE_CHECKING:
    from plan import Plan
    from tests.integration.faults.oracle import Happening

__all__ = ["GROUP", "counting", "grouped_plan", "members_in"]

GROUP = "company"
CELLS = 64  # parts of a large company
_SAY = ("purchase", "support")


def grouped_plan(original: Path, directory: Path) -> Path:
    """The plan with companies, which events name as `company_id`."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "grouped_plan.yaml"
    path.write_text(f"{original.read_text()}\ngroups: {{{GROUP}: {{id: [properties.company_id]}}}}\n")
    return path


def counting(plan: Plan, winners: Mapping[str, Sequence[Happening]]) -> dict[str, dict[str, list[Happening] | None]]:
    """By the id of a company's document the members, and of each what shop and help desk say that counts for it.

    What names no company counts for the only one of its customer. Of who has several nobody here knows: None.
    """
    found: dict[str, dict[str, list[Happening] | None]] = {}
    for winner, events in winners.items():
        said = [event for event in events if event.source in _SAY]
        companies = {event.company for event in events if event.company}
        unclear = len(companies) > 1 and not all(event.company for event in said)
        for company in companies:
            theirs = [event for event in said if event.company in ("", company)]
            found.setdefault(company_id(plan.namespace, GROUP, company), {})[winner] = None if unclear else theirs
    return found


def members_in(plan: Plan, company: Profile, profiles: Mapping[str, Profile]) -> set[str]:
    """Whose shares a company's document has, or the parts that it was divided into."""
    held = company.company
    assert held is not None
    cells = [profiles.get(cell_id(plan.namespace, GROUP, held.key, number)) for number in range(CELLS)]
    shares = [held.shares, *(cell.company.shares for cell in cells if cell is not None and cell.company is not None)]
    return {member for each in shares for member in each if not is_cell(member)}
