"""Which profiles become one when an event carries identities of several: the linker's decision, pure.

An identity that nothing was linked to *is* its own profile. When one event carries several identities, the profiles
they belong to become one, unless that would give one profile more identities of a type than the plan allows, too many
altogether, or two that a split has taken apart, or two people by the word of a public source alone: from the strongest
on, an identity that would bring that about is left out. So two people on one laptop stay two people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from profiles.types import Identity

__all__ = ["APART", "MOST", "TOO_MANY", "TWO_PEOPLE", "Decision", "Names", "Partners", "decide"]

Partners = Callable[[Identity], Collection[Identity]]
"""The identities that one must never be together with; symmetric: each of a pair names the other."""

Names = Callable[[str, Sequence[Identity]], bool]
"""Whether these identities of a profile say, and not by the word of a public source alone, which person it is."""

MOST = 1000
"""Linked identities of a profile, unless the plan says otherwise."""

TOO_MANY = "too many identities"
APART = "kept apart"
TWO_PEOPLE = "two people, says a public source"


@dataclass(slots=True)
class Decision:
    """What is to be done about one event's identities."""

    winner: str
    together: list[Identity]  # all that the winner holds from now on
    losers: dict[str, list[Identity]] = field(default_factory=dict)  # profile id → the identities it brings
    refused: list[Identity] = field(default_factory=list)  # left out
    reason: str = ""  # why the first was: "limit of user_id", TOO_MANY, APART, TWO_PEOPLE


def decide(
    identities: Sequence[Identity],
    profile_of: Callable[[Identity], str],
    held_by: Callable[[str], Sequence[Identity]],
    limits: Mapping[str, int],
    *,
    most: int = MOST,
    partners: Partners = lambda _: (),
    persons: Collection[str] = (),
    names: Names = lambda profile, identities: False,
) -> Decision:
    """Decide about the identities of one event.

    Args:
        identities: the strongest first, at least one.
        profile_of: the profile that an identity belongs to now.
        held_by: the linked identities of a profile; empty when it has none.
        limits: most identities of each type on one profile.
        most: linked identities on one profile, of all types. Beyond it merges stop.
        partners: whom an identity must never be together with.
        persons: types of identities that say who somebody is. Several profiles that hold any become one only if each
            is named: else a public source could make two people one by way of a browser that it ties to either.
        names: whether the event's identities of a profile name its person; never those of a public source's event.
    """
    candidates, refused = _strongest_of_pairs(identities, partners)
    reason = APART if refused else ""

    def wrong(candidates: Sequence[Identity], brought: Mapping[str, set[Identity]]) -> str:
        if len(brought) < 2:
            return ""
        if why := _why_not(brought, limits, most, partners):
            return why
        return TWO_PEOPLE if _are_people(brought, candidates, profile_of, persons, names) else ""

    kept, brought = candidates, _brought(candidates, profile_of, held_by)
    if wrong(candidates, brought):
        kept = candidates[:1]
        for identity in candidates[1:]:
            if why := wrong(more := [*kept, identity], _brought(more, profile_of, held_by)):
                refused.append(identity)
                reason = reason or why
            else:
                kept = more
        brought = _brought(kept, profile_of, held_by)
        refused = [identity for identity in refused if profile_of(identity) not in brought]  # by way of a weaker one
    winner = profile_of(kept[0])
    losers = {id_: sorted(held) for id_, held in brought.items() if id_ != winner}
    return Decision(winner, sorted(set().union(*brought.values())), losers, refused, reason if refused else "")


def _strongest_of_pairs(identities: Sequence[Identity], partners: Partners) -> tuple[list[Identity], list[Identity]]:
    """The event's own identities, without the weaker one of each pair that is kept apart; and those left out."""
    kept: list[Identity] = []
    left_out: list[Identity] = []
    for identity in identities:
        apart = partners(identity)
        (left_out if any(other in apart for other in kept) else kept).append(identity)
    return kept, left_out


def _brought(
    candidates: Sequence[Identity],
    profile_of: Callable[[Identity], str],
    held_by: Callable[[str], Sequence[Identity]],
) -> dict[str, set[Identity]]:
    """The profiles that these identities would join, each with the identities it holds or would bring."""
    brought: dict[str, set[Identity]] = {}
    for identity in candidates:
        profile = profile_of(identity)
        if profile not in brought:
            brought[profile] = set(held_by(profile))
        brought[profile].add(identity)
    return brought


def _why_not(
    brought: Mapping[str, set[Identity]],
    limits: Mapping[str, int],
    most: int,
    partners: Partners,
) -> str:
    """Why these profiles may not become one; empty if they may."""
    together = set[Identity]().union(*brought.values())
    counts = Counter(kind for kind, _ in together)
    for kind, count in sorted(counts.items()):
        # Whom a person has joined may be over a limit; that must not keep a new browser from them.
        if count > limits.get(kind, 1) and count > max(
            sum(one == kind for one, _ in held) for held in brought.values()
        ):
            return f"limit of {kind}"
    if len(together) > most:
        return TOO_MANY
    # No profile holds both of a pair already, so every pair is seen from the profiles other than the largest.
    largest = max(brought.values(), key=len)
    for held in brought.values():
        if held is not largest and any(not together.isdisjoint(partners(identity)) for identity in held):
            return APART
    return ""


def _are_people(
    brought: Mapping[str, set[Identity]],
    candidates: Sequence[Identity],
    profile_of: Callable[[Identity], str],
    persons: Collection[str],
    names: Names,
) -> bool:
    """Whether several of these profiles are people, and one of them is not named."""
    people = [profile for profile, held in brought.items() if any(kind in persons for kind, _ in held)]
    return len(people) > 1 and not all(
        names(profile, [identity for identity in candidates if profile_of(identity) == profile]) for profile in people
    )
