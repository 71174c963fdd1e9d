"""Which profiles become one when an event carries identities of several: the linker's decision, pure.

An identity that nothing was linked to *is* its own profile. When one event carries several identities, the profiles
they belong to become one, unless that would give one profile more identities of a type than the plan allows: then the
event's weakest identity is left out, and the rest is tried again. So two people on one laptop stay two people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from profiles.types import Identity

__all__ = ["Decision", "decide"]


@dataclass(slots=True)
class Decision:
    """What is to be done about one event's identities."""

    winner: str
    together: list[Identity]  # all that the winner holds from now on
    losers: dict[str, list[Identity]] = field(default_factory=dict)  # profile id → the identities it brings
    refused: list[Identity] = field(default_factory=list)  # left out, because a limit would be exceeded


def decide(
    identities: Sequence[Identity],
    profile_of: Callable[[Identity], str],
    held_by: Callable[[str], Sequence[Identity]],
    limits: Mapping[str, int],
) -> Decision:
    """Decide about the identities of one event.

    Args:
        identities: the strongest first, at least one.
        profile_of: the profile that an identity belongs to now.
        held_by: the linked identities of a profile; empty when it has none.
        limits: most identities of each type on one profile.
    """
    candidates = list(identities)
    refused: list[Identity] = []
    while True:
        brought = _brought(candidates, profile_of, held_by)
        together = set().union(*brought.values())
        counts = Counter(kind for kind, _ in together)
        if len(candidates) == 1 or all(count <= limits.get(kind, 1) for kind, count in counts.items()):
            winner = profile_of(candidates[0])
            losers = {id_: sorted(held) for id_, held in brought.items() if id_ != winner}
            return Decision(winner, sorted(together), losers, refused)
        refused.append(candidates.pop())


def _brought(
    candidates: Sequence[Identity],
    profile_of: Callable[[Identity], str],
    held_by: Callable[[str], Sequence[Identity]],
) -> dict[str, set[Identity]]:
    """The profiles that these identities would join, each with the identities it holds or would bring."""
    brought: dict[str, set[Identity]] = {}
    for identity in candidates:
        profile = profile_of(identity)
        brought.setdefault(profile, set(held_by(profile))).add(identity)
    return brought
