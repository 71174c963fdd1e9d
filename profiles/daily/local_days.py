"""Local days: which day of a plan's time zone a moment belongs to."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import inf
from zoneinfo import ZoneInfo

__all__ = ["EPOCH", "LocalDays"]

EPOCH = date(1970, 1, 1)
"""Days are counted from it."""

_FIRST = EPOCH.toordinal()
_DAY = 86400.0
_STEPS = 96  # of a day of UTC: clocks of zones differ by multiples of a quarter of an hour
_MOST = 20_000  # days that are remembered


class LocalDays:
    """The days of one time zone, as numbers since 1970. Safe to share between threads.

    Args:
        zone: IANA name.
    """

    __slots__ = ("_known", "_zone", "zone")

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._known: dict[float, tuple[float, int, int]] = {}  # day of UTC → the midnight in it, the days around that

    def of(self, time: float) -> int:
        """The day of a moment, seconds since the epoch."""
        around = self._known.get(time // _DAY) or self._around(time // _DAY)
        return around[1] if time < around[0] else around[2]

    def date(self, day: int) -> date:
        """A day as a date."""
        return EPOCH + timedelta(days=day)

    def _around(self, utc: float) -> tuple[float, int, int]:
        start, step = utc * _DAY, _DAY / _STEPS
        before, after = self._told(start), self._told(start + _DAY - step)
        low, high = 0, _STEPS - 1  # of `before`, and of `after` if that is another day
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._told(start + middle * step) == before else (low, middle)
        if len(self._known) >= _MOST:
            self._known = {}
        found = self._known[utc] = (inf if before == after else start + high * step, before, after)
        return found

    def _told(self, time: float) -> int:
        return datetime.fromtimestamp(time, self._zone).toordinal() - _FIRST
