"""What a customer looked for and did not get: searches without a result, products to be told of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from profiles.traces.mementos import Memento, mementos_of
from profiles.types import Profile

__all__ = ["Wish", "Wishes", "wishes_of"]

_DAYS = 90
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
    waits: list[Wish]  # to be told when it is there again, and not bought since


def wishes_of(profile: Profile, now: float, zone: tzinfo) -> Wishes:
    """What a customer wants, of the latest that are kept."""
    today = datetime.fromtimestamp(now, zone).toordinal() - _EPOCH
    bought = _latest(_kept(profile, "bought"))
    missing = _latest(_kept(profile, "missing"))
    return Wishes(
        _wishes({what: day for what, day in _latest(_kept(profile, "search")).items() if today - day < _DAYS}, today),
        _wishes({what: day for what, day in missing.items() if bought.get(what, -1) < day}, today),
    )


def _latest(mementos: list[Memento]) -> dict[str, int]:
    return {each.what: each.at for each in mementos}  # the earliest first, so the last stays


def _wishes(latest: dict[str, int], today: int) -> list[Wish]:
    found = [Wish(what, max(today - day, 0)) for what, day in latest.items()]
    return sorted(found, key=lambda wish: (wish.days, wish.what))


def _kept(profile: Profile, kind: str) -> list[Memento]:
    return mementos_of(profile.traces.kept.get(kind, b"")) if profile.traces is not None else []
