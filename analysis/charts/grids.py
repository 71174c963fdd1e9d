"""Charts of rows and columns: heat maps and triangles of cohorts, lights, and the forest of intervals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

from analysis.charts.svg import Canvas, Number, el, heat_class, nice_ticks, short

if TYPE_CHECKING:
    from analysis.charts.drawing import Data

__all__ = ["forest", "heat", "lights"]

_COLUMNS = 40
_ROWS = 40


def _ordered(values: list[Any]) -> list[Any]:
    seen = list(dict.fromkeys(values))
    alike = all(isinstance(value, date) for value in seen) or all(isinstance(value, int | float) for value in seen)
    return sorted(seen) if alike else seen


def _heading(text: str, x: Any, xs: Sequence[Any], most: int) -> str:
    """Of a column: a day that is too long as month and day, or as year and month where all are firsts of months."""
    if not isinstance(x, date) or len(text) <= most:
        return short(text, most)
    return f"{x:%y-%m}" if all(isinstance(each, date) and each.day == 1 for each in xs) else f"{x:%m-%d}"


def heat(data: Data) -> str:
    """A cell a pair, the darker the more, with its figure in it."""
    chart = data.chart
    xs, ys = _ordered([row[chart.x] for row in data.rows])[:_COLUMNS], _ordered([row[data.ys[0]] for row in data.rows])
    ys = ys[-_ROWS:] if ys and isinstance(ys[0], date) else ys[:_ROWS]  # the latest days, or the first of a ranking
    figure = chart.color
    cells = {(row[chart.x], row[data.ys[0]]): row for row in data.rows}
    values: list[Number] = [row[figure] for row in cells.values() if isinstance(row.get(figure), int | float)]
    if chart.kind == "triangle" and len(xs) > 1 and 0 in xs:  # the first column is of another kind than the others
        later = [row[figure] for (x, _), row in cells.items() if x != 0 and isinstance(row.get(figure), int | float)]
        values = later or values
    low, high = (min(values), max(values)) if values else (0, 1)
    wide, tall = max(18.0, 660 / max(1, len(xs))), 26
    canvas = Canvas(height=44 + tall * len(ys), left=96, bottom=16, top=28, width=int(110 + wide * len(xs)))
    for number, x in enumerate(xs):
        text = escape(_heading(data.shown(x, chart.x), x, xs, max(3, int(wide // 7))))
        canvas.add(el("text", text, x=96 + wide * (number + 0.5), y=18, cls="tick", text_anchor="middle"))
    for line, y in enumerate(ys):
        top = 28 + tall * line
        name = short(data.shown(y, data.ys[0]), 13)
        canvas.add(el("text", escape(name), x=90, y=top + 17, cls="tick", text_anchor="end"))
        for number, x in enumerate(xs):
            row = cells.get((x, y))
            value = row.get(figure) if row else None
            if row is None or not isinstance(value, int | float):
                continue
            tone = heat_class(value, low, high)
            box = {"x": 96 + wide * number + 1, "y": top + 1, "width": wide - 2, "height": tall - 2}
            tip = f"{data.shown(y, data.ys[0])} · {data.label(chart.x)} {data.shown(x, chart.x)}: "
            title = el("title", escape(tip + data.text(row, figure)))
            canvas.add(el("rect", title, cls=f"cell {tone}", **box))
            if row.get("complete") is False or data.is_open(row):
                canvas.add(el("rect", cls="open", fill="url(#hatch)", **box))
            if wide > 34:
                text = escape(data.text(row, figure))
                canvas.add(
                    el("text", text, x=96 + wide * (number + 0.5), y=top + 17, cls=f"in {tone}", text_anchor="middle")
                )
    return canvas.svg(f"{data.label(figure) if figure else ''} · {data.label(data.ys[0])} × {data.label(chart.x)}")


def lights(data: Data) -> str:
    """A light a row, in shape and colour: full is well, half is to be looked at, empty is wrong."""
    chart = data.chart
    canvas = Canvas(height=20 + 26 * len(data.rows), left=10, bottom=6, top=8)
    for line, row in enumerate(data.rows):
        y = 24 + 26 * line
        state = str(row.get(chart.color or data.ys[0]))
        shape = {"good": "M10 0A5 5 0 1 1 0 0A5 5 0 1 1 10 0", "fair": "M0 4L5 -5L10 4Z"}.get(state, "M0 -5H10V5H0Z")
        tone = {"good": "well", "fair": "fair"}.get(state, "bad" if state == "bad" else "unknown")
        canvas.add(el("path", d=shape, cls=f"light {tone}", transform=f"translate(12 {y - 4})"))
        text = f"{data.text(row, chart.x)}: {data.text(row, data.ys[0])}"
        canvas.add(el("text", escape(text), x=32, y=y, cls="legend"))
    return canvas.svg(data.label(chart.x))


def forest(data: Data) -> str:
    """A point with its interval a row, and the line of no difference."""
    chart = data.chart
    name = data.ys[0]
    rows = [row for row in data.rows if isinstance(row.get(chart.x), int | float)][:_ROWS]
    ends: list[Number] = [
        value
        for row in rows
        for value in (row[chart.x], row.get(chart.low), row.get(chart.high))
        if isinstance(value, int | float)
    ]
    none = 1 if data.columns[chart.x].unit == "factor" and all(end > 0 for end in ends) else 0
    ticks = nice_ticks(min([none, *ends]), max([none, *ends]))
    canvas = Canvas(height=50 + 24 * len(rows), left=240, bottom=30, top=10)

    def along(value: Number) -> float:
        return canvas.x0 + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (canvas.x1 - canvas.x0)

    for tick in ticks:
        cls = "zero" if tick == none else "grid"
        canvas.add(el("line", x1=along(tick), x2=along(tick), y1=canvas.y1, y2=canvas.y0, cls=cls))
        text = escape(data.shown(tick, chart.x))
        canvas.add(el("text", text, x=along(tick), y=canvas.y0 + 18, cls="tick", text_anchor="middle"))
    for line, row in enumerate(rows):
        y = canvas.y1 + 18 + 24 * line
        text = escape(short(data.text(row, name), 34))
        canvas.add(el("text", text, x=canvas.x0 - 8, y=y + 4, cls="tick", text_anchor="end"))
        low, high = row.get(chart.low), row.get(chart.high)
        if isinstance(low, int | float) and isinstance(high, int | float):
            canvas.add(el("line", x1=along(low), x2=along(high), y1=y, y2=y, cls="whisker"))
        title = el("title", escape(f"{data.text(row, name)}: {data.text(row, chart.x)}"))
        canvas.add(el("circle", title, cx=along(row[chart.x]), cy=y, r=4, cls="dot s0"))
    return canvas.svg(f"{data.label(chart.x)} · {data.label(name)}")
