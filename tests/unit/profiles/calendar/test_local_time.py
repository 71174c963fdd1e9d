"""Times by the clocks of a zone, also on days on which clocks are set."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from profiles.calendar.local_time import EPOCH, LocalTime


@pytest.mark.parametrize("zone", ["UTC", "Europe/Amsterdam", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland"])
def test_it_is_what_the_calendar_says(zone: str) -> None:
    """Each three quarters of an hour around both changes of 2026, and a leap day."""
    local, there = LocalTime(zone), ZoneInfo(zone)
    for began in ((2026, 3, 6), (2026, 3, 27), (2026, 10, 23), (2026, 10, 30), (2024, 2, 28), (2026, 4, 3)):
        for step in range(32 * 5):
            at = datetime(*began, tzinfo=UTC) + timedelta(minutes=45 * step)
            said, clock = local(at.timestamp()), at.astimezone(there)
            month = (clock.year * 12 + clock.month - 1).to_bytes(2, "big")
            day = clock.toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
            assert said == (clock.hour, clock.weekday(), month, day)


def test_before_1970_it_is_1970() -> None:
    assert LocalTime()(-5.0) == LocalTime()(0.0) == (0, 3, (1970 * 12).to_bytes(2, "big"), 0)


ZONES = ("UTC", "Europe/London", "Europe/Amsterdam", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Pacific/Apia", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Chatham")  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_it_is_the_date_that_a_calendar_there_shows(zone: str) -> None:
    days, here, rng = LocalTime(zone), ZoneInfo(zone), random.Random(zone)
    first, last = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2010, 2030))
    times = [rng.uniform(first, last) for _ in range(5000)]
    for midnight in range(int(first), int(last), 86_400 * 7):  # and close to where days begin
        local = datetime.fromtimestamp(midnight, here).replace(hour=0, minute=0, second=0, microsecond=0)
        times += [local.timestamp() + aside for aside in (-0.5, 0.0, 0.5, 3600.0, -3600.0)]
    for time in times:
        assert days.date(days.of(time)) == datetime.fromtimestamp(time, here).date(), (zone, time)


def test_days_are_counted_from_1970() -> None:
    assert LocalTime().of(0.0) == 0
    assert LocalTime("Europe/Amsterdam").date(20_000) == date(2024, 10, 4)
    assert date(1970, 1, 1) == EPOCH
