"""Customers by the number of their active days."""

from __future__ import annotations

from datetime import date

from analysis.growth.active_days import ACTIVE_DAYS, Asked
from analysis.running import run
from tests.analysed import archived, happened
from tests.histories import compare_lists


def test_days_by_hand() -> None:
    visits = [happened("A", "visit", "01-01"), happened("A", "visit", "01-01 13:00"), happened("A", "visit", "01-09")]
    visits += [happened(name, "visit", "01-05") for name in "BCDE"] + [happened("F", "purchase", "01-05")]
    engine = archived(visits, until="01-20")
    asked = Asked(since=date(2026, 1, 1))
    rows = run(ACTIVE_DAYS, engine, asked).rows
    assert [(row["days"], row["customers"], row["share"], row["at_least"]) for row in rows] == [
        (1, 4, 0.8, 1.0),
        (2, 1, 0.2, 0.2),
    ]
    compare_lists(ACTIVE_DAYS, engine, asked, rows)
    [alone] = run(ACTIVE_DAYS, engine, Asked(since=date(2026, 1, 1), interval="month", role="purchase")).rows
    assert (alone["days"], alone["customers"], alone["share"]) == (1, 1, None)
