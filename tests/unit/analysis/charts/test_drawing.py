"""Every kind of chart, from a few rows: well-formed, within its frame, with its figures, and with no text unescaped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import date
from typing import Any

import pytest

from analysis.charts import draw
from analysis.charts.flows import layers, signs
from analysis.declaration import Chart, Column, Text

COLUMNS = [
    Column("month", Text("Month", "月"), "date", "dimension"),
    Column("name", Text("Name <b>", "名称"), "text", "dimension"),
    Column("to", Text("To", "至"), "text", "dimension"),
    Column("n", Text("Count", "数"), "count"),
    Column("m", Text("Other", "其他"), "count"),
    Column("total", Text("Total", "合计"), "count"),
    Column("low", Text("low", "下限"), "count", "note"),
    Column("high", Text("high", "上限"), "count", "note"),
]
EVIL = '<script>alert(1)</script>"'
ROWS: list[dict[str, Any]] = [
    {"month": date(2026, month, 1), "name": name, "to": "end", "n": month * 3 - place, "m": place + 1,
     "total": month * 3 + 1, "low": 1, "high": 9}
    for month in (1, 2, 3)
    for place, name in enumerate(("a", EVIL))
]  # fmt: skip


def drawn(chart: Chart, rows: list[dict[str, Any]] = ROWS, **given: Any) -> str:
    return draw(chart, COLUMNS, rows, language="en", shown=lambda value, column: str(value), **given)


@pytest.mark.parametrize(
    "chart",
    [
        Chart("bars", "month", "n", "name"), Chart("bars", "name", ("n", "m")), Chart("stacked", "month", "n", "name"),
        Chart("lines", "month", "n", "name", "low", "high"), Chart("steps", "month", "n", "name"),
        Chart("area", "month", "n", "name"), Chart("heat", "name", "month", "n"), Chart("triangle", "n", "month", "m"),
        Chart("funnel", "name", "n"), Chart("waterfall", "month", ("n", "m", "total")),
        Chart("sankey", "name", "n", "to"),
        Chart("forest", "n", "name", "", "low", "high"), Chart("scatter", "n", "m", "name"), Chart("whale", "n", "m"),
        Chart("lights", "name", "n", "to"),
    ],
    ids=lambda chart: f"{chart.kind}-{chart.x}",
)  # fmt: skip
def test_a_chart_is_drawn(chart: Chart) -> None:
    text = drawn(chart)
    assert "<script" not in text
    assert " style=" not in text
    drawing = ET.fromstring(text)
    assert drawing.get("role") == "img"
    assert drawing.find("title") is not None
    _, _, width, height = map(float, str(drawing.get("viewBox")).split())
    shapes = [each for each in drawing.iter() if each.tag in ("rect", "circle", "path")]
    assert len(shapes) > 1
    for each in drawing.iter():
        assert -1 <= float(each.get("x", 0)) <= width
        assert -1 <= float(each.get("y", 0)) <= height
        assert float(each.get("width", 0)) >= 0


def test_a_period_that_has_not_ended_is_hatched_or_dashed() -> None:
    chart = Chart("bars", "month", "n", "name")
    assert "url(#hatch)" not in drawn(chart)
    assert drawn(chart, open_from=date(2026, 3, 1)).count("url(#hatch)") == 2
    assert drawn(Chart("lines", "month", "n", "name"), open_from=date(2026, 3, 1)).count("dashed") == 2
    incomplete = [{**row, "complete": False} for row in ROWS]
    assert drawn(Chart("heat", "name", "month", "n"), incomplete).count("url(#hatch)") == len(ROWS)


def test_nothing_is_drawn_of_nothing() -> None:
    assert drawn(Chart("bars", "month", "n"), []) == ""
    assert drawn(Chart("table", "month", "n")) == ""


def test_streams_go_from_column_to_column_and_circles_end() -> None:
    assert layers({("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 1}) == {"a": 0, "b": 1, "c": 2}
    assert set(layers({("a", "b"): 1, ("b", "a"): 1})) == {"a", "b"}


def test_a_waterfall_finds_which_steps_lead_down() -> None:
    assert signs(100, [20, 5, 30], 95) == (1, 1, -1)
    assert signs(100, [-5], 95) == (1,)
    assert signs(1, [1], 50) == (1,)


def test_streams_are_of_the_last_period_that_has_ended() -> None:
    rows = [{**row, "complete": row["month"] < date(2026, 3, 1)} for row in ROWS]
    text = drawn(Chart("sankey", "name", "n", "to"), rows)
    assert "2026-02-01" in text
    assert "a → end: 6" in text
    assert "end: 3<" not in text, "not of January"
    assert "2026-03-01" in drawn(Chart("sankey", "name", "n", "to"), rows[-2:]), "there is no other"


def test_figures_of_several_parts_are_drawn_by_part() -> None:
    """Two rows of a month: the first figure of each part, not the two figures of whichever comes last."""
    text = drawn(Chart("bars", "month", ("n", "m")))
    assert 'class="legend">Count: a<' in text
    assert "Other" not in ET.tostring(ET.fromstring(text), encoding="unicode").replace("Count, Other", "")
    once = drawn(Chart("bars", "month", ("n", "m")), ROWS[::2])
    assert "Other" in once.replace("Count, Other", "")


def test_columns_of_a_heat_map_say_which_month_or_day_they_are_and_the_first_of_a_ranking_are_shown() -> None:
    months = [date(2025 + at // 12, at % 12 + 1, 1) for at in range(13)]
    cells = [{"month": month, "name": f"s{place:02}", "n": place} for place in range(42) for month in months[:13]]
    shown = drawn(Chart("heat", "month", "name", "n"), cells[: 30 * 13])
    assert ">25-01<" in shown
    assert ">26-01<" in shown
    few = [row for row in cells if row["month"] < date(2025, 3, 1)]
    ranked = drawn(Chart("heat", "month", "name", "n"), few)
    assert ">s00<" in ranked
    assert ">s41<" not in ranked
    days = [row | {"month": date(2025, 5, at % 13 + 1)} for at, row in enumerate(cells[:39])]
    assert ">05-13<" in drawn(Chart("heat", "month", "name", "n"), days)


def test_each_of_a_few_places_has_its_name_within_the_drawing() -> None:
    long = [{**row, "name": f"{row['name'][:1]}{'w' * 40}{number}"} for number, row in enumerate(ROWS[:4])]
    labels = re.findall(r'class="tick" text-anchor="middle">([^<]*)<', drawn(Chart("bars", "name", "n"), long))
    assert len(labels) == 4
    last = re.findall(r'<text x="(\d+)"[^>]*text-anchor="end">2026-03-01', drawn(Chart("lines", "month", "n", "name")))
    assert last == ["759"], "at the edge, not beyond it"


def test_where_no_figure_is_known_nothing_is_drawn() -> None:
    unknown = [row | {"n": None, "m": None} for row in ROWS]
    for chart in (
        Chart("lines", "month", "n", "name"),
        Chart("bars", "month", ("n", "m")),
        Chart("heat", "name", "month", "n"),
    ):
        assert drawn(chart, unknown) == ""
    assert drawn(Chart("bars", "month", ("n", "m")), [row | {"n": None} for row in ROWS])
