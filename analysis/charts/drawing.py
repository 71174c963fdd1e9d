"""A result as a drawing: which columns are its axes, series and colours says the declaration's `Chart`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from analysis.charts import courses, flows, grids
from analysis.charts.svg import Number, Shown
from analysis.declaration import Chart, Column, Row

__all__ = ["Data", "draw"]

_MOST = 400  # rows that are drawn


@dataclass(frozen=True)
class Data:
    """What is drawn.

    Args:
        chart: as declared.
        columns: of the result, by name.
        rows: those with a place in the drawing.
        language: of labels.
        shown: writes a value for people.
        open_from: the first day of the period that is not complete.
    """

    chart: Chart
    columns: Mapping[str, Column]
    rows: list[Row]
    language: str
    shown: Shown
    open_from: date | None = None

    @cached_property
    def ys(self) -> tuple[str, ...]:
        """The columns of figures."""
        y = self.chart.y
        return (y,) if isinstance(y, str) else tuple(y)

    def label(self, name: str) -> str:
        """What a column is called."""
        return self.columns[name].label.of(self.language)

    def text(self, row: Row, name: str) -> str:
        """A value of a row for people."""
        return self.shown(row.get(name), name)

    def is_open(self, row: Row) -> bool:
        """Whether a row is of a period that has not ended."""
        if row.get("complete") is False:
            return True
        when = row.get(self.chart.x)
        return isinstance(when, date) and self.open_from is not None and when >= self.open_from

    @cached_property
    def xs(self) -> list[Any]:
        """The places along the axis: days in their order, others as the rows have them."""
        seen = list(dict.fromkeys(row.get(self.chart.x) for row in self.rows))
        return sorted(seen) if seen and all(isinstance(x, date | int | float) for x in seen) else seen

    @cached_property
    def series(self) -> list[tuple[str, str, dict[Any, Row]]]:
        """Name, column of the figure, and row by place, of each series."""
        parted = self._parted
        if len(self.ys) > 1 and not parted:
            return [(self.label(y), y, {row.get(self.chart.x): row for row in self.rows}) for y in self.ys]
        color = self.chart.color or parted
        groups: dict[Any, dict[Any, Row]] = {}
        for row in self.rows:
            groups.setdefault(row.get(color) if color else "", {})[row.get(self.chart.x)] = row
        names = {key: (self.shown(key, color) if color and key not in ("", None) else "") for key in groups}
        if len(groups) == 1 and not next(iter(names.values())):
            return [(self.label(self.ys[0]), self.ys[0], next(iter(groups.values())))]
        y = self.ys[0]
        weights = {key: sum(abs(number(row.get(y)) or 0) for row in rows.values()) for key, rows in groups.items()}
        chosen = sorted(groups, key=lambda key: -weights[key])[:8]
        of = f"{self.label(y)}: " if parted else ""
        return [(of + (names[key] or "–"), y, groups[key]) for key in groups if key in chosen]

    @cached_property
    def _parted(self) -> str:
        """The dimension that several rows of one place differ in, where figures are series: then its values are, of the
        first figure."""
        if len(self.ys) < 2 or len({row.get(self.chart.x) for row in self.rows}) == len(self.rows):
            return ""
        others = [name for name, each in self.columns.items() if each.kind == "dimension" and name != self.chart.x]
        return next((name for name in others if len({row.get(name) for row in self.rows}) > 1), "")


def number(value: Any) -> Number | None:
    """A value as a number to draw; None where there is none."""
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | float) else None


_KINDS: Mapping[str, Callable[[Data], str]] = {
    "bars": courses.bars,
    "stacked": courses.stacked,
    "lines": courses.lines,
    "area": courses.area,
    "steps": courses.steps,
    "whale": courses.whale,
    "scatter": courses.scatter,
    "heat": grids.heat,
    "triangle": grids.heat,
    "lights": grids.lights,
    "forest": grids.forest,
    "funnel": flows.funnel,
    "waterfall": flows.waterfall,
    "sankey": flows.sankey,
}


def draw(
    chart: Chart, columns: Sequence[Column], rows: Sequence[Row], *, language: str, shown: Shown,
    open_from: date | None = None,
) -> str:  # fmt: skip
    """The SVG of a result; "" where there is nothing to draw.

    Args:
        chart: as declared.
        columns: of the result.
        rows: of the result.
        language: as the console names it.
        shown: writes a value of a column for people.
        open_from: the first day of the period that is not complete.
    """
    make = _KINDS.get(chart.kind)
    if chart.kind == "sankey":
        rows = _of_one_period(columns, rows)
    placed = [row for row in rows if chart.x == "" or row.get(chart.x) is not None]
    if chart.kind in ("heat", "triangle", "forest") and isinstance(chart.y, str):
        placed = [row for row in placed if row.get(chart.y) is not None]
    if make is None or not placed or not _says_something(chart, columns, placed):
        return ""
    data = Data(chart, {column.name: column for column in columns}, placed[:_MOST], language, shown, open_from)
    return make(data)


def _of_one_period(columns: Sequence[Column], rows: Sequence[Row]) -> Sequence[Row]:
    """Rows of the last period that is complete, where they are of several: streams of periods do not add up."""
    period = next((each.name for each in columns if each.kind == "dimension" and each.unit == "date"), None)
    if period is None or not rows:
        return rows
    whole = [row[period] for row in rows if row.get("complete") is not False] or [row[period] for row in rows]
    return [row for row in rows if row[period] == max(whole)]


def _says_something(chart: Chart, columns: Sequence[Column], rows: Sequence[Row]) -> bool:
    """Whether any figure that would be drawn is known."""
    drawn = {chart.x, chart.color, *((chart.y,) if isinstance(chart.y, str) else chart.y)}
    figures = [each.name for each in columns if each.name in drawn and each.kind != "dimension"]
    figures = [name for name in figures if any(number(row.get(name)) is not None for row in rows)] if figures else [""]
    return bool(figures)
