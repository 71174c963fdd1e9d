"""Filters: figures under one are those of an archive that has nothing else; what has no meaning is refused with why."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from analysis.declaration import Analysis
from analysis.engines.duck import Duck
from analysis.keeping.loss import LOSS
from analysis.keeping.ltv import LTV
from analysis.keeping.retention import RETENTION
from analysis.parameters import Parameters
from analysis.registry import analyses, analysis_named
from analysis.running import behind, run
from console.pages.analysing.fields import fields_of, read
from profiles.errors import WrongUse
from tests.analysed import archived, happened
from tests.analyses.history import BEGINS, ENDS, history, profiles

ALL = analyses()
MERGED = {"c3": "c4", "c9": "c10"}
SEGMENT = "app_user"


def members(rows: list[dict[str, Any]], segment: str) -> set[str]:
    """Who is in a segment by the newest profile of each."""
    newest = {row["customer"]: row["segments"] for row in rows}
    return {customer for customer, segments in newest.items() if segment in segments}


@pytest.fixture(scope="module")
def others() -> Duck:
    """An archive that lacks whoever is in the segment."""
    days = profiles()
    out = members(days, SEGMENT)
    assert len(out) > 50
    rows = [row for row in history() if MERGED.get(row["home"], row["home"]) not in out]
    return archived(
        [happened("", "", BEGINS), *rows], until=ENDS, zone="Europe/Amsterdam", links=MERGED,
        profiles=[row for row in days if row["customer"] not in out],
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["base", "active", "trends", "rfm", "stages", "retention", "ltv", "loss", "keep", "products", "funnel",
     "attribution", "segments", "satisfaction", "tickets", "profit_deciles", "mrr"],
)  # fmt: skip
def test_without_a_segment_they_are_those_of_an_archive_without_these_people(
    name: str, engine: Duck, others: Duck
) -> None:
    analysis = analysis_named(name)
    found = run(analysis, engine, analysis.parameters(without=SEGMENT))
    expected = run(analysis, others, analysis.parameters())
    assert found.rows
    assert len(found.rows) == len(expected.rows)
    for row, other in zip(found.rows, expected.rows, strict=True):
        assert row == {key: pytest.approx(value) if isinstance(value, float) else value for key, value in other.items()}
    assert any("Traits and segments are as they are now" in note.en for note in found.notes)


def test_nobody_of_it_stands_behind_a_number(engine: Duck) -> None:
    base = analysis_named("base")
    asked = base.parameters(without=SEGMENT)
    row = max(run(base, engine, asked).rows, key=lambda each: each["closing"])
    found = behind(base, engine, asked, {"period": row["period"]}, "closing")
    assert found.total == row["closing"] > 0
    assert not {each["customer"] for each in found.customers} & members(profiles(), SEGMENT)


def test_people_are_left_out_as_a_whole() -> None:
    with pytest.raises(ValidationError, match="not as of each event"):
        Parameters(without="big", as_of="event")


@pytest.mark.parametrize("analysis", [RETENTION, LTV, LOSS], ids=lambda each: each.name)
def test_channels_of_the_first_or_last_event_part_customers(analysis: Analysis[Any], engine: Duck) -> None:
    """Whatever adds up over customers is that of all."""
    every = run(analysis, engine, analysis.parameters())
    keys = [column.name for column in analysis.dimensions]
    measures = [each.name for each in analysis.measures if each.unit in ("customers", "money") and not each.hidden]
    total: Counter[Any] = Counter()
    for channel in ("web", "app"):
        part = run(analysis, engine, analysis.parameters(channel=channel))
        assert len(part.notes) > len(every.notes)
        for row in part.rows:
            for name in measures:
                total[*(row[key] for key in keys), name] += row[name]
    expected = {(*(row[key] for key in keys), name): row[name] for row in every.rows for name in measures}
    assert {key: value for key, value in total.items() if value} == {key: v for key, v in expected.items() if v}


def order(customer: str, when: str, subject: str, **facts: Any) -> dict[str, Any]:
    return happened(customer, "purchase", when, amount=1000, subject=subject, **facts)


def of(*products: str) -> list[dict[str, Any]]:
    return [{"product": each, "category": f"{each}s", "quantity": 1.0, "price": 500, "cost": 100} for each in products]


SHOP = [
    order("A", "01-05", "a1", items=of("tea", "mug")), order("A", "02-05", "a2", product="pan"),
    order("B", "01-06", "b1", product="pan", category="pans"), order("B", "02-06", "b2", items=of("tea")),
    order("C", "01-07", "c1", items=of("mug"), utm_campaign="spring"),
]  # fmt: skip


def test_a_cohort_is_of_the_products_of_the_first_order() -> None:
    """A came with tea and returned with a pan; B came with a pan, and tea later makes no cohort of tea."""
    engine = archived(SHOP, until="03-15")

    def cohort(**asked: Any) -> list[tuple[int, int]]:
        rows = run(RETENTION, engine, RETENTION.parameters(**asked)).rows
        return [(row["customers"], row["returned"]) for row in rows if row["cohort"] and row["age"] == 1]

    assert cohort(product="tea") == [(1, 1)]
    assert cohort(product="mug") == [(2, 1)]
    assert cohort(category="pans") == [(1, 1)]
    assert cohort(campaign="spring") == [(1, 0)]
    assert cohort(product="pan", campaign="spring") == []
    found = behind(
        RETENTION, engine, RETENTION.parameters(product="mug"), {"cohort": "2026-01-01", "age": 1}, "customers"
    )
    assert {each["customer"] for each in found.customers} == {"A", "C"}
    rows = run(LTV, engine, LTV.parameters(product="tea")).rows
    assert [row["so_far"] for row in rows if row["cohort"] == date(2026, 1, 1)] == [1000, 2000, 2000]


def test_who_was_lost_is_of_the_products_of_the_last_order() -> None:
    engine = archived(SHOP, until="2026-12-15")
    lost = {
        name: [
            row["lost"] for row in run(LOSS, engine, LOSS.parameters(product=name)).rows if row["reason"] == "everybody"
        ]
        for name in ("tea", "mug", "pan")
    }
    assert lost == {"tea": [1], "mug": [1], "pan": [1]}


@pytest.mark.parametrize("name", ["retention", "ltv", "loss"])
def test_the_form_says_of_which_event_a_filter_is(name: str) -> None:
    [field] = [each for each in fields_of(ALL[name], {}, companies=False) if each.name == "product"]
    assert "first event" in field.help or "last sign of life" in field.help


@pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
def test_what_has_no_meaning_is_refused_and_in_no_form(analysis: Analysis[Any], engine: Duck) -> None:
    values = {"since": "2025-03-01", "until": "2025-04-01", "interval": "week", "grain": "company", "by": "channel",
              "against": "year"}  # fmt: skip
    shown = {each.name for each in fields_of(analysis, {}, companies=True)}
    for name in analysis.refused:
        assert name not in shown
        if analysis.name == "active" and name == "interval":
            continue
        asked, problem = read(analysis.parameters, [(name, values.get(name, "x"))])
        assert not problem
        with pytest.raises(WrongUse) as error:
            run(analysis, engine, asked)
        told = str(error.value)
        assert told.startswith(f"{name}: {analysis.name} ")
        assert "does not know it" not in told, "say why"
        assert "change nothing" not in told


def test_reasons_are_of_what_is_refused() -> None:
    for analysis in ALL.values():
        assert set(analysis.reasons) <= set(analysis.refused), analysis.name


def test_several_reasons_are_told_at_once(engine: Duck) -> None:
    goals = ALL["goals"]
    with pytest.raises(WrongUse) as error:
        run(goals, engine, goals.parameters(grain="company", since=date(2026, 1, 1), until=date(2026, 2, 1)))
    assert str(error.value) == (
        "grain: goals counts customers only: what it asks for is known of people, not of companies; "
        "since, until: goals tells how things are now, so there is no period to ask for"
    )
