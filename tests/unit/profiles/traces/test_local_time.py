"""Times by the clocks of a zone, also on days on which clocks are set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from profiles.traces.local_time import LocalTime


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland"])
def test_it_is_what_the_calendar_says(zone: str) -> None:
    """Each three quarters of an hour around both changes of 2026, and a leap day."""
    local, there = LocalTime(ZoneInfo(zone)), ZoneInfo(zone)
    for began in ((2026, 3, 6), (2026, 3, 27), (2026, 10, 23), (2026, 10, 30), (2024, 2, 28), (2026, 4, 3)):
        for step in range(32 * 5):
            at = datetime(*began, tzinfo=UTC) + timedelta(minutes=45 * step)
            said, clock = local(at.timestamp()), at.astimezone(there)
            month = (clock.year * 12 + clock.month - 1).to_bytes(2, "big")
            day = clock.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
            assert said == (clock.hour, clock.weekday(), month, day)


def test_before_1970_it_is_1970() -> None:
    assert LocalTime()(-5.0) == LocalTime()(0.0) == (0, 3, (1970 * 12).to_bytes(2, "big"), 0)
