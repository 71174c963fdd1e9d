"""What is only claimed: events of public sources, whose write key anybody can read out of a page or an app.

It is kept beside what counts and never mixed with it, so that a profile stays a function of the set of its events. A
claimed event is in a timeline of its own; the same event of another source counts as if there had been no claim, and
confirms it. A claimed trait counts while nobody else has said anything of it and nobody knows whose the profile is.
"""

from __future__ import annotations

from typing import Any

from profiles.types import Claims, Profile

__all__ = ["believed_trait", "believed_traits"]

Trait = tuple[Any, float, bytes]
"""(value, event time, event digest)"""


def believed_trait(profile: Profile, name: str) -> Trait | None:
    """A trait that counts; None if there is none."""
    held = profile.traits.get(name)
    if held is None and (claims := profile.claims) is not None and not claims.known:
        return claims.traits.get(name)
    return held


def believed_traits(profile: Profile) -> dict[str, Trait]:
    """All traits that count."""
    claims: Claims | None = profile.claims
    return profile.traits if claims is None or claims.known else {**claims.traits, **profile.traits}
