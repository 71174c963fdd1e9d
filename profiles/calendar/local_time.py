"""Times by the clocks of one zone: hour, weekday, month and day, worked out once for each day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import floor
from zoneinfo import ZoneInfo

__all__ = ["EPOCH", "Local", "LocalTime"]

EPOCH = date(1970, 1, 1)
"""Days are counted from it."""

_FIRST = EPOCH.toordinal()
_DAY = 86_400
_MOST = 40_000  # days that are remembered, more than a century

Local = tuple[int, int, bytes, int]
"""By the clocks of a zone: hour; weekday, Monday's is 0; month since the year 0, in two bytes; day since 1970."""


class LocalTime:
    """Tells times by the clocks of a zone. Safe to share between threads.

    Args:
        zone: IANA name.
    """

    __slots__ = ("_days", "_offsets", "_zone", "zone")

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self._zone = ZoneInfo(zone)
        self._offsets: dict[int, int | None] = {}  # day of UTC → seconds to add; None: it changes on that day
        self._days: dict[int, tuple[int, bytes]] = {}  # local day → weekday, month

    def __call__(self, time: float) -> Local:
        """What the clocks said at a time; before 1970 it is 1970."""
        second = int(time) if time > 0 else 0
        utc_day = second // _DAY
        try:
            offset = self._offsets[utc_day]
        except KeyError:
            offset = self._look(utc_day)
        local = second + (self._at(second) if offset is None else offset)
        day = local // _DAY
        try:
            weekday, month = self._days[day]
        except KeyError:
            weekday, month = self._count(day)
        return local % _DAY // 3600, weekday, month, day

    def of(self, time: float) -> int:
        """The day of a moment, as a number since 1970."""
        utc_day = int(time // _DAY)
        try:
            offset = self._offsets[utc_day]
        except KeyError:
            offset = self._look(utc_day)
        if offset is None:
            second = floor(time)
            return (second + self._at(second)) // _DAY
        return int((time + offset) // _DAY)

    def date(self, day: int) -> date:
        """A day as a date."""
        return EPOCH + timedelta(days=day)

    def _look(self, utc_day: int) -> int | None:
        if len(self._offsets) >= _MOST:
            self._offsets = {}
        before, after = self._at(utc_day * _DAY), self._at((utc_day + 1) * _DAY)
        self._offsets[utc_day] = found = before if before == after else None
        return found

    def _at(self, second: int) -> int:
        offset = datetime.fromtimestamp(second, self._zone).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def _count(self, day: int) -> tuple[int, bytes]:
        if len(self._days) >= _MOST:
            self._days = {}
        on = date.fromordinal(day + _FIRST)
        self._days[day] = found = on.weekday(), (on.year * 12 + on.month - 1).to_bytes(2, "big")
        return found
