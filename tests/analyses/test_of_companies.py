"""Figures that count companies: as if each company were one customer, who did all that names it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analysis.base import Base
from analysis.declaration import Analysis
from analysis.engines.clickhouse import clickhouse_sql
from analysis.engines.duck import Duck
from analysis.engines.spark import spark_sql
from analysis.engines.subset import outside
from analysis.engines.trino import trino_sql
from analysis.parameters import Parameters
from analysis.registry import analyses, analysis_named
from analysis.running import behind, cells, keyed_members, run
from console.pages.analysing.fields import fields_of
from profiles.errors import WrongUse
from tests.analysed import archived, happened
from tests.analyses.history import BEGINS, ENDS, history


@pytest.fixture(scope="module")
def companies() -> Duck:
    """An archive in which each company is a customer."""
    rows = [row | {"home": row["company"]} for row in history() if row.get("company")]
    return archived([happened("", "", BEGINS), *rows], until=ENDS, zone="Europe/Amsterdam")


@pytest.mark.parametrize("name", ["base", "active", "retention", "ltv", "funnel", "profit", "spread", "mrr"])
def test_they_are_those_of_an_archive_in_which_companies_are_customers(
    name: str, engine: Duck, companies: Duck
) -> None:
    analysis = analysis_named(name)
    found = run(analysis, engine, analysis.parameters(grain="company"))
    expected = run(analysis, companies, analysis.parameters())
    assert found.rows == expected.rows
    assert found.rows
    assert any("Customers are companies" in note.en for note in found.notes)


@pytest.mark.parametrize("analysis", analyses().values(), ids=list(analyses()))
def test_what_is_known_of_people_only_is_refused(analysis: Analysis[Any], engine: Duck) -> None:
    refused = False
    try:
        keyed_members(analysis, Base(engine, analysis.parameters(grain="company")))
    except WrongUse:
        refused = True
    assert refused == ("grain" in analysis.without)
    with pytest.raises(WrongUse, match="customers only"):
        Base(engine, Parameters(grain="company", by="country")).broken_down(Base(engine, Parameters()).facts)


def test_what_names_none_counts_for_the_only_company_of_who_did_it() -> None:
    """A was at acme until February, then in two; in March they name one. C never was in any."""
    shop = [
        happened("A", "visit", "01-05"), happened("A", "visit", "01-31 23:30"), happened("A", "visit", "02-05"),
        happened("A", "visit", "03-05", company="globex"), happened("B", "visit", "02-06"),
        happened("C", "visit", "01-07"),
    ]  # fmt: skip
    days = [
        {"customer": "A", "day": date(2026, 1, 1), "company": "acme", "segments": []},
        {"customer": "A", "day": date(2026, 1, 20), "company": "acme", "segments": ["big"]},
        {"customer": "A", "day": date(2026, 2, 1), "company": None, "segments": []},
        {"customer": "B", "day": date(2026, 2, 10), "company": "initech", "segments": []},
    ]
    engine = archived(shop, until="04-01", profiles=days)
    trends = analysis_named("trends")
    asked = trends.parameters(role="visit", grain="company")
    rows = {row["period"].month: (row["customers"], row["events"]) for row in run(trends, engine, asked).rows}
    assert rows == {1: (1, 2), 2: (1, 1), 3: (1, 1)}
    found = behind(trends, engine, asked, {"period": "2026-02-01", "by": ""}, "customers")
    assert [each["customer"] for each in found.customers] == ["initech"], "before its first profile, the first counts"
    local = archived(shop, until="04-01", profiles=days, zone="Europe/Amsterdam")  # half past midnight of February
    rows = {row["period"].month: row["events"] for row in run(trends, local, asked).rows}
    assert rows == {1: 1, 2: 1, 3: 1}
    expression = cells(trends, Base(engine, asked))
    assert outside(expression) == set()
    for write in (spark_sql, clickhouse_sql, trino_sql):
        assert "people_by_day" in write(expression)


def test_behind_a_number_stand_companies(engine: Duck) -> None:
    base = analysis_named("base")
    asked = base.parameters(grain="company")
    row = max(run(base, engine, asked).rows, key=lambda each: each["new"])
    found = behind(base, engine, asked, {"period": row["period"], "by": row.get("by", "")}, "new")
    assert found.total == row["new"] > 0
    assert all(each["customer"].startswith("company-") for each in found.customers)
    assert any(each["margin_12m"] for each in found.customers)


def test_a_form_asks_for_companies_where_the_plan_has_any() -> None:
    named = {
        has: {field.name for field in fields_of(analysis_named("base"), {}, companies=has)} for has in (True, False)
    }
    assert named[True] - named[False] == {"company", "grain"}
    assert "grain" not in {field.name for field in fields_of(analysis_named("keep"), {}, companies=True)}
