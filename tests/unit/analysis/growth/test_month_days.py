"""Events by the day of the month, by how often there was that day."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.growth.month_days import MONTH_DAYS, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import ZONE, compare_lists


def test_the_last_day_is_rare() -> None:
    shop = [
        happened("A", "payment", "01-30 23:30"),
        happened("B", "payment", "01-01"),
        happened("B", "payment", "02-01"),
    ]
    engine = archived(shop, until="02-28 22:00", zone=ZONE)
    asked = Asked(role="payment", since=date(2026, 1, 1))
    rows = run(MONTH_DAYS, engine, asked).rows
    assert [(row["month_day"], row["events"], row["customers"], row["each"]) for row in rows] == [
        (1, 2, 1, 1.0), (31, 1, 1, 1.0),
    ]  # fmt: skip
    assert rows[0]["index"] == pytest.approx(59 / 3)
    compare_lists(MONTH_DAYS, engine, asked, rows)
