"""Figures that count companies: as if each company were one customer, who did all that names it."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.base import Base
from analysis.declaration import Analysis
from analysis.engines.duck import Duck
from analysis.parameters import Parameters
from analysis.registry import analyses, analysis_named
from analysis.running import behind, keyed_members, run
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
