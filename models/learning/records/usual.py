"""Whether customers are as active as such customers usually are: by how long they have been there, and their orders.

In a young tenant everybody grows older at once, and older customers order more rarely: fewer are active from week to
week, and nothing has changed. So a change of activity counts as drift only if customers are off from what those of the
same age and number of orders were before them. Counts are not forgotten, so that a change stays one until it is told.
"""

from __future__ import annotations

import math
from bisect import bisect

from models.codec import State
from models.durations import WEEK
from models.labels.examples import OrderSummary

__all__ = ["LEAST", "Usual"]

LEAST = 30
"""Customers of an age and number of orders, from whom it is known how active such customers are."""

_AGES = 1.5  # each age is so many times as old as the one before
_ORDERS = (2, 3, 5, 9)  # where the next number of orders begins
_MEMORY = 1000.0  # customers that the sums remember
_OFF = 2.0  # standard errors that are no chance


class Usual(State):
    """The same customers in the same order: the same state."""

    counts: dict[str, tuple[int, int]]  # by age and orders: customers, active ones
    off: float  # fading sums: active ones less what was usual of such…
    expected: float  # …and the variance of that

    @classmethod
    def new(cls) -> Usual:
        """Before anybody was seen."""
        return cls({}, 0.0, 0.0)

    def add(self, seen: OrderSummary) -> None:
        """Compare a customer with those like them, and count them."""
        age = int(math.log1p(max(seen.at - seen.first, 0.0) / WEEK) / math.log(_AGES))
        place = f"{age}:{bisect(_ORDERS, seen.orders)}"
        customers, active = self.counts.get(place, (0, 0))
        self.counts[place] = customers + 1, active + seen.active
        if customers >= LEAST:
            rate, fade = (active + 0.5) / (customers + 1.0), 1.0 - 1.0 / _MEMORY
            self.off = fade * self.off + seen.active - rate
            # What is usual is known from so many customers only.
            self.expected = fade * fade * self.expected + rate * (1.0 - rate) * (1.0 + 1.0 / customers)

    @property
    def direction(self) -> int:
        """1: customers are more active than such customers were, -1: less; 0: no more than by chance."""
        if self.off**2 <= _OFF**2 * self.expected:
            return 0
        return 1 if self.off > 0 else -1
