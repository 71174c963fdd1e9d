"""The local day of every moment, in zones whose clocks do odd things."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from profiles.daily.local_days import EPOCH, LocalDays

ZONES = ("UTC", "Europe/London", "Europe/Amsterdam", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
         "Pacific/Apia", "America/Sao_Paulo", "Asia/Beirut", "Pacific/Chatham")  # fmt: skip


@pytest.mark.parametrize("zone", ZONES)
def test_it_is_the_date_that_a_calendar_there_shows(zone: str) -> None:
    days, here, rng = LocalDays(zone), ZoneInfo(zone), random.Random(zone)
    first, last = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (2010, 2030))
    times = [rng.uniform(first, last) for _ in range(5000)]
    for midnight in range(int(first), int(last), 86_400 * 7):  # and close to where days begin
        local = datetime.fromtimestamp(midnight, here).replace(hour=0, minute=0, second=0, microsecond=0)
        times += [local.timestamp() + aside for aside in (-0.5, 0.0, 0.5, 3600.0, -3600.0)]
    for time in times:
        assert days.date(days.of(time)) == datetime.fromtimestamp(time, here).date(), (zone, time)


def test_days_are_counted_from_1970() -> None:
    assert LocalDays().of(0.0) == 0
    assert LocalDays("Europe/Amsterdam").date(20_000) == date(2024, 10, 4)
    assert date(1970, 1, 1) == EPOCH
