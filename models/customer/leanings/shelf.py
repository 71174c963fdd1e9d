"""What the catalogue says of products, as figures of customers need it: worked out once for a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from models.customer.leanings.novelty import LAUNCHES
from models.customer.leanings.price_band import terciles
from profiles.calendar.local_time import EPOCH
from profiles.traces.mementos import short

__all__ = ["Shelf", "shelf_of"]


class _Product(Protocol):
    @property
    def product_id(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def price(self) -> int | None: ...
    @property
    def launched(self) -> date | None: ...
    @property
    def tags(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Shelf:
    """By product, as profiles keep its name."""

    thirds: Mapping[str, int] = field(default_factory=dict)  # of the prices of its category
    tags: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of every product, if any has one
    launched: Mapping[str, int] = field(default_factory=dict)  # days since 1970, of those that were launched last


def shelf_of(products: Iterable[_Product]) -> Shelf:
    """What a catalogue says."""
    named = [(short(each.product_id), each) for each in products]
    launched = [((each.launched - EPOCH).days, name) for name, each in named if each.launched is not None]
    return Shelf(
        terciles((name, each.category, each.price) for name, each in named if each.price is not None),
        {name: each.tags for name, each in named} if any(each.tags for _, each in named) else {},
        {name: day for day, name in sorted(launched)[-LAUNCHES:]},
    )
