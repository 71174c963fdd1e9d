"""Charts of what becomes of something: funnel, waterfall, and the Sankey, whose places are computed here."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from itertools import product
from typing import TYPE_CHECKING, Any

from analysis.charts.svg import Canvas, Number, el, series_class, short

if TYPE_CHECKING:
    from analysis.charts.drawing import Data

__all__ = ["funnel", "layers", "sankey", "waterfall"]

_HALF = 2
_LAYERS = 12


def funnel(data: Data) -> str:
    """A bar a step and series, the first one whole."""
    chart, y = data.chart, data.ys[0]
    thick = 22
    slot = thick * len(data.series) + 14
    top = 34 if len(data.series) >= _HALF else 12
    canvas = Canvas(height=top + slot * len(data.xs) + 10, left=180, right=110, top=top, bottom=10)
    if len(data.series) >= _HALF:
        canvas.legend([name for name, _, _ in data.series])
    values = [row.get(y) for _, _, rows in data.series for row in rows.values()]
    most = max((value for value in values if isinstance(value, int | float)), default=1) or 1
    for place, x in enumerate(data.xs):
        upper = canvas.y1 + slot * place
        text = escape(short(data.shown(x, chart.x), 24))
        canvas.add(el("text", text, x=canvas.x0 - 8, y=upper + slot / 2, cls="tick", text_anchor="end"))
        for nth, (name, _, rows) in enumerate(data.series):
            row = rows.get(x)
            value = row.get(y) if row else None
            if row is None or not isinstance(value, int | float):
                continue
            wide = max(1.0, value / most * (canvas.x1 - canvas.x0))
            at = upper + nth * thick
            title = el("title", escape(f"{data.shown(x, chart.x)} {name}: {data.text(row, y)}"))
            canvas.add(el("rect", title, x=canvas.x0, y=at, width=wide, height=thick - 2, cls=series_class(nth)))
            canvas.add(el("text", escape(data.text(row, y)), x=canvas.x0 + wide + 6, y=at + 15, cls="legend"))
    return canvas.svg(f"{data.label(y)} · {data.label(chart.x)}")


def signs(first: Number, moves: list[Number], last: Number) -> tuple[int, ...]:
    """With which signs what moves leads from the first figure to the last; all as they are, where none do."""
    for found in product((1, -1), repeat=min(len(moves), _LAYERS)):
        if abs(first + sum(sign * move for sign, move in zip(found, moves, strict=False)) - last) < 0.5:
            return found
    return (1,) * len(moves)


def waterfall(data: Data) -> str:
    """From a first figure to a last, each column between as a step up or down: of the latest row that is complete."""
    complete = [row for row in data.rows if not data.is_open(row)] or data.rows
    row = complete[-1] if data.columns[data.chart.x].unit == "date" else complete[0]
    ys = [y for y in data.ys if isinstance(row.get(y), int | float)]
    if len(ys) < _HALF + 1:
        return ""
    first, *between, last = (row[y] for y in ys)
    canvas = Canvas(top=30)
    level, boxes = first, [(0, first)]
    for sign, move in zip(signs(first, between, last), between, strict=False):
        boxes.append((level, level + sign * move))
        level += sign * move
    boxes.append((0, last))
    at = canvas.vertical([end for box in boxes for end in box], ys[0], data.shown)
    slot = (canvas.x1 - canvas.x0) / len(ys)
    for place, (y, (start, end)) in enumerate(zip(ys, boxes, strict=False)):
        top, bottom = sorted((at(start), at(end)))
        tone = "s0" if place in (0, len(ys) - 1) else "s2" if end >= start else "s1"
        title = el("title", escape(f"{data.label(y)}: {data.text(row, y)}"))
        x = canvas.x0 + slot * (place + 0.15)
        canvas.add(
            el("rect", title, x=x, y=top, width=slot * 0.7, height=max(bottom - top, 0.5), cls=tone),
            el("text", escape(data.text(row, y)), x=x + slot * 0.35, y=top - 4, cls="legend", text_anchor="middle"),
        )
    canvas.below([data.label(y) for y in ys], lambda n: canvas.x0 + slot * (n + 0.5))
    canvas.add(el("text", escape(data.text(row, data.chart.x)), x=canvas.x0, y=14, cls="legend"))
    return canvas.svg(" · ".join(data.label(y) for y in ys))


def layers(flows: dict[tuple[Any, Any], Number]) -> dict[Any, int]:
    """The column of each node: one after the farthest that leads to it; circles do not count."""
    place: dict[Any, int] = dict.fromkeys((node for pair in flows for node in pair), 0)
    for _ in range(min(len(place), _LAYERS)):
        moved = False
        for source, target in flows:
            if source != target and place[target] <= place[source] < _LAYERS - 1:
                place[target] = place[source] + 1
                moved = True
        if not moved:
            break
    return place


def sankey(data: Data) -> str:
    """Streams from node to node, as wide as they are large: `x` is from where, `color` where to, `y` how much."""
    chart, y = data.chart, data.ys[0]
    flows: dict[tuple[Any, Any], Number] = defaultdict(int)
    for row in data.rows:
        value = row.get(y)
        if isinstance(value, int | float) and value > 0 and row[chart.x] != row.get(chart.color):
            flows[row[chart.x], row.get(chart.color)] += value
    if not flows:
        return ""
    place = layers(flows)
    incoming: dict[Any, Number] = defaultdict(int)
    outgoing: dict[Any, Number] = defaultdict(int)
    for (source, target), value in flows.items():
        outgoing[source] += value
        incoming[target] += value
    size = {node: max(incoming[node], outgoing[node]) for node in place}
    columns: dict[int, list[Any]] = defaultdict(list)
    for node in sorted(place, key=lambda node: -size[node]):
        columns[place[node]].append(node)
    height = max(320, 26 * max(map(len, columns.values())))
    canvas = Canvas(height=height, left=10, right=150, top=24, bottom=10)
    room = canvas.y0 - canvas.y1
    gap = 10
    scale = min((room - gap * (len(nodes) - 1)) / sum(size[node] for node in nodes) for nodes in columns.values())
    step = (canvas.x1 - canvas.x0) / max(1, *columns)
    box: dict[Any, tuple[float, float]] = {}
    for number, nodes in columns.items():
        top = float(canvas.y1)
        for node in nodes:
            box[node] = (canvas.x0 + step * number, top)
            top += size[node] * scale + gap
    colour = {node: nth for nth, node in enumerate(sorted(place, key=lambda node: -size[node]))}
    left_at = {node: box[node][1] for node in box}
    right_at = dict(left_at)
    for (source, target), value in sorted(flows.items(), key=lambda flow: (box[flow[0][0]], box[flow[0][1]])):
        thick = value * scale
        x0, x1 = box[source][0] + 12, box[target][0]
        y0, y1 = right_at[source], left_at[target]
        right_at[source] += thick
        left_at[target] += thick
        half = (x0 + x1) / 2
        d = (
            f"M{x0:.1f} {y0:.1f}C{half:.1f} {y0:.1f} {half:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
            f"V{y1 + thick:.1f}C{half:.1f} {y1 + thick:.1f} {half:.1f} {y0 + thick:.1f} {x0:.1f} {y0 + thick:.1f}Z"
        )
        names = data.shown(source, chart.x), data.shown(target, chart.color)
        title = el("title", escape(f"{names[0]} → {names[1]}: {data.shown(value, y)}"))
        canvas.add(el("path", title, d=d, cls=f"stream {series_class(colour[source])}"))
    for node, (x, top) in box.items():
        tall = max(1.0, size[node] * scale)
        name = data.shown(node, chart.x)
        title = el("title", escape(f"{name}: {data.shown(size[node], y)}"))
        canvas.add(el("rect", title, x=x, y=top, width=12, height=tall, cls=series_class(colour[node])))
        canvas.add(el("text", escape(short(name, 20)), x=x + 16, y=top + min(tall / 2 + 4, tall + 8), cls="legend"))
    period = next((each.name for each in data.columns.values() if each.kind == "dimension" and each.unit == "date"), "")
    if period:
        canvas.add(el("text", escape(data.text(data.rows[0], period)), x=canvas.x0, y=14, cls="legend"))
    return canvas.svg(f"{data.label(chart.x)} → {data.label(chart.color)}")
