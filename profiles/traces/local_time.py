"""The hour, weekday and month of a time by the clocks of one zone, worked out once for each day."""

from __future__ import annotations

from datetime import UTC, date, datetime, tzinfo

__all__ = ["Local", "LocalTime"]

_DAY = 86_400
_MOST = 40_000  # days that are remembered, more than a century
_EPOCH = date(1970, 1, 1).toordinal()


Local = tuple[int, int, bytes, int]
"""By the clocks of a zone: hour; weekday, Monday's is 0; month since the year 0, in two bytes; day since 1970."""


class LocalTime:
    """Tells times by the clocks of a zone.

    Args:
        zone: whose.
    """

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
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
        return local % _DAY // 3600, weekday, month, max(day, 0)

    def _look(self, utc_day: int) -> int | None:
        if len(self._offsets) >= _MOST:
            self._offsets.clear()
        before, after = self._at(utc_day * _DAY), self._at((utc_day + 1) * _DAY)
        self._offsets[utc_day] = found = before if before == after else None
        return found

    def _at(self, second: int) -> int:
        offset = datetime.fromtimestamp(second, self._zone).utcoffset()
        return int(offset.total_seconds()) if offset is not None else 0

    def _count(self, day: int) -> tuple[int, bytes]:
        if len(self._days) >= _MOST:
            self._days.clear()
        on = date.fromordinal(day + _EPOCH)
        self._days[day] = found = on.weekday(), (on.year * 12 + on.month - 1).to_bytes(2, "big")
        return found
