"""What makes a customer buy: what the days began with on which they ordered, or the discount that an order had."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from models.customer.dealings import Dealings
from models.customer.leanings.comings import ShareOf
from profiles.traces.begun import begun_of
from profiles.traces.mementos import mementos_of
from profiles.types import Profile

__all__ = ["LEAST", "Drivers", "drivers_of"]

LEAST = 3
"""Orders of which it is known."""

DISCOUNT = "discount"

_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Drivers:
    """Shares of orders, the largest first; empty where fewer than three are known."""

    shares: list[ShareOf]
    orders: int  # of which it is known


def drivers_of(profile: Profile, dealings: Dealings, zone: tzinfo) -> Drivers:
    """What made a customer buy.

    Args:
        profile: as stored.
        dealings: of it.
        zone: in which days are cut.
    """
    traces = profile.traces
    if traces is None:
        return Drivers([], 0)
    began = {each.day: each for each in begun_of(traces.begun)}
    cheaper = {each.at for each in mementos_of(traces.kept.get("coupon", b""))}
    counts: Counter[str] = Counter()
    for order in dealings.orders:
        day = datetime.fromtimestamp(order.time, zone).toordinal() - _EPOCH
        first = began.get(day)
        if day in cheaper:
            counts[DISCOUNT] += 1
        elif first is not None and first.origin and first.second <= order.time:
            counts[first.origin] += 1
    known = counts.total()
    if known < LEAST:
        return Drivers([], known)
    shares = [ShareOf(name, count / known) for name, count in counts.items()]
    return Drivers(sorted(shares, key=lambda one: (-one.share, one.name)), known)
