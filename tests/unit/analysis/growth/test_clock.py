"""Events by local weekday and hour."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from analysis.growth.clock import CLOCK, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import ZONE, compare_lists


def test_local_hours() -> None:
    shop = [happened("A", "visit", "03-28 23:30"), happened("B", "visit", "03-29 23:30")]  # the clocks go forward
    shop += [happened("A", "visit", "04-06 22:10")]
    engine = archived(shop, until="04-20", zone=ZONE)
    asked = Asked(role="visit")
    result = run(CLOCK, engine, asked)
    assert [(row["weekday"], row["hour"], row["events"], row["customers"]) for row in result.rows] == [
        (0, 1, 1, 1), (1, 0, 1, 1), (6, 0, 1, 1),
    ]  # fmt: skip
    for row, event in zip(result.rows, (shop[1], shop[2], shop[0]), strict=True):
        local = event["time"].astimezone(ZoneInfo(ZONE))
        assert (local.weekday(), local.hour) == (row["weekday"], row["hour"])
        assert local.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
    compare_lists(CLOCK, engine, asked, result.rows, most=2)
