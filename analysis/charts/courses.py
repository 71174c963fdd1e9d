"""Charts along an axis: bars, stacks, lines with their intervals, steps, the whale curve, points."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

from analysis.charts.svg import Canvas, Number, el, nice_ticks, series_class, short

if TYPE_CHECKING:
    from analysis.charts.drawing import Data

__all__ = ["area", "bars", "lines", "scatter", "stacked", "steps", "whale"]

_LYING = 6  # names of more places than these lie beside lying bars
_BARS = 30
_HALF = 2


def _values(data: Data) -> list[Number]:
    chart = data.chart
    ends = [name for name in (chart.low, chart.high) if name]
    return [
        value
        for _, y, rows in data.series
        for row in rows.values()
        for name in (y, *ends)
        if (value := _number(row.get(name))) is not None
    ]


def _number(value: Any) -> Number | None:
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | float) else None


def _title(data: Data) -> str:
    return f"{', '.join(data.label(y) for y in data.ys)} · {data.label(data.chart.x)}"


def _canvas(data: Data, height: int = 320) -> Canvas:
    names = [name for name, _, _ in data.series]
    lines = 1 + sum(len(name) + 4 for name in names) // 80
    canvas = Canvas(height=height, top=14 if len(names) < _HALF else 14 + 18 * lines)
    if len(names) >= _HALF:
        canvas.legend(names)
    return canvas


def _tip(data: Data, row: dict[str, Any], name: str, y: str) -> str:
    interval = ""
    chart = data.chart
    if chart.low and row.get(chart.low) is not None:
        interval = f" ({data.text(row, chart.low)} – {data.text(row, chart.high)})"
    what = f"{name}: " if len(data.series) > 1 else ""
    return el("title", escape(f"{data.text(row, data.chart.x)} · {what}{data.text(row, y)}{interval}"))


def bars(data: Data) -> str:
    """A bar a place and series; lying where the places are many names."""
    if data.columns[data.chart.x].unit != "date" and len(data.xs) > _LYING:
        return _lying(data)
    canvas = _canvas(data)
    at = canvas.vertical(_values(data), data.ys[0], data.shown)
    slot = (canvas.x1 - canvas.x0) / max(1, len(data.xs))
    wide = min(60.0, slot * 0.8 / len(data.series))
    for place, x in enumerate(data.xs):
        middle = canvas.x0 + slot * (place + 0.5)
        for nth, (name, y, rows) in enumerate(data.series):
            row = rows.get(x)
            value = _number(row.get(y)) if row else None
            if row is None or value is None:
                continue
            left = middle + (nth - len(data.series) / 2) * wide
            top, bottom = sorted((at(value), at(0)))
            box = {"x": left + 0.5, "y": top, "width": max(wide - 1, 1.0), "height": max(bottom - top, 0.5)}
            canvas.add(el("rect", _tip(data, row, name, y), cls=series_class(nth), **box))
            if data.is_open(row):
                canvas.add(el("rect", cls="open", fill="url(#hatch)", **box))
            _whisker(canvas, data, row, left + wide / 2, at)
    canvas.below([data.shown(x, data.chart.x) for x in data.xs], lambda n: canvas.x0 + slot * (n + 0.5))
    return canvas.svg(_title(data))


def _lying(data: Data) -> str:
    y = data.ys[0]
    best = {
        x: max((abs(_number(rows[x].get(y)) or 0) for _, y, rows in data.series if x in rows), default=0)
        for x in data.xs
    }
    xs = data.xs if data.chart.low else sorted(data.xs, key=lambda x: -best[x])
    xs = xs[:_BARS]
    thick = max(8, min(18, 40 // len(data.series)))
    slot = thick * len(data.series) + 8
    top = 14 if len(data.series) < _HALF else 34
    canvas = Canvas(height=int(top + slot * len(xs) + 30), left=190, bottom=26, top=top, right=70)
    if len(data.series) >= _HALF:
        canvas.legend([name for name, _, _ in data.series])
    values = _values(data)
    ticks = nice_ticks(min(0, *values) if values else 0, max(0, *values) if values else 1)

    def along(value: Number) -> float:
        return canvas.x0 + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (canvas.x1 - canvas.x0)

    for tick in ticks:
        canvas.add(el("line", x1=along(tick), x2=along(tick), y1=canvas.y1, y2=canvas.y0, cls="grid"))
        text = escape(data.shown(tick, y))
        canvas.add(el("text", text, x=along(tick), y=canvas.y0 + 18, cls="tick", text_anchor="middle"))
    for place, x in enumerate(xs):
        upper = canvas.y1 + slot * place + 4
        name = short(data.shown(x, data.chart.x), 26)
        middle = upper + thick * len(data.series) / 2 + 4
        canvas.add(el("text", escape(name), x=canvas.x0 - 8, y=middle, cls="tick", text_anchor="end"))
        for nth, (series, column, rows) in enumerate(data.series):
            row = rows.get(x)
            value = _number(row.get(column)) if row else None
            if row is None or value is None:
                continue
            left, right = sorted((along(0), along(value)))
            canvas.add(
                el("rect", _tip(data, row, series, column), x=left, y=upper + nth * thick, width=max(right - left, 0.5),
                   height=thick - 1, cls=series_class(nth))
            )  # fmt: skip
            chart = data.chart
            low, high = _number(row.get(chart.low)), _number(row.get(chart.high))
            if low is not None and high is not None:
                y_at = upper + nth * thick + thick / 2
                canvas.add(el("line", x1=along(low), x2=along(high), y1=y_at, y2=y_at, cls="whisker"))
    return canvas.svg(_title(data))


def _whisker(canvas: Canvas, data: Data, row: dict[str, Any], x: float, at: Callable[[Number], float]) -> None:
    low, high = _number(row.get(data.chart.low)), _number(row.get(data.chart.high))
    if low is not None and high is not None:
        canvas.add(el("line", x1=x, x2=x, y1=at(low), y2=at(high), cls="whisker"))


def stacked(data: Data) -> str:
    """Bars upon one another; what is negative hangs below the line."""
    canvas = _canvas(data)
    sums: dict[Any, list[Number]] = {}
    for x in data.xs:
        found = [_number(rows[x].get(y)) or 0 for _, y, rows in data.series if x in rows]
        sums[x] = [sum(value for value in found if value > 0), sum(value for value in found if value < 0)]
    at = canvas.vertical([value for pair in sums.values() for value in pair], data.ys[0], data.shown)
    slot = (canvas.x1 - canvas.x0) / max(1, len(data.xs))
    wide = min(60.0, slot * 0.8)
    for place, x in enumerate(data.xs):
        up: Number = 0
        down: Number = 0
        left = canvas.x0 + slot * (place + 0.5) - wide / 2
        for nth, (name, y, rows) in enumerate(data.series):
            row = rows.get(x)
            value = (_number(row.get(y)) if row else None) or 0
            if row is None or not value:
                continue
            start = up if value > 0 else down
            top, bottom = sorted((at(start), at(start + value)))
            box = {"x": left, "y": top, "width": wide, "height": max(bottom - top, 0.5)}
            canvas.add(el("rect", _tip(data, row, name, y), cls=series_class(nth), **box))
            if data.is_open(row):
                canvas.add(el("rect", cls="open", fill="url(#hatch)", **box))
            if value > 0:
                up += value
            else:
                down += value
    canvas.below([data.shown(x, data.chart.x) for x in data.xs], lambda n: canvas.x0 + slot * (n + 0.5))
    return canvas.svg(_title(data))


def _along(data: Data, canvas: Canvas) -> Callable[[Any], float]:
    """The place of a value along the axis: in proportion if they are numbers or days, else evenly."""
    xs = data.xs
    if len(xs) > 1 and all(isinstance(x, date) for x in xs):
        span = (xs[-1] - xs[0]).days
        return lambda x: canvas.x0 + (x - xs[0]).days / span * (canvas.x1 - canvas.x0)
    if len(xs) > 1 and all(isinstance(x, int | float) for x in xs):
        return lambda x: canvas.x0 + (x - xs[0]) / (xs[-1] - xs[0]) * (canvas.x1 - canvas.x0)
    place = {x: number for number, x in enumerate(xs)}
    return lambda x: canvas.x0 + (place[x] + 0.5) / len(xs) * (canvas.x1 - canvas.x0)


def _course(data: Data, *, stepping: bool) -> str:
    canvas = _canvas(data)
    at = canvas.vertical(_values(data), data.ys[0], data.shown)
    along = _along(data, canvas)
    for nth, (name, y, rows) in enumerate(data.series):
        runs: list[list[tuple[float, dict[str, Any], Number]]] = [[]]
        for x in data.xs:
            row = rows.get(x)
            value = _number(row.get(y)) if row else None
            if row is None or value is None:
                if not stepping:
                    runs.append([])
                continue
            runs[-1].append((along(x), row, value))
        for run in runs:
            _band(canvas, data, run, at, nth)
            closed = [point for point in run if not data.is_open(point[1])]
            rest = run[len(closed) - 1 :] if closed and len(closed) < len(run) else [] if closed else run
            for part, cls in ((closed, ""), (rest, " dashed")):
                if len(part) > 1:
                    d = _path([(x, at(value)) for x, _, value in part], stepping=stepping)
                    canvas.add(el("path", d=d, cls=f"line {series_class(nth)}{cls}"))
            few = len(run) <= 60
            for x, row, value in run if few else ():
                cls = f"dot {series_class(nth)}"
                canvas.add(el("circle", _tip(data, row, name, y), cx=x, cy=at(value), r=3, cls=cls))
    canvas.below([data.shown(x, data.chart.x) for x in data.xs], lambda n: along(data.xs[n]))
    return canvas.svg(_title(data))


def _band(
    canvas: Canvas, data: Data, run: list[tuple[float, dict[str, Any], Number]], at: Callable[[Number], float], nth: int
) -> None:
    chart = data.chart
    ends = [
        (x, low, high)
        for x, row, _ in run
        if (low := _number(row.get(chart.low))) is not None and (high := _number(row.get(chart.high))) is not None
    ]
    if len(ends) > 1:
        points = [(x, at(high)) for x, _, high in ends] + [(x, at(low)) for x, low, _ in reversed(ends)]
        canvas.add(el("path", d=_path(points, stepping=False) + "Z", cls=f"band-area {series_class(nth)}"))


def _path(points: list[tuple[float, float]], *, stepping: bool) -> str:
    text, before = "", 0.0
    for number, (x, y) in enumerate(points):
        if number and stepping:
            text += f"L{x:.1f} {before:.1f}"
        text += f"{'L' if number else 'M'}{x:.1f} {y:.1f}"
        before = y
    return text


def lines(data: Data) -> str:
    """A line a series, with its interval as a band; what is not complete is dashed."""
    return _course(data, stepping=False)


def steps(data: Data) -> str:
    """The same as steps: a figure holds until it changes."""
    return _course(data, stepping=True)


def area(data: Data) -> str:
    """Areas upon one another."""
    canvas = _canvas(data)
    along = _along(data, canvas)
    heights = [0.0] * len(data.xs)
    layers = []
    for name, y, rows in data.series:
        lower = list(heights)
        for place, x in enumerate(data.xs):
            heights[place] += (_number(rows[x].get(y)) or 0) if x in rows else 0
        layers.append((name, lower, list(heights)))
    at = canvas.vertical(heights, data.ys[0], data.shown)
    for nth, (name, lower, upper) in enumerate(layers):
        there = [(along(x), at(value)) for x, value in zip(data.xs, upper, strict=True)]
        back = [(along(x), at(value)) for x, value in zip(data.xs, lower, strict=True)][::-1]
        d = _path([*there, *back], stepping=False) + "Z"
        canvas.add(el("path", el("title", escape(name)), d=d, cls=f"layer {series_class(nth)}"))
    canvas.below([data.shown(x, data.chart.x) for x in data.xs], lambda n: along(data.xs[n]))
    return canvas.svg(_title(data))


def whale(data: Data) -> str:
    """A cumulated share that may rise above the whole, with the line of the whole."""
    canvas = _canvas(data)
    values = _values(data)
    at = canvas.vertical([*values, 1.0] if data.columns[data.ys[0]].unit == "share" else values, data.ys[0], data.shown)
    along = _along(data, canvas)
    if data.columns[data.ys[0]].unit == "share":
        canvas.add(el("line", x1=canvas.x0, x2=canvas.x1, y1=at(1), y2=at(1), cls="whisker"))
    for nth, (name, y, rows) in enumerate(data.series):
        points = [
            (along(x), at(value), rows[x])
            for x in data.xs
            if x in rows and (value := _number(rows[x].get(y))) is not None
        ]
        d = _path([(x, y_at) for x, y_at, _ in points], stepping=False)
        canvas.add(el("path", d=d, cls=f"line {series_class(nth)}"))
        canvas.add(
            *(el("circle", _tip(data, row, name, y), cx=x, cy=y_at, r=3.5, cls=f"dot {series_class(nth)}")
              for x, y_at, row in points)
        )  # fmt: skip
    canvas.below([data.shown(x, data.chart.x) for x in data.xs], lambda n: along(data.xs[n]))
    return canvas.svg(_title(data))


def scatter(data: Data) -> str:
    """A point a row."""
    canvas = Canvas()
    at = canvas.vertical(_values(data), data.ys[0], data.shown)
    along = _along(data, canvas)
    groups: dict[Any, int] = {}
    for row in data.rows:
        value = _number(row.get(data.ys[0]))
        if value is None:
            continue
        nth = groups.setdefault(row.get(data.chart.color) if data.chart.color else "", len(groups))
        name = data.text(row, data.chart.color) if data.chart.color else ""
        x = along(row[data.chart.x])
        cls = f"dot {series_class(nth)}"
        canvas.add(el("circle", _tip(data, row, name, data.ys[0]), cx=x, cy=at(value), r=5, cls=cls))
    canvas.below([data.shown(x, data.chart.x) for x in data.xs], lambda n: along(data.xs[n]))
    return canvas.svg(_title(data))
