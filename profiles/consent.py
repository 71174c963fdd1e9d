"""Consent: what a customer allows their data to be used for.

What a customer said about a purpose is an ordinary trait, `consent.PURPOSE`, true or false: the latest word by event
time wins, in any order and through every merge. Who said nothing is treated as the plan's default says. The traits are
ours: ingest writes them from what the plan names (`streams.steps.consent`), and nobody else can.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from profiles.claims import believed_trait, believed_traits
from profiles.types import Profile

__all__ = [
    "ANALYTICS", "INTERNAL", "OUTREACH", "PREFIX", "PROFILING", "PURPOSES", "Consent", "Said", "is_consent",
    "is_internal", "said", "trait_of",
]  # fmt: skip

PREFIX = "consent."
"""How the names of our traits begin; nobody else's may."""

ANALYTICS = "analytics"
PROFILING = "profiling"
OUTREACH = "outreach"

PURPOSES = (ANALYTICS, PROFILING, OUTREACH)
"""The purposes that Rapport itself obeys, whether or not the plan speaks of them; a plan may add more."""

INTERNAL = "consent.Internal"
"""The trait of the house's own people, true: nothing may be made of their data. No purpose is called like it."""

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Said:
    """A customer's latest word about one purpose."""

    granted: bool
    at: float  # event time, seconds
    event: bytes  # digest of the event that said so (`profiles.types.event_digest`)
    claimed: bool = False  # by a public source, of a browser or phone: nobody else has said anything


@dataclass(frozen=True, slots=True)
class Consent:
    """What holds for each purpose. Pure, and the same for every worker and page of one plan.

    Args:
        defaults: by purpose, what holds while a customer has said nothing; a purpose that is missing is granted.
    """

    defaults: Mapping[str, bool] = field(default_factory=dict)
    _asked: Mapping[str, tuple[str, bool]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put the names together once: every changed profile is asked."""
        rows = {purpose: (trait_of(purpose), self.defaults.get(purpose, True)) for purpose in self.purposes}
        object.__setattr__(self, "_asked", rows)

    @property
    def purposes(self) -> tuple[str, ...]:
        """Every purpose, those that Rapport obeys first."""
        return (*PURPOSES, *(purpose for purpose in self.defaults if purpose not in PURPOSES))

    def allows(self, profile: Profile, purpose: str) -> bool:
        """Whether a customer's data may be used for a purpose; those of the house's own people for none."""
        if is_internal(profile):
            return False
        trait, default = self._asked.get(purpose) or (trait_of(purpose), True)
        held = believed_trait(profile, trait)
        return default if held is None else bool(held[0])

    def denied(self, profile: Profile) -> frozenset[str]:
        """The purposes that a customer does not allow."""
        if is_internal(profile):
            return frozenset(self._asked)
        traits = profile.traits if profile.claims is None else believed_traits(profile)
        found = [
            purpose
            for purpose, (trait, default) in self._asked.items()
            if not (default if (held := traits.get(trait)) is None else held[0])
        ]
        return frozenset(found) if found else _NOTHING


def said(profile: Profile, purpose: str) -> Said | None:
    """A customer's latest word about a purpose; None while there is none."""
    name = trait_of(purpose)
    held = believed_trait(profile, name)
    return None if held is None else Said(bool(held[0]), held[1], held[2], name not in profile.traits)


def trait_of(purpose: str) -> str:
    """The trait that holds a customer's word about a purpose."""
    return PREFIX + purpose


def is_internal(profile: Profile) -> bool:
    """Whether a profile is of the house's own people, as its plan tells them (`ignore`)."""
    return believed_trait(profile, INTERNAL) is not None


def is_consent(trait: str) -> bool:
    """Whether a trait is one of ours. They are few, and never give way to what else is known of a customer."""
    return trait.startswith(PREFIX)
