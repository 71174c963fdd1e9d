"""What orders say, of one profile and of many at once: occasions, the usual gap, and the features they decide."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.durations import WEEK
from models.features.feature import Array
from models.features.seasons import CYCLES, Seasons, find_seasons, may_have_seasons
from profiles.types import ORDER_HALF_LIVES, SPEND_HALF_LIVES, Profile

__all__ = [
    "BASKETS",
    "FADING",
    "FIGURES",
    "FIRST",
    "LAST",
    "REVENUE",
    "SAME_OCCASION",
    "N",
    "Orders",
    "occasions",
    "read_baskets",
    "read_gaps",
    "read_orders",
    "season_of",
    "usual_gap",
    "weeks_between",
    "weeks_since",
]  # fmt: skip

SAME_OCCASION = 0.5 * 86400.0
"""An order within this of the one before belongs to the same occasion, seconds."""

PRIOR_GAP, PRIOR_WEIGHT = 10.0, 2.0
"""The usual gap of a customer nobody knows yet: ten weeks, worth two gaps of their own."""

BASKETS = 3
"""So many of the latest orders are compared with those before."""

_LONGEST = 5200.0  # weeks

(
    N, FIRST, LAST, _LAST_GAP, _SPREAD, _BASKET, _SEASON, _PERIOD, _WIDTH, _REGULAR,
    REVENUE, _LAST_AMOUNT, _ITEMS,
) = range(13)  # fmt: skip
"""The places of what is read of orders; the decayed sums follow them."""

FADING = slice(13, 13 + len(ORDER_HALF_LIVES) + len(SPEND_HALF_LIVES))
FIGURES = FADING.stop
_LATER = (0.0,) * (REVENUE - _LAST_GAP)


def read_orders(profile: Profile, currency: str) -> tuple[float, ...]:
    """The figures of a profile with orders; `read_gaps` and `read_baskets` add what needs all of the latest orders."""
    bought = profile.purchases
    return (
        bought.orders, bought.first, bought.last, *_LATER, bought.revenue_in(currency) * 0.01,
        bought.last_amount * 0.01, bought.items, *bought.decayed, *[0.01 * spend for spend in bought.spend],
    )  # fmt: skip


def read_gaps(out: Array, times: Array, lengths: NDArray[np.int64]) -> None:
    """Merge orders into occasions and set what their gaps say, in weeks, and their seasons, for all rows at once."""
    rows = len(out)
    owner = np.arange(rows).repeat(lengths)
    begins = np.empty(len(times), dtype=bool)
    begins[0] = True
    begins[1:] = (times[1:] - times[:-1] > SAME_OCCASION) | (owner[1:] != owner[:-1])
    starts, of = times[begins], owner[begins]
    out[:, N] -= lengths - np.bincount(of, minlength=rows)
    inner = of[1:] == of[:-1]
    gaps, owner = (starts[1:] - starts[:-1])[inner] / WEEK, of[1:][inner]
    if not len(gaps):
        return
    out[owner, _LAST_GAP] = gaps  # ascending, so the last of each owner stays
    k = np.maximum(np.bincount(owner, minlength=rows), 1)
    mean = np.bincount(owner, gaps, minlength=rows) / k
    out[:, _SPREAD] = np.sqrt(np.bincount(owner, (gaps - mean[owner]) ** 2, minlength=rows) / k)
    if may_have_seasons(gaps, owner):
        longest = np.zeros(rows)
        np.maximum.at(longest, owner, gaps)
        out[:, _SEASON : _REGULAR + 1] = np.transpose(find_seasons(starts, of, rows, longest))


def read_baskets(out: Array, amounts: Array, lengths: NDArray[np.int64]) -> None:
    """Set by how much the latest orders are larger than those before, as log-ratio of their means, for all rows."""
    if lengths.max() < 2 * BASKETS - 1:
        return
    rows = len(out)
    owner = np.arange(rows).repeat(lengths)
    from_end = lengths.cumsum().repeat(lengths) - np.arange(len(amounts))
    known = amounts > 0  # 0 is of an order in another currency
    late, early = known & (from_end <= BASKETS), known & (from_end > BASKETS)
    n_late, n_early = (np.bincount(owner[part], minlength=rows) for part in (late, early))
    means = [
        np.bincount(owner[part], amounts[part], minlength=rows) / np.maximum(n, 1)
        for part, n in ((late, n_late), (early, n_early))
    ]
    enough = (n_late == BASKETS) & (n_early >= BASKETS - 1)
    out[enough, _BASKET] = np.log(means[0][enough] / means[1][enough]).clip(-3.0, 3.0)


class Orders:
    """What formulas of orders are made of: arrays (n,), and (steps, n) of what moves with time while no order comes.

    Args:
        cols: the figures of a batch, by column.
        at: times, seconds.
        later: (steps, 1), weeks from there.
    """

    def __init__(self, cols: Array, at: Array, later: Array) -> None:
        self.n, first, last, self.last_gap, self.spread, self.basket = cols[:_SEASON]
        self.revenue, self.last_amount, self.items = cols[REVENUE : FADING.start]
        self.has = (self.n > 0) * 1.0
        self.some = np.maximum(self.n, 1.0)  # so that a customer without orders divides by one
        self.silence = weeks_since(last, at) * self.has
        ahead = later * self.has
        self.recency = self.silence + ahead
        self.tenure = weeks_since(first, at) * self.has + ahead
        self.gap = weeks_between(cols)
        self.ratio = self.recency / self.gap
        self.log_recency, self.log_n = np.log(1.0 + self.recency), np.log(self.some)
        self._seasonal = cols[_REGULAR].nonzero()[0]
        if len(self._seasonal):
            self._seasons = Seasons(*cols[_SEASON : _REGULAR + 1, self._seasonal])
            self._since = weeks_since(self._seasons.began, at[self._seasonal]) + later

    def in_season(self, formula: Callable[[Array, Seasons, Array], Array]) -> Array | float:
        """(steps, n) of who has a season, by how regular it is; 0 for the others.

        Args:
            formula: of the weeks since the latest season began, the seasons, and the weeks since the last order.
        """
        if not len(self._seasonal):
            return 0.0
        out: Array = np.zeros_like(self.recency)
        found = formula(self._since, self._seasons, self.recency[:, self._seasonal])
        out[:, self._seasonal] = found * self._seasons.regular
        return out


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


def season_of(profile: Profile) -> tuple[float, float] | None:
    """When the latest season of one profile began, and how long it is to the next, seconds; None without seasons."""
    times = np.array(profile.purchases.recent)
    if len(times) <= CYCLES:
        return None
    out = np.zeros((1, FIGURES))
    read_gaps(out, times, np.array([len(times)]))
    return (float(out[0, _SEASON]), float(out[0, _PERIOD]) * WEEK) if out[0, _REGULAR] else None


def usual_gap(profile: Profile) -> float:
    """The feature `usual_gap` of one profile, seconds."""
    bought = profile.purchases
    gaps = min(bought.last - bought.first, _LONGEST * WEEK)
    return (gaps + PRIOR_GAP * PRIOR_WEIGHT * WEEK) / (max(occasions(profile) - 1, 0) + PRIOR_WEIGHT)
