"""What holds of every analysis, whatever it is about: that is what its declaration is for."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, get_args

import pytest

from analysis.against import earlier_of, shifted
from analysis.base import Base
from analysis.declaration import Analysis, Count, Customers, Ratio, Share, Text, Unit
from analysis.engines.duck import Duck
from analysis.engines.engine import FACTS
from analysis.registry import ROOMS, analyses
from analysis.result import Result
from analysis.running import columns_of, keyed_members, run
from console.views.analysing.analysis_documents import result_view, summary_of
from console.views.analysing.csv_files import table_csv
from plan.model import ROLES

ALL = analyses()
EVERY = pytest.mark.parametrize("analysis", ALL.values(), ids=list(ALL))
CHINESE = re.compile(r"[\u4e00-\u9fff]")
KINDS = {
    "bars", "stacked", "lines", "area", "steps", "heat", "triangle", "funnel", "waterfall", "sankey", "forest",
    "scatter", "whale", "lights", "table",
}  # fmt: skip


def key_of(analysis: Analysis[Any], row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in analysis.dimensions)


@EVERY
def test_the_declaration_is_whole(analysis: Analysis[Any]) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", analysis.name)
    assert analysis.room in ROOMS
    texts = [analysis.title, analysis.question, analysis.how, *(column.label for column in columns_of(analysis))]
    for text in texts:
        assert isinstance(text, Text)
        assert text.en.strip(), text
        assert not CHINESE.search(text.en), text
        assert text.zh.strip(), text
    for text in (analysis.title, analysis.question, analysis.how):
        assert CHINESE.search(text.zh), text
    names = [column.name for column in columns_of(analysis)]
    assert len(names) == len(set(names))
    assert {column.unit for column in columns_of(analysis)} <= set(get_args(Unit))
    measures = {measure.name for measure in analysis.measures}
    for measure in analysis.measures:
        if isinstance(measure, Share | Ratio):
            assert {measure.part, measure.whole} <= measures
    chart = analysis.chart
    assert chart.kind in KINDS
    ys = (chart.y,) if isinstance(chart.y, str) else chart.y
    assert {name for name in (chart.x, *ys, chart.color, chart.low, chart.high) if name} <= set(names)
    for name, field in analysis.parameters.model_fields.items():
        assert field.description, name
        assert name != "measure", "that is the figure whose list is asked for"
    assert set(analysis.without) <= set(analysis.parameters.model_fields)


@EVERY
def test_what_it_needs_can_be_there(analysis: Analysis[Any]) -> None:
    """Roles of plans, columns of facts, figures of its own."""
    assert analysis.needs
    for need in analysis.needs:
        assert set(need.role.split("|")) <= {*ROLES, "*"}, need
        assert set(need.facts) <= set(FACTS), need
        assert all(figure.strip() for figure in need.figures), need


@EVERY
def test_it_answers_for_a_history(analysis: Analysis[Any], results: Callable[[str], Result]) -> None:
    result = results(analysis.name)
    names = {column.name for column in result.columns}
    assert result.rows or result.notes
    for row in result.rows:
        assert set(row) <= names
    for column in result.columns:
        values = [row[column.name] for row in result.rows if row.get(column.name) is not None]
        if column.unit == "money":
            assert all(isinstance(value, int | float) for value in values), column  # a mean is no whole number
        if column.unit == "share" and column.kind == "measure":
            assert all(isinstance(value, int | float) for value in values), column
        if column.unit == "date":
            assert all(isinstance(value, date) for value in values), column
    for language in ("en", "zh_Hans"):
        shown = result_view(analysis, result, language).model_dump(mode="json")
        assert len(json.loads(json.dumps(shown))["rows"]) == len(result.rows)
        assert json.dumps(summary_of(analysis, language).model_dump(mode="json"))
    assert len(table_csv(result).splitlines()) > len(result.rows)


@EVERY
def test_the_cells_have_one_row_each(analysis: Analysis[Any], results: Callable[[str], Result]) -> None:
    seen = Counter(key_of(analysis, row) for row in results(analysis.name).rows)
    assert [key for key, times in seen.items() if times > 1] == []


@EVERY
def test_an_empty_archive_gives_an_empty_table_and_the_reason(analysis: Analysis[Any], empty: Duck) -> None:
    result = run(analysis, empty, analysis.parameters())
    assert result.rows == []
    assert result.notes


@pytest.mark.parametrize("analysis", [each for each in ALL.values() if each.once], ids=lambda each: each.name)
def test_what_says_so_has_each_customer_once_in_a_cell(analysis: Analysis[Any], engine: Duck) -> None:
    """Else rows would be counted for customers."""
    for asked in ({}, {"by": "channel"}, {"interval": "week", "channel": "web"}):
        members = keyed_members(analysis, Base(engine, analysis.parameters(**asked)))
        keys = [column.name for column in analysis.dimensions]
        each = members.group_by([*keys, "customer"]).agg(times=members.count())
        assert engine.fetch(each.agg(most=each.times.max())).to_pylist() in ([{"most": 1}], [{"most": None}]), asked


@EVERY
def test_the_list_behind_a_number_is_the_number(
    analysis: Analysis[Any], engine: Duck, results: Callable[[str], Result]
) -> None:
    """For every cell: as many distinct customers as the number says, or as many rows of them."""
    members = keyed_members(analysis, Base(engine, analysis.parameters()))
    keys = [column.name for column in analysis.dimensions]
    listed = [measure for measure in analysis.measures if isinstance(measure, Customers | Count)]
    assert listed, "behind which number does nobody stand?"
    flags = {name: members[name].fill_null(False).cast("int64").sum() for m in listed if (name := m.where)}
    found = engine.fetch(members.group_by([*keys, "customer"]).agg(all_of_them=members.count(), **flags)).to_pylist()
    for measure in listed:
        numbers: Counter[tuple[Any, ...]] = Counter()
        for row in found:
            rows = row[measure.where or "all_of_them"]
            numbers[key_of(analysis, row)] += rows if isinstance(measure, Count) else int(rows > 0)
        for row in results(analysis.name).rows:
            key = key_of(analysis, row)
            if None not in key and row.get(measure.name) is not None:
                assert row[measure.name] == numbers[key], (measure.name, key)


@EVERY
def test_what_a_figure_is_compared_with_is_what_the_other_period_says(
    analysis: Analysis[Any], engine: Duck, results: Callable[[str], Result]
) -> None:
    """Asked for the period before; and nothing else changes."""
    if "against" in analysis.refused:
        return
    dated = analysis.parameters().of_parts and any(each.unit == "date" for each in analysis.dimensions)
    half = {} if dated else {"since": date(2025, 8, 1), "until": date(2026, 2, 1)}
    compared = run(analysis, engine, analysis.parameters(against="previous", **half))
    plain = run(analysis, engine, analysis.parameters(**half)) if half else results(analysis.name)
    names = [column.name for column in plain.columns]
    assert len(compared.rows) == len(plain.rows)
    for row, same in zip(compared.rows, plain.rows, strict=True):
        for name in names:
            expected = same.get(name)  # engines add fractions in any order
            assert row.get(name) == (pytest.approx(expected) if isinstance(expected, float) else expected), name
    days = [each.name for each in analysis.dimensions if each.unit == "date"]
    given = analysis.parameters(against="previous", **half)
    other = plain if days and given.of_parts and any(row[days[0]] for row in plain.rows) else run(
        analysis, engine, shifted(given, engine.frame).model_copy(update={"against": ""})
    )  # fmt: skip
    known = {key_of(analysis, row): row for row in other.rows}
    measured = [column.name for column in plain.columns if column.kind == "measure"]
    interval = "day" if days == ["day"] else given.interval
    told = 0
    for row in compared.rows:
        key = key_of(analysis, row)
        at = [each.name for each in analysis.dimensions].index(days[0]) if days else 0
        if days and not given.of_parts:
            key = (*key[:at], shifted(given, engine.frame).since, *key[at + 1 :])
        elif other is plain and days:
            if key[at] is None:
                continue
            key = (*key[:at], earlier_of(key[at], interval, "previous", engine.frame), *key[at + 1 :])
        for name in measured:
            if row[f"{name}_before"] is not None:
                assert row[f"{name}_before"] == pytest.approx(known[key][name]), (name, key)
                told += 1
            assert row[f"{name}_course"] in ("", "up", "down", "same")
    assert told or not plain.rows
