"""How figures of the overview stand against the period before."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analysis.growth.rates import RATES
from analysis.kpis import KPI, KPIS, standing
from analysis.registry import analyses
from analysis.result import Result
from analysis.running import columns_of, run
from analysis.service.satisfaction import SATISFACTION
from tests.analysed import archived

EMPTY = archived([], until="2026-05-10")


def result(analysis: Any, rows: list[dict[str, Any]]) -> Result:
    made = run(analysis, EMPTY, analysis.parameters())
    made.rows = rows
    return made


def month(number: int, **figures: Any) -> dict[str, Any]:
    return {"period": date(2026, number, 1), "complete": number < 5, **figures}


def test_each_is_a_figure_of_its_analysis_by_period() -> None:
    for kpi in KPIS:
        analysis = analyses()[kpi.analysis]
        assert kpi.column in {column.name for column in columns_of(analysis)}
        assert "period" in {column.name for column in analysis.dimensions}
        analysis.parameters.model_validate(kpi.asked)


def test_the_last_that_has_ended_stands_against_what_it_is_compared_with() -> None:
    """Of shares and scores the difference counts, of others the part by which they grew."""
    kpi = KPI("rates", "complaints", RATES.title, "less")
    rows = [
        month(3, complaints=0.5),
        month(4, complaints=0.8, complaints_before=0.6, complaints_course="up", few=["complaints"]),
        month(5, complaints=0.1, complaints_before=0.8),
    ]
    found = standing(kpi, result(RATES, rows))
    assert (found.period, found.value, found.before, found.course) == (date(2026, 4, 1), 0.8, 0.6, "up")
    assert found.change == pytest.approx(0.2)
    assert found.few
    assert found.values == [0.5, 0.8], "not of the month that still runs"
    active = month(4, active=150, active_before=100, active_course="up")
    assert standing(KPI("rates", "active", RATES.title), result(RATES, [active])).change == pytest.approx(0.5)
    nps = KPI("satisfaction", "score", SATISFACTION.title, of={"kind": "nps"})
    kinds = [month(4, kind="nps", score=30, score_before=10, score_course="same"), month(4, kind="csat", score=1)]
    found = standing(nps, result(SATISFACTION, kinds))
    assert (found.value, found.change, found.course) == (30, 20, "same")


def test_what_is_compared_with_nothing_has_no_course() -> None:
    found = standing(KPIS[0], result(analyses()["base"], [month(4, closing=3, closing_before=None, closing_course="")]))
    assert (found.value, found.before, found.change, found.course) == (3, None, None, "")


def test_where_nothing_has_ended_nothing_is_said() -> None:
    found = standing(KPIS[0], result(analyses()["base"], [month(5, closing=1)]))
    assert (found.value, found.change, found.course, found.values) == (None, None, "", [])
