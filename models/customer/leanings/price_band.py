"""The price band of a customer: how dear what they buy is among things of its kind, by the catalogue."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil

__all__ = ["LEAST", "PriceBand", "Priced", "price_band_of", "terciles"]

LEAST = 3
"""Items whose price is known."""

_THIRDS = 3

Priced = tuple[str, str, int]
"""(product, its category, its price)."""


@dataclass(frozen=True, slots=True)
class PriceBand:
    """How dear what somebody buys is."""

    mean: float | None  # of the thirds, 1 (the cheapest of their category) to 3; None of fewer than three items
    items: int  # of the latest, whose price is known


def terciles(products: Iterable[Priced]) -> dict[str, int]:
    """By product, the third of the prices of its category in which its own lies, 3 the dearest, by mid-rank: equal
    prices, equal third. A category of fewer than three has none."""
    held = list(products)
    prices: defaultdict[str, list[int]] = defaultdict(list)
    for _, category, price in held:
        prices[category].append(price)
    for each in prices.values():
        each.sort()
    return {
        product: _third(prices[category], price)
        for product, category, price in held
        if len(prices[category]) >= _THIRDS
    }


def price_band_of(bought: Iterable[str], thirds: Mapping[str, int]) -> PriceBand:
    """The band of somebody who bought these products.

    Args:
        bought: products, each as often as it was bought.
        thirds: of `terciles`.
    """
    found = [thirds[product] for product in bought if product in thirds]
    return PriceBand(sum(found) / len(found) if len(found) >= LEAST else None, len(found))


def _third(prices: list[int], price: int) -> int:
    below = bisect_left(prices, price)
    equal = bisect_right(prices, price) - below
    return min(max(ceil(_THIRDS * (below + (equal + 1) / 2) / len(prices) - 1e-9), 1), _THIRDS)
