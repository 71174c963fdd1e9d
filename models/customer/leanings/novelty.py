"""How early a customer buys what is new: where they are among all who bought the same product since it was launched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from profiles.traces.mementos import KEPT, Memento

__all__ = ["BUYERS", "LAUNCHES", "LEAST", "Novelty", "delays_of", "novelty_of"]

LEAST = 3
"""Products."""

BUYERS = 30
"""Of a product, below which nobody is ranked by it."""

LAUNCHES = 64
"""Products that are looked at, those that were launched last."""


@dataclass(frozen=True, slots=True)
class Novelty:
    """How early somebody buys what is new."""

    rank: float | None  # 0 before all others, 1 after them: the median of their products; None of fewer than three
    products: int  # of which it is known


def delays_of(orders: Sequence[Memento], launched: Mapping[str, int]) -> dict[str, int]:
    """By product, the days from its launch until somebody bought it first.

    Args:
        orders: products that they bought, by day, as a profile keeps them: the latest.
        launched: by product, the local day of its launch.
    """
    known = orders[0].at if len(orders) >= KEPT["bought"] else 0  # what was bought before may not be kept
    found: dict[str, int] = {}
    for order in orders:  # the earliest first
        began = launched.get(order.what)
        if began is not None and began >= known:
            found.setdefault(order.what, max(order.at - began, 0))
    return found


def novelty_of(
    orders: Sequence[Memento], launched: Mapping[str, int], firsts: Mapping[str, Mapping[int, int]], since: int
) -> Novelty:
    """How early somebody buys what is new.

    Args:
        orders: as of `delays_of`.
        launched: likewise.
        firsts: by product, how many of all customers bought it first after so many days.
        since: the day of their first order: what was launched before was not new to them.
    """
    ranks = []
    for product, delay in delays_of(orders, launched).items():
        others = firsts.get(product, {})
        buyers = sum(others.values())
        if launched[product] >= since and buyers >= BUYERS:
            below = sum(count for days, count in others.items() if days < delay)
            ranks.append((below + others.get(delay, 0) / 2) / buyers)
    return Novelty(median(ranks) if len(ranks) >= LEAST else None, len(ranks))
