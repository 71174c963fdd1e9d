"""Active customers: windows by hand, and against sets in plain Python."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from analysis.growth.active import ACTIVE, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists, engine_of, history


def test_windows_by_hand() -> None:
    visits = [happened("A", "visit", f"01-{day:02}") for day in (1, 2, 8)]
    visits += [happened(name, "visit", "01-28 10:00") for name in "BCDE"] + [happened("A", "visit", "01-29")]
    engine = archived(visits, until="02-27 08:00")
    rows = {row["day"]: row for row in run(ACTIVE, engine, Asked(since=date(2026, 1, 1))).rows}

    def figures(month: int, day: int) -> tuple[int, int, int]:
        row = rows[date(2026, month, day)]
        return row["daily"], row["weekly"], row["monthly"]

    assert figures(1, 2) == (1, 1, 1)
    assert figures(1, 8) == (1, 1, 1)
    assert figures(1, 15) == (0, 0, 1)
    assert figures(1, 28) == (4, 4, 5)
    assert figures(2, 4) == (0, 1, 5)  # A is the only one of the seven days
    assert figures(2, 25) == (0, 0, 1)
    assert date(2026, 2, 26) not in rows
    # Seven customer-days in the 28 days to the 28th; the day before is the archive's 27th.
    assert rows[date(2026, 1, 28)]["stickiness"] == pytest.approx(7 / 28 / 5)
    assert rows[date(2026, 1, 27)]["stickiness"] is None


def test_the_same_as_sets() -> None:
    engine = engine_of(history())
    asked = Asked(since=date(2025, 3, 1), until=date(2025, 5, 1))
    rows = run(ACTIVE, engine, asked).rows
    visits = [(customer, day) for customer, day, _ in history().of("visit")]
    daily = {}
    for row in rows:
        for name, days in (("daily", 1), ("weekly", 7), ("monthly", 28)):
            since = row["day"] - timedelta(days=days)
            assert row[name] == len({customer for customer, day in visits if since < day <= row["day"]})
        daily[row["day"]] = row["daily"]
        if len(daily) >= 28:
            mean = sum(list(daily.values())[-28:]) / 28
            assert row["stickiness"] == pytest.approx(mean / row["monthly"])
    assert len(rows) == 61
    compare_lists(ACTIVE, engine, asked, rows)
