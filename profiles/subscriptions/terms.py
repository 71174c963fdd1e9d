"""The terms of a subscription: until when it is paid, how often, for how many seats, and what it brings a month.

Each is what the latest event that says it says. The paid period ends when that was told; where nobody tells, an
interval (the same day of the next month or year, UTC) or else a fixed period after the latest start or renewal.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

from profiles.types import Number, Subscription

__all__ = ["UNKNOWN", "latest_value", "monthly", "moved", "paid_until", "spell_interval", "told_end"]

UNKNOWN = -1
"""Stands among the monthly figures for money in a currency whose worth nobody knows: some, but not how much."""

_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
_DAYS = {"day": 1, "week": 7}
_SPELLINGS = {
    "monthly": "month", "months": "month", "p1m": "month", "quarterly": "quarter", "p3m": "quarter",
    "half-yearly": "half-year", "semiannual": "half-year", "semi-annual": "half-year", "biannual": "half-year",
    "p6m": "half-year", "yearly": "year", "annual": "year", "annually": "year", "years": "year", "p1y": "year",
    "p12m": "year", "weekly": "week", "weeks": "week", "p1w": "week", "daily": "day", "days": "day", "p1d": "day",
}  # fmt: skip
_LONGEST = 40  # characters of an interval
_WEEKS = 365.25 / 12 / 7  # of a month


def spell_interval(said: object) -> str:
    """An interval in one spelling: day, week, month, quarter, half-year or year; another text as it is, "" for none."""
    if type(said) is not str or len(said) > _LONGEST:
        return ""
    text = said.strip().lower().replace("_", "-")
    return _SPELLINGS.get(text, text)


def monthly(amount: int, interval: str) -> int | None:
    """What an amount for each interval comes to a month, in its own minor units; None for an interval nobody knows."""
    if months := _MONTHS.get(interval):
        return round(amount / months)
    if days := _DAYS.get(interval):
        return round(amount * 7 / days * _WEEKS)
    return None


def paid_until(subscription: Subscription, at: float, period: float | None = None) -> float | None:
    """The end of the paid period, as it was known at a time; None if nothing says it.

    Args:
        subscription: as it was at the time: its start and renewal are not later.
        at: the time.
        period: what a start or a renewal pays for where no event says an end or an interval, seconds.
    """
    began = max(subscription.started, subscription.renewed)
    if (end := told_end(subscription, at)) is not None:
        return end
    if not began:
        return None
    return end if (end := _after(began, subscription)) is not None else None if period is None else began + period


def told_end(subscription: Subscription, at: float) -> float | None:
    """The end that was told last by then; None if none was, or if a later start or renewal told none."""
    told = [(second, end) for second, end in subscription.ends if second <= at]
    began = max((time for time in (subscription.started, subscription.renewed) if time <= at), default=0)
    return float(told[-1][1]) if told and told[-1][0] >= int(began) else None


def latest_value(told: Sequence[tuple[int, Number]]) -> Number | None:
    """What was told last; None if nothing was, or money of unknown worth."""
    return told[-1][1] if told and told[-1][1] != UNKNOWN else None


def moved(subscription: Subscription) -> Literal["up", "down", ""]:
    """Whether what it brings a month, or else its seats, rose or fell last; "" if it never did, as far as is known."""
    for told in (subscription.mrr, subscription.seats):
        values = [value for _, value in told if value != UNKNOWN]
        steps = [after - before for before, after in pairwise(values) if after != before]
        if steps:
            return "up" if steps[-1] > 0 else "down"
    return ""


def _after(began: float, subscription: Subscription) -> float | None:
    interval = subscription.interval[-1][1] if subscription.interval else ""
    if days := _DAYS.get(interval):
        return began + days * 86400.0
    months = _MONTHS.get(interval)
    if months is None:
        return None
    moment = datetime.fromtimestamp(began, UTC)
    years, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + years, month + 1
    first = moment.replace(day=1, year=year, month=month)
    return (first + timedelta(days=min(moment.day, monthrange(year, month)[1]) - 1)).timestamp()
