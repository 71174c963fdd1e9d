"""When and what a customer usually buys: the usual gap, the day of paying, favourite categories."""

from __future__ import annotations

import cmath
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, tzinfo
from itertools import pairwise
from math import pi
from statistics import median
from typing import NamedTuple

from models.customer.dealings import Dealings

__all__ = ["Buying", "Favourite", "buying_of"]

_GAPS = 8  # the latest that count
_LEAST_DAYS = 3  # of purchase
_LEAST_PAYMENTS = 3
_AROUND = 2  # days of the month
_MONTH = 31
_FAVOURITES = 3
_LEAST_ORDERS = 2


class Favourite(NamedTuple):
    """A category that a customer bought again."""

    category: str
    items: float  # kept
    orders: int


class Buying(NamedTuple):
    """What is usual."""

    gap: float | None  # days between purchase days: the median of the latest eight; None before the third
    elapsed: int | None  # days since the last purchase day; None: never
    past: float | None  # elapsed / gap
    payment_day: int | None  # of the month; None where there is no such day
    favourites: list[Favourite]


def buying_of(dealings: Dealings, now: float, zone: tzinfo) -> Buying:
    """What is usual for a customer.

    Args:
        dealings: of them.
        now: seconds.
        zone: in which days are cut.
    """
    days = sorted({_day(order.time, zone) for order in dealings.orders})
    gaps = [(after - before).days for before, after in pairwise(days)][-_GAPS:]
    gap = float(median(gaps)) if len(days) >= _LEAST_DAYS else None
    elapsed = max((_day(now, zone) - days[-1]).days, 0) if days else None
    past = elapsed / gap if gap and elapsed is not None else None
    months = [_day(time, zone).day for time in dealings.payments]
    return Buying(gap, elapsed, past, _payment_day(months), _favourites(dealings))


def _payment_day(days: Sequence[int]) -> int | None:
    """The circular mean of days of the month, if half of them are within two days of it."""
    if len(days) < _LEAST_PAYMENTS:
        return None
    mean = sum(cmath.exp(2j * pi * (day - 1) / _MONTH) for day in days) / len(days)
    if abs(mean) < 1e-9:
        return None
    found = round(cmath.phase(mean) / (2 * pi) * _MONTH) % _MONTH + 1
    apart = [min(abs(day - found), _MONTH - abs(day - found)) for day in days]
    return found if 2 * sum(each <= _AROUND for each in apart) >= len(days) else None


def _favourites(dealings: Dealings) -> list[Favourite]:
    items: defaultdict[str, float] = defaultdict(float)
    orders: defaultdict[str, int] = defaultdict(int)
    for order in dealings.kept:
        if order.category and not order.whole:
            items[order.category] += order.quantity
            orders[order.category] += 1
    found = [Favourite(name, items[name], count) for name, count in orders.items() if count >= _LEAST_ORDERS]
    return sorted(found, key=lambda each: (-each.items, -each.orders, each.category))[:_FAVOURITES]


def _day(time: float, zone: tzinfo) -> date:
    return datetime.fromtimestamp(time, zone).date()
