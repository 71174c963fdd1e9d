"""A customer's own season: who orders a few times, then nothing for months, then again, at a period of their own.

Occasions with a long gap before them begin a season; after two such gaps the time between the beginnings is the period,
if it is regular. From then on silence says little until the next season is due, and much when that has gone by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.durations import WEEK
from models.features.feature import Array

if TYPE_CHECKING:
    from models.features.orders import Orders

__all__ = ["Seasons", "find_seasons", "may_have_seasons", "season_due", "season_missed", "season_silence"]

LONG = 8.0
"""The least weeks between two seasons; and at least half the customer's longest gap."""

CYCLES = 2
"""So many periods must have been seen."""

REGULAR = 0.35
"""Where the standard deviation of the periods is this share of their mean, there is no season any more."""

_NARROW = 0.08  # of the period: the least width of a season's beginning…
_NARROWEST = 1.0  # …and in weeks
_NEAR = 2.0  # widths from there it is not due at all; until then at least half, as what is hardly seen is hardly known


class Seasons(NamedTuple):
    """What is found of many customers, each (n,); zeros for who has no season."""

    began: Array  # when the latest season did, seconds
    period: Array  # weeks from one beginning to the next
    width: Array  # weeks by which a beginning is off
    regular: Array  # ½ to 1


def may_have_seasons(gaps: Array, owner: NDArray[np.int64]) -> bool:
    """Whether anybody has gaps enough that are as long as two seasons are apart at least: it is soon told of most.

    Args:
        gaps: between occasions, weeks.
        owner: whose each is.
    """
    whose = owner[gaps >= LONG]
    return len(whose) >= CYCLES and int(np.bincount(whose).max()) >= CYCLES


def find_seasons(starts: Array, owner: NDArray[np.int64], rows: int, longest: Array) -> Seasons:
    """The seasons in the occasions of many customers.

    Args:
        starts: times of occasions, those of one customer together and ascending.
        owner: whose each is.
        rows: how many customers there are.
        longest: gap of each, weeks.
    """
    gaps = np.diff(starts) / WEEK
    begins = (owner[1:] == owner[:-1]) & (gaps >= np.maximum(LONG, longest[owner[1:]] / 2.0))
    who = owner[1:][begins]
    cycles = np.bincount(who, minlength=rows)
    if not (cycles >= CYCLES).any():
        return Seasons(*np.zeros((4, rows)))
    first = np.zeros(rows)
    first[owner[::-1]] = starts[::-1]  # the earliest of each owner stays
    began = starts[1:][begins]
    before = np.where(np.diff(who, prepend=-1) != 0, first[who], np.roll(began, 1))
    periods = (began - before) / WEEK
    latest = np.zeros(rows)
    latest[who] = began
    k = np.maximum(cycles, 1)
    period = np.bincount(who, periods, minlength=rows) / k
    spread = np.sqrt(np.bincount(who, (periods - period[who]) ** 2, minlength=rows) / k)
    found = (cycles >= CYCLES) & (spread < REGULAR * period)
    regular = np.where(found, 1.0 - 0.5 * spread / np.where(found, REGULAR * period, 1.0), 0.0)
    width = np.maximum(spread, np.maximum(_NARROW * period, _NARROWEST))
    return Seasons(latest * found, period * found, width * found, regular)


def season_due(orders: Orders) -> Array | float:
    """1 when the next season is to begin, less the further off that is; half as much for each that was missed."""
    return orders.in_season(_due)


def season_silence(orders: Orders) -> Array | float:
    """How much silence the season explains: log(1 + weeks) since the last order, until the next is overdue."""
    return orders.in_season(_silence)


def season_missed(orders: Orders) -> Array | float:
    """How many seasons have gone by without an order, counted from when each was overdue."""
    return orders.in_season(_missed)


def _due(since: Array, seasons: Seasons, recency: Array) -> Array:
    number = np.maximum(np.rint(since / seasons.period), 1.0)
    off: Array = (since - number * seasons.period) / seasons.width
    near: Array = np.where(np.abs(off) < _NEAR, (1.0 - np.abs(off) / (2.0 * _NEAR)) * 0.5 ** (number - 1.0), 0.0)
    return near


def _silence(since: Array, seasons: Seasons, recency: Array) -> Array:
    explained: Array = np.log1p(recency) * (since < seasons.period + seasons.width)
    return explained


def _missed(since: Array, seasons: Seasons, recency: Array) -> Array:
    missed: Array = np.maximum((since - seasons.width) / seasons.period - 1.0, 0.0)
    return np.minimum(missed, 4.0)
