"""What a plan says of analyses against the rest of it: do the segments and roles exist?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from models.conditions.vocabulary import suggest
from plan.analyses import AnalysesSpec
from plan.model import ROLES
from plan.source_map import Location

__all__ = ["analyses_problems"]


def analyses_problems(
    said: AnalysesSpec, segment_names: Collection[str], of_companies: Collection[str] = ()
) -> Iterator[tuple[Location, str]]:
    """What cannot be meant.

    Args:
        said: of analyses.
        segment_names: all there are.
        of_companies: those that companies are in, not customers.
    """
    for name, funnel in said.funnels.items():
        for number, role in enumerate(funnel.roles()):
            if role not in ROLES:
                place: Location = ("analyses", "funnels", name, "steps", number)
                yield place, f"there is no role '{role}'{suggest(role, ROLES)}"
    seen: set[str] = set()
    for number, goal in enumerate(said.goals):
        place = ("analyses", "goals", number)
        if goal.segment not in segment_names:
            yield place, f"there is no segment '{goal.segment}'{suggest(goal.segment, segment_names)}"
        elif goal.segment in of_companies:
            yield place, f"companies are in the segment '{goal.segment}', and goals are of customers"
        if goal.name in seen:
            yield place, f"there is another goal of the same segment and measure ({goal.name})"
        seen.add(goal.name)
