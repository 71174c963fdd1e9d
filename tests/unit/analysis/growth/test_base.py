"""Movements of the base add up exactly, by hand and against plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from analysis.growth.base import BASE
from analysis.parameters import Parameters
from analysis.running import run
from plan import parse_plan
from tests.analysed import archived, happened
from tests.histories import END, ZONE, compare_lists, engine_of, history, retold
from tests.plans import BASE as PLAN

HORIZON = timedelta(weeks=26)


def order(customer: str, when: str, subject: str, **facts: object) -> dict[str, object]:
    return happened(customer, "purchase", when, amount=1000, subject=subject, **facts)


def test_movements_by_hand() -> None:
    shop = [
        order("A", "2025-01-05", "a1"), order("A", "2025-07-20", "a2"),  # lost on 6 July, back on the 20th
        order("B", "2025-02-05", "b1"), order("B", "2025-03-05", "b2"),  # lost on 3 September
        happened("B", "visit", "2025-02-04"), happened("C", "visit", "2025-02-09"),
        order("D", "2025-08-01", "d1"), happened("D", "refund", "2025-08-02", amount=1000, subject="d1"),
    ]  # fmt: skip
    engine = archived(shop, until="2025-10-15")
    asked = Parameters(since=date(2025, 1, 1), until=date(2025, 11, 1))
    found = {row["period"].month: row for row in run(BASE, engine, asked).rows}

    def moves(month: int) -> list[int | None]:
        return [found[month][name] for name in ("opening", "new", "won_back", "lost", "closing")]

    assert moves(1) == [0, 1, 0, None, 1]  # nobody can be known as lost so soon
    assert moves(2) == [1, 1, 0, None, 2]
    assert moves(7) == [2, 0, 1, 1, 2]
    assert moves(8) == [2, 1, 0, 0, 3]
    assert moves(9) == [3, 0, 0, 1, 2]
    assert (found[9]["left"], found[9]["value"], found[9]["value_left"]) == (1, 4000, 2000)
    assert (found[2]["prospects"], found[2]["converted"]) == (2, 1)
    assert (found[2]["begun"], found[2]["repeated"], found[8]["begun"]) == (1, 1, 0)
    assert (found[3]["buyers"], found[3]["returning"]) == (1, 1)
    assert found[9]["complete"]
    assert not found[10]["complete"]
    assert found[7]["churn"] is None  # of fewer than five customers


def test_who_crosses_twice_in_a_period_keeps_the_sum() -> None:
    """With a horizon of four weeks, in one quarter: A is there, lost, back, lost; B is not there, back, lost, back."""
    horizon = "churn: {horizon: 28d, label_horizon: 7d}\n"
    shop = [order("A", when, f"A{when}") for when in ("2025-03-20", "2025-05-01")]
    shop += [order("B", when, f"B{when}") for when in ("2025-01-01", "2025-04-02", "2025-06-20")]
    engine = archived(shop, until="2025-08-01", plan=parse_plan(PLAN + horizon, "short.yaml", {}))
    asked = Parameters(since=date(2025, 1, 1), until=date(2025, 8, 1), interval="quarter")
    rows = run(BASE, engine, asked).rows
    for row in rows:
        assert row["opening"] + row["new"] + row["won_back"] - row["lost"] == row["closing"]
    assert [rows[1][name] for name in ("opening", "new", "won_back", "lost", "closing")] == [1, 0, 1, 1, 1]


def plain(told_as: str) -> dict[date, Counter[str]]:
    """Month by month, from each customer's own list of orders."""
    told = history() if told_as == "once" else retold(history())
    days: dict[str, list[date]] = defaultdict(list)
    times: dict[str, list[datetime]] = defaultdict(list)
    for customer, day, row in history().of("purchase"):
        days[customer].append(day)
        times[customer].append(row["time"])
    visited = {(customer, day.replace(day=1)) for customer, day, _ in told.of("visit")}
    figures: dict[date, Counter[str]] = defaultdict(Counter)
    month = date(2025, 2, 1)
    while month < END.date():
        following = (month + timedelta(days=40)).replace(day=1)
        found = figures[month]
        ends = [datetime.combine(at, time(), ZoneInfo(ZONE)).astimezone(UTC) for at in (month, following)]
        for customer, theirs in days.items():
            alive = [any(when < end < when + HORIZON for when in times[customer]) for end in ends]
            found["opening"] += alive[0]
            found["closing"] += alive[1] if following <= END.date() else 0
            found["new"] += month <= theirs[0] < following
            inside = [number for number, day in enumerate(theirs) if month <= day < following]
            found["buyers"] += bool(inside)
            found["returning"] += bool(inside) and inside[-1] > 0
            if month <= theirs[0] < following and theirs[0] < END.date() - timedelta(days=90):
                found["begun"] += 1
                found["repeated"] += len(theirs) > 1 and (theirs[1] - theirs[0]).days <= 90
        for customer, when in visited:
            first = days.get(customer, [date.max])[0]
            if when == month and first >= month:
                found["prospects"] += 1
                found["converted"] += first < following
        month = following
    return figures


@pytest.mark.parametrize("told_as", ["once", "retold"])
def test_the_same_as_plain_python(told_as: str) -> None:
    told = history() if told_as == "once" else retold(history())
    engine = engine_of(told)
    asked = Parameters(since=date(2024, 9, 1), until=date(2026, 2, 11))
    rows = run(BASE, engine, asked).rows
    expected = plain(told_as)
    known = [row for row in rows if row["lost"] is not None]
    assert len(known) > 10
    assert sum(row["won_back"] for row in known) > 5
    for row in known:
        assert row["opening"] + row["new"] + row["won_back"] - row["lost"] == row["closing"]
        for name, value in expected[row["period"]].items():
            if name != "closing" or row["complete"]:
                assert row[name] == value, (row["period"], name)
    compare_lists(BASE, engine, asked, known)
