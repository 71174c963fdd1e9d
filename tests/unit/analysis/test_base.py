"""Local days of moments that no event has: as Python's zones have them, around each change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import pytest

from analysis.base import Base
from analysis.parameters import Parameters
from tests.analysed import archived, happened


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Amsterdam", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]
)
def test_local_days_of_moments(zone: str) -> None:
    engine = archived([happened("A", "visit", "2023-01-05")], until="2026-02-01", zone=zone)
    base = Base(engine, Parameters())
    start = datetime(2023, 1, 5, tzinfo=UTC)
    moments = [start + timedelta(minutes=97 * number) for number in range(10000)]
    for since, _ in base.frame.offsets()[1:]:
        changed = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=since)
        moments += [changed, changed - timedelta(microseconds=1)]
        for number in range(20):  # the nights around it
            moments.append(changed + timedelta(minutes=30 * number - 300))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    us = [(moment - epoch) // timedelta(microseconds=1) for moment in moments]
    table = ibis.array([ibis.literal(each, "int64") for each in us[-200:] + us[:1800]]).unnest().name("us").as_table()
    rows = engine.fetch(table.mutate(day=base.day_of(table.us))).to_pylist()
    assert len(rows) == min(len(us), 2000)
    for row in rows:
        local = (epoch + timedelta(microseconds=row["us"])).astimezone(ZoneInfo(zone))
        assert row["day"] == local.date()
    for since, offset in base.frame.offsets()[1:]:
        before, after = (
            (epoch + timedelta(microseconds=since - back)).astimezone(ZoneInfo(zone)).utcoffset() for back in (1, 0)
        )
        assert before != after == timedelta(microseconds=offset)
