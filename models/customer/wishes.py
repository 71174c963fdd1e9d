"""What a customer looked for and did not get: searches without a result, products that they looked at and did not
buy, or that were not there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from profiles.traces.looked import looked_of
from profiles.traces.mementos import KEPT, Memento, mementos_of
from profiles.types import Profile

__all__ = ["Wish", "Wishes", "wishes_of"]

_DAYS = 90
_YET = 30  # days after the last look, in which somebody may buy
_TOLD = 8
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that was wanted."""

    what: str
    days: int  # ago, the last time


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was wanted, the latest first."""

    searched: list[Wish]  # without a result, within 90 days
    waits: list[Wish]  # was not there, and not bought since
    viewed: list[Wish]  # on two days or more, and not bought until 30 days after the last, which have passed


def wishes_of(profile: Profile, now: float, zone: tzinfo) -> Wishes:
    """What a customer wants, of the latest that are kept."""
    today = datetime.fromtimestamp(now, zone).toordinal() - _EPOCH
    orders = _kept(profile, "bought")
    bought = _latest(orders)
    missing = _latest(_kept(profile, "missing"))
    return Wishes(
        _wishes({what: day for what, day in _latest(_kept(profile, "search")).items() if today - day < _DAYS}, today),
        _wishes({what: day for what, day in missing.items() if bought.get(what, -1) < day}, today),
        _wishes(_viewed(profile, orders, today), today)[:_TOLD],
    )


def _viewed(profile: Profile, orders: list[Memento], today: int) -> dict[str, int]:
    """Product → the day of the last look."""
    looked: defaultdict[str, list[int]] = defaultdict(list)
    for day, product in looked_of(profile.traces.looked) if profile.traces is not None else ():
        looked[product].append(day)
    bought: defaultdict[str, list[int]] = defaultdict(list)
    for order in orders:
        bought[order.what].append(order.at)
    known = orders[0].at if len(orders) >= KEPT["bought"] else 0  # what was bought before may not be kept
    return {
        product: days[-1]
        for product, days in looked.items()
        if len(days) > 1
        and days[0] >= known
        and days[-1] + _YET <= today
        and not any(days[0] <= day <= days[-1] + _YET for day in bought[product])
    }


def _latest(mementos: list[Memento]) -> dict[str, int]:
    return {each.what: each.at for each in mementos}  # the earliest first, so the last stays


def _wishes(latest: dict[str, int], today: int) -> list[Wish]:
    found = [Wish(what, max(today - day, 0)) for what, day in latest.items()]
    return sorted(found, key=lambda wish: (wish.days, wish.what))


def _kept(profile: Profile, kind: str) -> list[Memento]:
    return mementos_of(profile.traces.kept.get(kind, b"")) if profile.traces is not None else []
