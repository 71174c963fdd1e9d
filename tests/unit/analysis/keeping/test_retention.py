"""The worked example of cohort retention, by hand."""

from __future__ import annotations

from datetime import date

import pytest

from analysis.engines.duck import Duck
from analysis.keeping.retention import RETENTION, Asked
from analysis.running import behind, run
from tests.analysed import archived, happened


def order(customer: str, when: str, euros: int, subject: str) -> dict[str, object]:
    return happened(customer, "purchase", when, amount=euros * 100, subject=subject)


@pytest.fixture
def shop() -> list[dict[str, object]]:
    return [
        order("A", "01-31 23:30", 50, "a1"), order("A", "03-05", 30, "a2"),
        order("B", "01-10", 20, "b1"), order("B", "01-20", 10, "b2"), order("B", "02-28 23:30", 40, "b3"),
        order("C", "02-14", 60, "c1"), happened("C", "refund", "03-02", amount=6000, subject="c1"),
        order("D", "03-31 21:59", 25, "d1"), order("D", "03-31 22:01", 5, "d2"),
    ]  # fmt: skip


def cells(engine: Duck, **asked: object) -> dict[tuple[date | None, int], tuple[object, ...]]:
    result = run(RETENTION, engine, Asked(**asked))
    return {
        (row["cohort"], row["age"]): (row["returned"], row["customers"], row["net"], row["complete"])
        for row in result.rows
    }


def test_cohorts_by_local_months(shop: list[dict[str, object]]) -> None:
    engine = archived(shop, until="04-15", zone="Europe/Amsterdam")
    found = cells(engine)
    january, february, march = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)
    assert found[january, 0] == (1, 1, 3000, True)
    assert found[january, 1] == (0, 1, 0, True)
    assert found[january, 2] == (1, 1, 4000, True)
    assert found[february, 0] == (0, 2, 5000, True)
    assert found[february, 1] == (1, 2, 3000, True)
    assert found[february, 2][3] is False
    assert found[march, 0] == (0, 1, 2500, True)
    assert found[march, 1] == (1, 1, 500, False)
    [average] = [row for row in run(RETENTION, engine, Asked()).rows if row["cohort"] is None and row["age"] == 1]
    assert average["rate"] == pytest.approx(1 / 3)
    assert (average["rate_low"], average["rate_high"]) == pytest.approx((0.061, 0.792), abs=5e-4)


def test_another_zone_moves_people_between_cohorts(shop: list[dict[str, object]]) -> None:
    found = cells(archived(shop, until="04-15"))
    assert found[date(2026, 1, 1), 1][:2] == (1, 2)
    assert found[date(2026, 2, 1), 1][:2] == (0, 1)


def test_back_in_a_period_or_later() -> None:
    orders = [
        order("E", "05-31 12:00", 1, "1"), order("E", "06-01 08:00", 1, "2"), order("F", "05-01", 1, "3"),
        order("F", "06-30", 1, "4"), order("G", "05-10", 1, "5"), order("G", "08-20", 1, "6"),
    ]  # fmt: skip
    engine = archived(orders, until="2026-09-01 00:00")
    may = date(2026, 5, 1)
    assert [cells(engine)[may, age][0] for age in (1, 2, 3)] == [2, 0, 1]
    assert [cells(engine, mode="on_or_after")[may, age][0] for age in (1, 2, 3)] == [3, 1, 1]
    # Each customer's own 30 days: E came back in the first of them, F on day 60; only F's fourth window is over.
    rolling = cells(engine, windows="rolling")
    assert [rolling[may, age][:2] for age in (0, 1, 2, 3)] == [(1, 3), (0, 3), (1, 3), (0, 1)]
    assert all(cell[3] for cell in rolling.values())


def test_the_list_behind_a_cell_is_its_number(shop: list[dict[str, object]]) -> None:
    engine = archived(shop, until="04-15", zone="Europe/Amsterdam")
    for row in run(RETENTION, engine, Asked()).rows:
        if row["cohort"] is not None and row["age"] < 3:
            for measure in ("customers", "returned"):
                found = behind(RETENTION, engine, Asked(), {"cohort": row["cohort"], "age": row["age"]}, measure)
                assert found.total == len(found.customers) == row[measure]
