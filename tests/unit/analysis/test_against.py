"""Figures against those of another period: which one it is, and what counts as up or down."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analysis.against import course_of, earlier_of, shifted
from analysis.growth.active import ACTIVE
from analysis.growth.rates import RATES
from analysis.growth.trends import TRENDS, Asked
from analysis.marketing.goals import GOALS
from analysis.money.profit import PROFIT
from analysis.parameters import Against, Parameters
from analysis.products.movers import MOVERS
from analysis.products.products import PRODUCTS
from analysis.result import Result
from analysis.running import run
from analysis.service.satisfaction import SATISFACTION
from profiles.errors import WrongUse
from tests.analysed import archived, happened

Row = dict[str, Any]

EMPTY = archived([], until="2026-05-10")

BEGINS = happened("old", "visit", "2025-12-31")


def paid(who: str, when: str, euros: float, **facts: Any) -> Row:
    return happened(who, "purchase", when, amount=round(euros * 100), subject=f"{who}-{when}", **facts)


def revenue(rows: list[Row], **asked: Any) -> dict[date, Row]:
    result = run(TRENDS, archived(rows, until="2026-04-02"), Asked(role="purchase", **{"against": "previous", **asked}))
    return {row["period"]: row for row in result.rows}


def said(result: Result) -> str:
    return " ".join(note.en for note in result.notes)


@pytest.mark.parametrize(
    ("day", "interval", "against", "earlier"),
    [
        ("2026-03-10", "day", "previous", "2026-03-03"),
        ("2026-03-10", "day", "year", "2025-03-11"),
        ("2026-03-09", "week", "previous", "2026-03-02"),
        ("2026-03-09", "week", "year", "2025-03-10"),
        ("2026-01-01", "month", "previous", "2025-12-01"),
        ("2024-02-01", "month", "year", "2023-02-01"),
        ("2026-01-01", "quarter", "previous", "2025-10-01"),
        ("2026-04-01", "quarter", "year", "2025-04-01"),
    ],
)
def test_which_period_it_is(day: str, interval: str, against: Against, earlier: str) -> None:
    """Days and weeks of the same weekday; months and quarters of the calendar."""
    found = earlier_of(date.fromisoformat(day), interval, against, EMPTY.frame)
    assert found == date.fromisoformat(earlier)


@pytest.mark.parametrize(
    ("against", "until", "earlier"),
    [
        ("previous", "2026-03-11", ("2026-02-15", "2026-02-25")),  # ten days: two weeks before
        ("previous", "2026-03-31", ("2026-01-30", "2026-03-01")),  # thirty: right before
        ("year", "2026-03-11", ("2025-03-02", "2025-03-12")),
    ],
)
def test_one_period_is_moved_as_a_whole(against: Against, until: str, earlier: tuple[str, str]) -> None:
    given = Parameters(since=date(2026, 3, 1), until=date.fromisoformat(until), against=against)
    found = shifted(given, EMPTY.frame)
    assert (str(found.since), str(found.until)) == earlier


def test_money_is_compared_customer_by_customer() -> None:
    """Forty pay 100 each, then 110 each: 400 ± 1.96 · √(40 · 10²); were it others: ± 1.96 · √(40 · (100² + 110²))."""
    january = [BEGINS, *(paid(f"c{number}", "2026-01-10", 100) for number in range(40))]
    rows = revenue(january + [paid(f"c{number}", "2026-02-10", 110) for number in range(40)])
    assert (rows[date(2026, 2, 1)]["sum_before"], rows[date(2026, 2, 1)]["sum_course"]) == (400_000, "up")
    assert rows[date(2026, 2, 1)]["customers_course"] == "same"
    rows = revenue(january + [paid(f"d{number}", "2026-02-10", 110) for number in range(40)])
    assert (rows[date(2026, 2, 1)]["sum"], rows[date(2026, 2, 1)]["sum_course"]) == (440_000, "same")


def test_several_orders_of_one_customer_are_one_customer() -> None:
    """One orders sixty times more: as orders they would be far more than chance, as customers they are one."""
    january = [BEGINS, *(paid(f"c{number}", "2026-01-10", 10) for number in range(40))]
    february = [paid(f"c{number}", "2026-02-10", 10) for number in range(40)]
    many = [paid("c0", f"2026-02-11 {number // 60:02d}:{number % 60:02d}", 10) for number in range(60)]
    row = revenue([*january, *february, *many])[date(2026, 2, 1)]
    assert (row["events_before"], row["events"], row["events_course"]) == (40, 100, "same")
    assert (row["each"], row["each_before"], row["each_course"]) == (2.5, 1, "same")
    some = [paid(f"c{number}", "2026-02-12", 10) for number in range(35)]
    row = revenue([*january, *february, *some])[date(2026, 2, 1)]
    assert (row["events_course"], row["each_course"]) == ("up", "up")


def test_money_of_few_customers_is_not_told() -> None:
    rows = [paid(f"c{number}", f"2026-0{month}-10", 100 * month) for number in range(29) for month in (1, 2)]
    row = revenue([BEGINS, *rows])[date(2026, 2, 1)]
    assert (row["sum_before"], row["sum_course"]) == (290_000, "")


def test_what_has_not_ended_or_is_not_known_is_not_compared() -> None:
    """The history begins in the middle of January; April still runs."""
    rows = revenue([paid("a", f"2026-0{month}-15", 10) for month in (1, 2, 3)] + [paid("a", "2026-04-01", 10)])
    assert {day.month: row["sum_before"] for day, row in rows.items()} == {1: None, 2: None, 3: 1000, 4: None}


def test_one_period_that_is_asked_for_is_compared_with_what_is_not_in_the_table() -> None:
    shop = [paid("a", "2025-12-01", 5), paid("a", "2026-01-15", 10), paid("a", "2026-02-15", 30)]
    february = {"since": date(2026, 2, 1), "until": date(2026, 3, 1)}
    assert revenue(shop, **february)[date(2026, 2, 1)]["sum_before"] == 1000
    shop += [paid("a", "2024-12-15", 1), paid("a", "2025-02-01", 2), paid("a", "2025-02-28", 2)]
    rows = revenue(shop, **february, against="year")
    assert {day: row["sum_before"] for day, row in rows.items()} == {date(2026, 2, 1): 400}
    assert revenue(shop, against="year", interval="week", **february)[date(2026, 2, 9)]["sum_before"] is None


def test_where_there_is_one_period_the_whole_is_compared() -> None:
    shop = [paid(f"c{number}", f"2026-0{month}-10", 10 * month) for number in range(40) for month in (1, 2, 3)]
    engine = archived(shop, until="2026-03-20")
    asked = {"since": date(2026, 2, 10), "until": date(2026, 3, 11), "against": "previous"}
    [row] = run(PROFIT, engine, PROFIT.parameters(**asked)).rows
    # 29 days before 02-10 is 01-12.
    assert (row["revenue"], row["revenue_before"]) == (40 * 5000, None)
    [row] = run(PROFIT, engine, PROFIT.parameters(**(asked | {"until": date(2026, 3, 1)}))).rows
    assert (row["revenue"], row["revenue_before"], row["revenue_course"]) == (40 * 2000, None, "")
    early = archived([*shop, paid("x", "2025-12-01", 1), paid("y", "2025-12-10", 1)], until="2026-03-20")
    asked |= {"until": date(2026, 3, 13)}
    [row] = run(PROFIT, early, PROFIT.parameters(**asked)).rows
    assert (row["revenue_before"], row["revenue_course"]) == (40 * 1000, "up")
    rows = run(PRODUCTS, early, PRODUCTS.parameters(**asked)).rows  # all of the period, unless asked for over time
    assert [(row["revenue_before"], row["revenue_course"]) for row in rows] == [(40 * 1000, "up")]
    asked |= {"since": date(2026, 2, 1), "until": date(2026, 4, 1)}
    rows = run(PRODUCTS, early, PRODUCTS.parameters(**asked)).rows
    assert [row["revenue_before"] for row in rows] == [40 * 1000 + 100], "of two months, not of one"
    rows = run(PRODUCTS, early, PRODUCTS.parameters(**asked, over_time=True)).rows
    assert [row["revenue_before"] for row in rows] == [40 * 1000, None]


def test_what_is_compared_is_said() -> None:
    shop = [paid("a", "2026-01-15", 10), paid("a", "2026-02-15", 30), paid("a", "2026-03-15", 30)]
    engine = archived(shop, until="2026-04-02")
    told = said(run(TRENDS, engine, Asked(role="purchase", against="previous")))
    assert "Compared with the period before (of days, a week before)" in told
    assert "only if the 95% interval of the difference excludes 0" in told
    told = said(run(TRENDS, engine, Asked(role="purchase", against="year")))
    assert "nothing to compare with: the history begins on 2026-01-15" in told


def test_what_has_no_other_period_says_so() -> None:
    for analysis, why in ((GOALS, "has no other period to be compared with"), (MOVERS, "compares two periods itself")):
        with pytest.raises(WrongUse, match=why):
            run(analysis, EMPTY, analysis.parameters(against="year"))


@pytest.mark.parametrize(
    ("before", "now", "course"),
    [
        ((50, 100), (80, 100), "up"),
        ((80, 100), (50, 100), "down"),
        ((50, 100), (52, 100), "same"),
        ((0, 0), (1, 9), ""),
    ],
)
def test_shares_move_where_the_interval_of_the_difference_leaves_out_none(
    before: tuple[int, int], now: tuple[int, int], course: str
) -> None:
    rows = [{"complained": part, "active": whole, "complaints": part / max(whole, 1)} for part, whole in (now, before)]
    measure = next(each for each in RATES.measures if each.name == "complaints")
    pair = (rows[0], rows[1])
    assert course_of(RATES, "complaints", measure, pair, pair, {}, EMPTY.frame) == course


@pytest.mark.parametrize(
    ("before", "now", "course"), [(100, 150, "up"), (150, 100, "down"), (100, 105, "same"), (0, 0, "same")]
)
def test_customers_move_where_chance_would_not(before: int, now: int, course: str) -> None:
    pair = ({"daily": now}, {"daily": before})
    assert course_of(ACTIVE, "daily", ACTIVE.measures[0], pair, pair, {}, EMPTY.frame) == course


@pytest.mark.parametrize(("low", "course"), [(20, "up"), (10, "same")])
def test_scores_move_where_the_interval_of_the_difference_leaves_out_none(low: int, course: str) -> None:
    """20 − √((30 − low)² + (20 − 10)²) is 5.9 where the interval reaches to 20, and below 0 where it does to 10."""
    pair = ({"score": 30, "low": low, "high": 40}, {"score": 10, "low": 0, "high": 20})
    assert course_of(SATISFACTION, "score", None, pair, pair, {}, EMPTY.frame) == course
    assert course_of(SATISFACTION, "mean", None, ({"mean": 3}, {"mean": 2}), pair, {}, EMPTY.frame) == ""
