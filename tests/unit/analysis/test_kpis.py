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
    rows = [
        month(number, complained=part, active=whole, complaints=part / whole if whole else None)
        for number, (part, whole) in ((3, before), (4, now), (5, (1, 100)))
    ]
    found = standing(KPI("rates", "complaints", RATES.title, "less"), result(RATES, rows))
    assert (found.period, found.value, found.course) == (date(2026, 4, 1), now[0] / now[1], course)
    assert found.values == [rows[0]["complaints"], rows[1]["complaints"]], "not of the month that still runs"


@pytest.mark.parametrize(("before", "now", "course"), [(100, 150, "up"), (150, 100, "down"), (100, 105, "same")])
def test_counts_move_where_chance_would_not(before: int, now: int, course: str) -> None:
    found = standing(
        KPI("rates", "active", RATES.title), result(RATES, [month(3, active=before), month(4, active=now)])
    )
    assert found.change == pytest.approx(now / before - 1)
    assert found.course == course


def test_scores_move_where_their_intervals_are_apart() -> None:
    kpi = KPI("satisfaction", "score", SATISFACTION.title, of={"kind": "nps"})
    rows = [month(3, kind="nps", score=10, low=0, high=20), month(4, kind="csat", score=1, low=0, high=2)]
    for low, course in ((21, "up"), (19, "same")):
        after = month(4, kind="nps", score=30, low=low, high=40, few=["score"])
        found = standing(kpi, result(SATISFACTION, [*rows, after]))
        assert (found.value, found.before, found.change, found.course, found.few) == (30, 10, 20, course, True)


def test_where_nothing_has_ended_nothing_is_said() -> None:
    found = standing(KPIS[0], result(analyses()["base"], [month(5, closing=1)]))
    assert (found.value, found.change, found.course, found.values) == (None, None, "", [])
