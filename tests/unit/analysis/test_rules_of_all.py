"""The rules that hold for every analysis: who is left out, as of when customers are taken, what is few or restated, and
in which order who is behind a number is listed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from msgspec import structs

from analysis.base import Base
from analysis.declaration import Text
from analysis.engines.clickhouse import clickhouse_sql
from analysis.engines.duck import Duck
from analysis.engines.spark import spark_sql
from analysis.engines.subset import outside
from analysis.engines.trino import trino_sql
from analysis.growth.rates import RATES
from analysis.growth.trends import TRENDS, Asked
from analysis.result import Result
from analysis.running import behind, cells, run
from tests.analysed import archived, at, happened

Row = dict[str, Any]


def order(customer: str, when: str, euros: int, subject: str, **facts: Any) -> Row:
    return happened(customer, "purchase", when, amount=euros * 100, subject=subject, **facts)


def asked(**given: Any) -> Asked:
    return Asked(role="purchase", **given)


def said(result: Result) -> str:
    return " ".join(note.en for note in result.notes if isinstance(note, Text))


def numbers(engine: Duck, **given: Any) -> dict[tuple[date, str], int]:
    return {(row["period"], row["by"]): row["customers"] for row in run(TRENDS, engine, asked(**given)).rows}


def test_who_brought_most_in_twelve_months_comes_first() -> None:
    """What they brought, whatever is asked: A in old times, B with costs, C paid back in part, D less than nothing."""
    shop = [
        order("A", "2025-01-31", 900, "a1"), order("A", "2026-01-02", 10, "a2"),
        order("B", "2026-01-03", 100, "b1", cost=3000), order("B", "2025-03-03", 5, "b2"),
        order("B", "2026-01-03 13:00", 100, "b1", cost=3000),
        order("C", "2026-01-04", 90, "c1"), happened("C", "refund", "2026-01-09", amount=1500, subject="c1"),
        order("D", "2026-01-05", 10, "d1", cost=3000), order("E", "2025-01-15", 70, "e1"),
    ]  # fmt: skip
    engine = archived(shop, until="2026-02-01")
    january = {"period": "2026-01-01", "by": ""}
    listed = behind(TRENDS, engine, asked(), january, "customers").customers
    assert [(row["customer"], row["margin_12m"]) for row in listed] == [
        ("B", 7500), ("C", 7500), ("A", 1000), ("D", -2000),
    ]  # fmt: skip
    before = behind(TRENDS, engine, asked(since=date(2025, 1, 1)), {"period": "2025-01-01", "by": ""}, "customers")
    assert [(row["customer"], row["margin_12m"]) for row in before.customers] == [("A", 1000), ("E", None)]
    assert [row["customer"] for row in behind(TRENDS, engine, asked(), january, "customers", 2).customers] == ["B", "C"]


def test_ones_own_people_and_who_objects_are_left_out_and_counted() -> None:
    ours = json.dumps({"consent.Internal": True})
    shop = [
        order("A", "01-05", 10, "a"), order("B", "01-06", 10, "b"), order("staff", "01-07", 10, "s"),
        happened("staff", "login", "01-20", traits=ours), order("no", "01-08", 10, "n", consent_analytics=False),
    ]  # fmt: skip
    engine = archived(shop, until="02-20")
    january = (date(2026, 1, 1), "")
    result = run(TRENDS, engine, asked())
    assert result.rows[0]["customers"] == 2
    assert "1 of your own people (segment internal) are left out" in said(result)
    assert "1 who do not agree to analyses" in said(result)
    assert numbers(engine, internal=True)[january] == 3
    assert "are counted with" in said(run(TRENDS, engine, asked(internal=True)))
    cell = {"period": january[0], "by": ""}
    assert {row["customer"] for row in behind(TRENDS, engine, asked(), cell, "customers").customers} == {"A", "B"}


@pytest.fixture
def moved() -> Duck:
    """A lived in NL until February, and was in the segment `big` in January; B has always been in BE."""
    shop = [
        order("A", "01-05", 10, "a1", traits=json.dumps({"country": "NL"})), order("A", "02-25", 10, "a2"),
        happened("A", "visit", "02-20", traits=json.dumps({"country": "DE"})),
        order("B", "01-06", 10, "b1", traits=json.dumps({"country": "BE"})),
    ]  # fmt: skip
    profiles = [
        {"customer": "A", "day": date(2026, 1, 20), "segments": ["big"], "company": "acme", "stage": "new"},
        {"customer": "A", "day": date(2026, 2, 10), "segments": [], "company": None, "stage": "active"},
        {"customer": "B", "day": date(2026, 1, 20), "segments": [], "company": "acme", "stage": "new"},
    ]
    return archived(shop, until="03-10", profiles=profiles)


def test_customers_are_taken_as_of_the_end_of_the_period(moved: Duck) -> None:
    january, february = (date(2026, 1, 1), ""), (date(2026, 2, 1), "")
    over = {"until": date(2026, 2, 1)}
    assert numbers(moved, country="NL", **over) == {january: 1}
    assert numbers(moved, country="NL", as_of="now", **over) == {}
    assert numbers(moved, country="NL") == {}, "a period that still runs: as of now"
    assert numbers(moved, country="DE") == {january: 1, february: 1}
    assert numbers(moved, country="DE", as_of="event") == {february: 1}
    assert numbers(moved, country="NL", as_of="event") == {january: 1}
    assert numbers(moved, segment="big", **over) == {january: 1}
    assert numbers(moved, segment="big") == {}
    assert numbers(moved, company="acme", **over) == {january: 2}
    assert numbers(moved, company="acme") == {january: 1}, "A left it"


def test_parts_are_taken_as_of_the_same_time(moved: Duck) -> None:
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    assert numbers(moved, by="country", until=february) == {(january, "NL"): 1, (january, "BE"): 1}
    assert numbers(moved, by="country") == {(january, "DE"): 1, (january, "BE"): 1, (february, "DE"): 1}
    assert numbers(moved, by="country", as_of="event") == {
        (january, "NL"): 1, (january, "BE"): 1, (february, "DE"): 1,
    }  # fmt: skip
    cell = {"period": january, "by": "NL"}
    [row] = behind(TRENDS, moved, asked(by="country", until=february), cell, "customers").customers
    assert row["customer"] == "A"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"country": "NL"}, "as they are now"),
        ({"country": "NL", "until": date(2026, 2, 1)}, "at the end of 2026-01-31."),
        ({"by": "country", "as_of": "event"}, "on the day of each event."),
        ({"segment": "big", "until": date(2026, 2, 1)}, "known from 2026-01-20 on"),
    ],
)
def test_it_says_as_of_when(moved: Duck, given: Row, told: str) -> None:
    assert told in said(run(TRENDS, moved, asked(**given)))
    assert "as they were" not in said(run(TRENDS, moved, asked()))


def test_closed_periods_that_late_events_change_are_named() -> None:
    shop = [
        order("A", "01-05", 10, "a"), order("A", "02-05", 10, "a2"),
        order("B", "01-06", 10, "b", received=at("01-08")),
        order("C", "01-05", 10, "c", received=at("01-07 00:00")),
        order("D", "02-06", 10, "d", received=at("02-07 23:59")),
    ]  # fmt: skip
    result = run(TRENDS, archived(shop, until="03-01"), asked(interval="week"))
    assert result.restated == [date(2026, 1, 5)], "the 5th was closed as the 7th began; of the 6th nothing had come"
    assert "Changed since they were closed, by events that came late: 2026-01-05." in said(result)
    loaded = [order(name, when, 10, name, received=at("03-01")) for name, when in (("A", "01-05"), ("B", "01-06"))]
    assert run(TRENDS, archived(loaded, until="03-02"), asked()).restated == []


def test_merges_and_erasures_since_are_told() -> None:
    """Those of before the period asked for have changed nothing of it that was told."""
    shop = [order("A", "01-05", 10, "a"), order("B", "02-06", 10, "b")]
    engine = archived(shop, until="03-01", links={"B": "A"})
    told = said(run(TRENDS, engine, asked()))
    assert "Merges until 2026-03-01 count in all periods (1 profiles became part of another)" in told
    assert "erased" not in told
    assert "Merges" not in said(run(TRENDS, archived(shop, until="03-01"), asked()))
    assert "Merges" not in said(run(TRENDS, engine, asked(since=date(2026, 3, 1))))
    engine.frame = structs.replace(engine.frame, erased=2, erased_on=date(2026, 2, 10))
    assert "2 profiles were erased, the latest on 2026-02-10" in said(run(TRENDS, engine, asked()))
    assert "erased" not in said(run(TRENDS, engine, asked(since=date(2026, 2, 15))))


def complaints(count: int, of: int) -> list[Row]:
    every = [happened(f"c{number}", "visit", "01-05") for number in range(of)]
    return every + [happened(f"c{number}", "complaint", "01-06", subject=f"k{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("of", "few", "blank"), [(4, [], True), (5, ["complaints"], False), (29, ["complaints"], False), (30, [], False)]
)
def test_shares_of_few_customers_are_marked(of: int, few: list[str], blank: bool) -> None:
    result = run(RATES, archived(complaints(2, of), until="02-20"), RATES.parameters())
    row = result.rows[0]
    assert row["few"] == few
    assert (row["complaints"] is None) == blank
    column = next(each for each in result.columns if each.name == "complaints")
    assert (column.part, column.whole) == ("complained", "active")


def test_the_open_period_is_that_of_the_plans_zone() -> None:
    """23:30 in UTC is tomorrow in Amsterdam: there the month has begun."""
    shop = [order("A", "01-05", 10, "a")]
    assert run(TRENDS, archived(shop, until="01-31 23:30"), asked()).open_from == date(2026, 1, 1)
    local = archived(shop, until="01-31 23:30", zone="Europe/Amsterdam")
    assert run(TRENDS, local, asked()).open_from == date(2026, 2, 1)


@pytest.mark.parametrize("write", [spark_sql, clickhouse_sql, trino_sql])
def test_other_engines_are_asked_the_same(moved: Duck, write: Callable[[Any], str]) -> None:
    for given in ({"as_of": "event"}, {"until": date(2026, 2, 1)}):
        expression = cells(TRENDS, Base(moved, asked(country="NL", by="country", **given)))
        assert "people_by_day" in write(expression)
        assert outside(expression) == set()
