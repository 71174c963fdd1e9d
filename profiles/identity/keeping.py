"""Whose an identity is that several customers claim, by the times of their claims, in whatever order these arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from profiles.identity.links import Claim
from profiles.types import Identity

__all__ = ["MOST_CLAIMS", "noted", "owner"]

MOST_CLAIMS = 16
"""Claims of one identity that are kept, the earliest; whoever claims it later never gets it."""


def noted(claims: Iterable[Claim], more: Claim) -> list[Claim]:
    """The claims with one more, ascending by their beginning; what one customer says twice is one claim."""
    by_anchor = {claim.anchor: claim for claim in claims}
    held = by_anchor.get(more.anchor, more)
    first, last = min(held.first, more.first), max(held.last, more.last)
    by_anchor[more.anchor] = Claim(more.anchor, first, last, max(held.moves, more.moves))
    return sorted(by_anchor.values(), key=_beginning)[:MOST_CLAIMS]


def owner(claims: Sequence[Claim], profile_of: Callable[[Identity], str]) -> str:
    """The profile to which an identity has gone last.

    Whoever claims it first has it, until somebody else begins to claim it after the last time that they did: then it
    has changed hands. While both go on to claim it, it is the first one's: a shared address does not go to and fro.
    """
    together: dict[str, Claim] = {}
    for claim in claims:
        profile = profile_of(claim.anchor)
        held = together.get(profile, claim)
        anchor = min(held.anchor, claim.anchor)
        together[profile] = Claim(anchor, min(held.first, claim.first), max(held.last, claim.last))
    current, *others = sorted(together.values(), key=_beginning)
    for claim in others:
        if claim.first > current.last:
            current = claim
    return profile_of(current.anchor)


def _beginning(claim: Claim) -> tuple[float, Identity]:
    return claim.first, claim.anchor
