"""How satisfied a customer says they are, and what they do: answers on one scale, returns, buying again.

Who was not asked, or did not answer, has no satisfaction: that is not the middle of a scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.customer.answers import Recent, recent_answers
from models.customer.dealings import Dealings
from models.customer.scales import SURVEYS, scaled
from models.customer.worth import YEAR
from models.durations import DAY
from profiles.traces.mementos import mementos_of
from profiles.types import Profile

__all__ = ["Answers", "Satisfaction", "Share", "satisfaction_of"]

_RETURNABLE = 30 * DAY
"""Seconds after which hardly an order comes back."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with what it is of; its value is None where that is nothing."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """From 0 on."""
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers to one question, from 0 to 100."""

    kind: str  # csat, nps, ces
    count: int
    last: float
    at: float
    mean: float  # of all


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """What is known of it."""

    state: Literal["answered", "not_answered", "not_asked"]
    last: float | None  # the latest answer to any question, 0 to 100
    at: float | None
    mean: float | None  # of all answers
    year: Recent
    answers: list[Answers]  # by question
    returned: Share  # orders of which something was paid back, of those older than 30 days
    complained: Share | None  # complaints against orders of the last 365 days; None: not all of either are kept
    again: bool | None  # whether they bought on a second day; None of who never bought


def satisfaction_of(profile: Profile, dealings: Dealings, now: float) -> Satisfaction:
    """How satisfied a customer is."""
    answers = [
        Answers(kind, held.count, scaled(kind, held.last), held.time, scaled(kind, held.total / held.count))
        for kind in SURVEYS
        if (held := profile.opinions.get(kind)) is not None and held.count
    ]
    latest = max(answers, key=lambda each: (each.at, each.kind), default=None)
    count = sum(each.count for each in answers)
    old = [order for order in dealings.kept if order.time <= now - _RETURNABLE]
    return Satisfaction(
        "answered" if answers else "not_answered" if "survey_asked" in profile.roles else "not_asked",
        None if latest is None else latest.last,
        None if latest is None else latest.at,
        sum(each.mean * each.count for each in answers) / count if count else None,
        recent_answers(profile, now),
        answers,
        Share(sum(order.returned for order in old), len(old)),
        _complained(profile, dealings, now),
        profile.purchases.orders > 1 if profile.purchases.orders else None,
    )


def _complained(profile: Profile, dealings: Dealings, now: float) -> Share | None:
    lately, complaints = dealings.after(now - YEAR), _complaints_after(profile, now - YEAR)
    return None if lately is None or complaints is None else Share(complaints, len(lately.orders))


def _complaints_after(profile: Profile, time: float) -> int | None:
    """How many complaints are later than a time; None if some of those may be no longer known one by one."""
    tally = profile.roles.get("complaint")
    if tally is None or tally.last <= time:
        return 0
    if tally.first > time:
        return tally.count
    kept = mementos_of(profile.traces.kept.get("complaint", b"")) if profile.traces is not None else []
    later = sum(each.at > time for each in kept)
    return later if later < len(kept) else None  # an earlier one is kept, so all later ones are
