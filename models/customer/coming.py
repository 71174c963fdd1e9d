"""When a customer comes: usual hours and weekday, and in how many months they did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from profiles.traces.counts import MONTHS, hours_of, months_of
from profiles.types import Profile

__all__ = ["Coming", "coming_of", "steadiness_of"]

_LEAST = 20  # times
_HOURS = 3
_OF_HOURS, _OF_DAYS = 0.3, 0.25  # shares from which on something is usual


@dataclass(frozen=True, slots=True)
class Coming:
    """When they come, of all times that are counted."""

    times: int
    hour: int | None  # the first of the three hours in which they come most; None where none stand out
    hour_share: float | None  # of the times, in these three
    weekday: int | None  # Monday's is 0; None likewise
    weekday_share: float | None


def coming_of(profile: Profile) -> Coming:
    """When a customer comes, by the clocks of the plan's zone."""
    traces = profile.traces
    if traces is None or not traces.when:
        return Coming(0, None, None, None, None)
    hours, days = hours_of(traces.when)
    times = sum(hours)
    around = [sum(hours[(first + more) % 24] for more in range(_HOURS)) for first in range(24)]
    hour, of_hours = _standing_out(around, times, _OF_HOURS)
    day, of_days = _standing_out(days, times, _OF_DAYS)
    return Coming(times, hour, of_hours, day, of_days)


def _standing_out(counts: Sequence[int], times: int, least: float) -> tuple[int | None, float | None]:
    if times < _LEAST:
        return None, None
    best = max(counts)
    share = best / times
    return (counts.index(best), share) if share >= least else (None, None)


def steadiness_of(profile: Profile, now: float, zone: tzinfo) -> float | None:
    """The share of the months since the first purchase, this one among them, in which a customer came: of the latest
    24 at most. None of who never bought, and while nothing is kept of it."""
    traces, first = profile.traces, profile.purchases.first
    if traces is None or not traces.months or not profile.purchases.orders:
        return None
    this = _month(now, zone)
    began = max(_month(float(first), zone), this - MONTHS + 1)
    months = {month for month in months_of(traces.months) if began <= month <= this}
    return len(months) / (this - began + 1) if this >= began else None


def _month(time: float, zone: tzinfo) -> int:
    at = datetime.fromtimestamp(time, zone)
    return at.year * 12 + at.month - 1
