"""Whose an identity is that several customers claim, by the times of their claims, in whatever order these arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from profiles.identity.links import Claim
from profiles.types import Identity

__all__ = ["MOST_CLAIMS", "noted", "owner"]

MOST_CLAIMS = 16
"""Claims of one identity that are kept, the earliest, those that are believed before others; whoever claims it later
never gets it."""


def noted(claims: Iterable[Claim], more: Claim) -> list[Claim]:
    """The claims with one more, ascending by their beginning; what one customer says twice is one claim.

    Where that says something new, everybody may take the identity again as if they never had.
    """
    before = list(claims)
    by_who = {(claim.anchor, claim.believed): claim for claim in before}
    who = more.anchor, more.believed
    by_who[who] = _joined(by_who[who], more) if who in by_who else more
    after = sorted(by_who.values(), key=_beginning)[:MOST_CLAIMS]
    if [_what(claim) for claim in before] == [_what(claim) for claim in after]:
        return after
    return [msgspec.structs.replace(claim, moves=more.moves if _who(claim) == who else 0) for claim in after]


def owner(claims: Sequence[Claim], profile_of: Callable[[Identity], str]) -> Claim:
    """The latest claim of the customer to whom an identity has gone last.

    Whoever claims it first has it, until somebody else begins to claim it after the last time that they did: then it
    has changed hands. While both go on to claim it, it is the first one's: a shared address does not go to and fro.
    What is not believed counts only while nothing is.
    """
    believed = [claim for claim in claims if claim.believed] or claims
    together: dict[str, list[Claim]] = {}
    for claim in believed:
        together.setdefault(profile_of(claim.anchor), []).append(claim)
    spans = [
        (min(one.first for one in said), min(one.anchor for one in said), max(one.last for one in said), said)
        for said in together.values()
    ]
    (_, _, last, said), *others = sorted(spans, key=lambda span: span[:2])
    for first, _, until, theirs in others:
        if first > last:
            last, said = until, theirs
    return max(said, key=lambda claim: (claim.last, claim.anchor))


def _joined(held: Claim, more: Claim) -> Claim:
    latest = max(held, more, key=lambda claim: (claim.last, claim.source, claim.event))
    first, last, moves = min(held.first, more.first), max(held.last, more.last), max(held.moves, more.moves)
    return msgspec.structs.replace(latest, first=first, last=last, moves=moves, whole=held.whole)


def _who(claim: Claim) -> tuple[Identity, bool]:
    return claim.anchor, claim.believed


def _what(claim: Claim) -> tuple[Identity, bool, float, float]:
    return claim.anchor, claim.believed, claim.first, claim.last


def _beginning(claim: Claim) -> tuple[bool, float, Identity]:
    return not claim.believed, claim.first, claim.anchor
