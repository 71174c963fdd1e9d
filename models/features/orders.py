"""What orders say, of one profile and of many at once: occasions, the usual gap, and the features they decide."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.durations import WEEK
from models.features.feature import Array
from profiles.types import ORDER_HALF_LIVES, SPEND_HALF_LIVES, Profile

__all__ = [
    "FADING",
    "FIGURES",
    "FIRST",
    "LAST",
    "REVENUE",
    "SAME_OCCASION",
    "N",
    "Orders",
    "occasions",
    "read_gaps",
    "read_orders",
    "usual_gap",
    "weeks_between",
    "weeks_since",
]  # fmt: skip

SAME_OCCASION = 0.5 * 86400.0
"""An order within this of the one before belongs to the same occasion, seconds."""

PRIOR_GAP, PRIOR_WEIGHT = 10.0, 2.0
"""The usual gap of a customer nobody knows yet: ten weeks, worth two gaps of their own."""

_LONGEST = 5200.0  # weeks

N, FIRST, LAST, _LAST_GAP, _SPREAD, REVENUE, _LAST_AMOUNT, _ITEMS = range(8)
"""The places of what is read of orders; the decayed sums follow them."""

FADING = slice(8, 8 + len(ORDER_HALF_LIVES) + len(SPEND_HALF_LIVES))
FIGURES = FADING.stop


def read_orders(profile: Profile, currency: str) -> tuple[float, ...]:
    """The figures of a profile with orders; `read_gaps` adds what its gaps say."""
    bought = profile.purchases
    return (
        bought.orders, bought.first, bought.last, 0.0, 0.0, bought.revenue_in(currency) * 0.01,
        bought.last_amount * 0.01, bought.items, *bought.decayed, *[0.01 * spend for spend in bought.spend],
    )  # fmt: skip


def read_gaps(out: Array, times: Array, lengths: NDArray[np.int64]) -> None:
    """Merge orders into occasions and set the last gap and the spread of the gaps, weeks, for all rows at once."""
    rows = len(out)
    owner = np.repeat(np.arange(rows), lengths)
    begins = np.empty(len(times), dtype=bool)
    begins[0] = True
    begins[1:] = (np.diff(times) > SAME_OCCASION) | (owner[1:] != owner[:-1])
    out[:, N] -= lengths - np.bincount(owner[begins], minlength=rows)
    starts, owner = times[begins], owner[begins]
    inner = owner[1:] == owner[:-1]
    gaps, owner = np.diff(starts)[inner] / WEEK, owner[1:][inner]
    out[owner, _LAST_GAP] = gaps  # ascending, so the last of each owner stays
    k = np.maximum(np.bincount(owner, minlength=rows), 1)
    mean = np.bincount(owner, gaps, minlength=rows) / k
    out[:, _SPREAD] = np.sqrt(np.bincount(owner, (gaps - mean[owner]) ** 2, minlength=rows) / k)


class Orders:
    """What formulas of orders are made of: arrays (n,), and (steps, n) of what moves with time while no order comes.

    Args:
        cols: the figures of a batch, by column.
        at: times, seconds.
        later: weeks from there.
    """

    def __init__(self, cols: Array, at: Array, later: Array) -> None:
        self.n, first, last, self.last_gap, self.spread = cols[:REVENUE]
        self.revenue, self.last_amount, self.items = cols[REVENUE : FADING.start]
        self.has = (self.n > 0) * 1.0
        self.some = np.maximum(self.n, 1.0)  # so that a customer without orders divides by one
        self.silence = weeks_since(last, at) * self.has
        self.recency = self.silence + later[:, None] * self.has
        self.tenure = weeks_since(first, at) * self.has + later[:, None] * self.has
        self.gap = weeks_between(cols)
        self.ratio = self.recency / self.gap
        self.log_recency, self.log_tenure = np.log(1.0 + self.recency), np.log(1.0 + self.tenure)
        self.log_n = np.log(self.some)


def weeks_between(cols: Array) -> Array:
    """The usual gap (n,), weeks."""
    gaps = np.minimum((cols[LAST] - cols[FIRST]) / WEEK, _LONGEST)
    shrunk: Array = (gaps + PRIOR_GAP * PRIOR_WEIGHT) / (np.maximum(cols[N], 1.0) - 1.0 + PRIOR_WEIGHT)
    return shrunk


def weeks_since(then: Array, now: Array) -> Array:
    """At least 0, and no longer than anybody can have been a customer."""
    return np.minimum(np.maximum((now - then) / WEEK, 0.0), _LONGEST)


def occasions(profile: Profile) -> int:
    """The feature `orders` of one profile."""
    bought = profile.purchases
    repeats = sum(after - before <= SAME_OCCASION for before, after in pairwise(bought.recent))
    return bought.orders - repeats


def usual_gap(profile: Profile) -> float:
    """The feature `usual_gap` of one profile, seconds."""
    bought = profile.purchases
    gaps = min(bought.last - bought.first, _LONGEST * WEEK)
    return (gaps + PRIOR_GAP * PRIOR_WEIGHT * WEEK) / (max(occasions(profile) - 1, 0) + PRIOR_WEIGHT)
