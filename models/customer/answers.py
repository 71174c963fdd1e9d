"""What a customer answered, one by one, of the latest answers: the year's mean, its trend, and opinions by product."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from models.customer.scales import REVIEW, SURVEYS, scaled
from models.customer.worth import YEAR
from profiles.traces.mementos import Memento, mementos_of
from profiles.types import Profile

__all__ = ["About", "Recent", "opinions_of", "recent_answers"]

_FOR_A_TREND = 4
_NEWEST = 2
_TOLD = 8


@dataclass(frozen=True, slots=True)
class Recent:
    """Answers of the last 365 days, from 0 to 100, of those that are kept one by one."""

    mean: float | None  # None without one
    count: int
    trend: float | None  # mean of the newest two less that of those before; None of fewer than four


@dataclass(frozen=True, slots=True)
class About:
    """What a customer thinks of one product or category."""

    what: str
    category: bool
    mean: float  # as they are asked: of 5, of 10
    count: int
    last: float
    at: float


def recent_answers(profile: Profile, now: float) -> Recent:
    """What was answered within a year: the newest eight to each question."""
    found = sorted(
        (each.at, kind, scaled(kind, float(each.value)))
        for kind in SURVEYS
        for each in _kept(profile, kind)
        if now - YEAR < each.at <= now
    )
    points = [answer for _, _, answer in found]
    trend = None
    if len(points) >= _FOR_A_TREND:
        before, newest = points[:-_NEWEST], points[-_NEWEST:]
        trend = sum(newest) / _NEWEST - sum(before) / len(before)
    return Recent(sum(points) / len(points) if points else None, len(points), trend)


def opinions_of(profile: Profile) -> list[About]:
    """What a customer's reviews say of products and categories, the latest first."""
    by: defaultdict[tuple[str, bool], list[Memento]] = defaultdict(list)
    for each in _kept(profile, REVIEW):
        if each.what:
            by[each.what, False].append(each)
        if each.more:
            by[each.more, True].append(each)
    found = [
        About(
            what, category, sum(float(one.value) for one in said) / len(said), len(said), float(said[-1].value),
            float(said[-1].at),
        )
        for (what, category), said in by.items()
    ]  # fmt: skip
    return sorted(found, key=lambda each: (-each.at, each.category, each.what))[:_TOLD]


def _kept(profile: Profile, kind: str) -> list[Memento]:
    return mementos_of(profile.traces.kept.get(kind, b"")) if profile.traces is not None else []
