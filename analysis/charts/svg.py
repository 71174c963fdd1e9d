"""What charts are made of: elements of SVG with their texts escaped, scales, ticks, axes.

Colours are classes (`s0`…`s7` of series, `h0`…`h8` of a heat), which the page's sheet gives; so one drawing is right in
light and dark, and there is no style that a strict policy would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import floor, isfinite, log10
from typing import Any

__all__ = ["HEAT", "SERIES", "Canvas", "Number", "Shown", "el", "heat_class", "nice_ticks", "series_class", "short"]

Number = int | float

Shown = Callable[[Any, str], str]
"""Writes the value of a column (its name) for people."""

SERIES = 8
HEAT = 9

_LONGEST = 22  # letters of a label
_LETTER = 7  # units that one is wide
_ALL = 8  # labels that all stand below an axis, cut to their room


def el(name: str, text: str = "", /, **attributes: Any) -> str:
    """An element; `text` is already SVG, attributes are escaped. `cls` is `class`, `_` in names is `-`."""
    given = "".join(
        f' {"class" if key == "cls" else key.replace("_", "-")}="{escape(_said(value))}"'
        for key, value in attributes.items()
        if value not in (None, "")
    )
    return f"<{name}{given}>{text}</{name}>" if text else f"<{name}{given}/>"


def short(text: str, most: int = _LONGEST) -> str:
    """A label that has room."""
    return text if len(text) <= most else text[: most - 1] + "…"


def series_class(place: int) -> str:
    """The colour of the nth series."""
    return f"s{place % SERIES}"


def heat_class(value: Number, low: Number, high: Number) -> str:
    """The colour of a value between the lowest and the highest."""
    part = (value - low) / (high - low) if high > low else 1.0
    return f"h{min(HEAT - 1, max(0, round(part * (HEAT - 1))))}"


def nice_ticks(low: Number, high: Number, about: int = 5) -> list[float]:
    """Round values from below the lowest to above the highest."""
    if not (isfinite(low) and isfinite(high)) or high <= low:
        high = low + 1
    raw = (high - low) / about
    size = 10 ** floor(log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    first = floor(low / step)
    ticks = [first * step]
    while ticks[-1] < high - step * 1e-9:
        ticks.append(ticks[-1] + step)
    return [round(tick, 10) for tick in ticks]


def _said(value: Any) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


class Canvas:
    """An area with room for axes at its left and below.

    Args:
        width, height: in units of the drawing.
        left, bottom, top, right: room around what is drawn.
    """

    def __init__(
        self, width: int = 760, height: int = 320, *, left: int = 70, bottom: int = 34, top: int = 14, right: int = 14
    ) -> None:
        self.width, self.height = width, height
        self.x0, self.x1 = left, width - right
        self.y0, self.y1 = height - bottom, top
        self.parts: list[str] = []

    def add(self, *parts: str) -> None:
        """Draw further parts."""
        self.parts.extend(parts)

    def vertical(self, values: Sequence[Number], column: str, shown: Shown) -> Callable[[Number], float]:
        """The scale of the left axis over these values and 0, drawn with its grid."""
        ticks = nice_ticks(min(0, *values) if values else 0, max(0, *values) if values else 1)
        low, high = ticks[0], ticks[-1]

        def at(value: Number) -> float:
            return self.y0 - (value - low) / (high - low) * (self.y0 - self.y1)

        for tick in ticks:
            y = at(tick)
            self.add(el("line", x1=self.x0, x2=self.x1, y1=y, y2=y, cls="zero" if tick == 0 else "grid"))
            self.add(el("text", escape(shown(tick, column)), x=self.x0 - 6, y=y + 4, cls="tick", text_anchor="end"))
        return at

    def below(self, labels: Sequence[str], at: Callable[[int], float]) -> None:
        """Labels under the axis, as many as have room."""
        room = (self.x1 - self.x0) / max(1, len(labels))
        widest = max((len(label) for label in labels), default=1) * _LETTER + 10
        every = max(1, -(-widest // max(1, int(room)))) if len(labels) > _ALL else 1
        for place in range(0, len(labels), every):
            label = short(labels[place], min(_LONGEST, max(6, int(room * every / _LETTER))))
            x, half = at(place), len(label) * _LETTER / 2
            over = x + half > self.width
            self.add(
                el("text", escape(label), x=self.width - 1 if over else x, y=self.y0 + 18, cls="tick",
                   text_anchor="end" if over else "middle")
            )  # fmt: skip

    def legend(self, names: Sequence[str]) -> None:
        """What the colours mean, in a line or more above."""
        x, y = self.x0, 12
        for place, name in enumerate(names):
            text = short(name)
            if x + len(text) * 8 + 26 > self.x1 and x > self.x0:
                x, y = self.x0, y + 18
            self.add(el("rect", x=x, y=y - 9, width=10, height=10, cls=series_class(place)))
            self.add(el("text", escape(text), x=x + 15, y=y, cls="legend"))
            x += sum(14 if ord(letter) > 0x2E80 else 8 for letter in text) + 30

    def svg(self, title: str) -> str:
        """The whole drawing; its figures are in the table beside it."""
        hatch = el(
            "pattern", el("path", d="M0 6L6 0", cls="hatching"), id="hatch", width=6, height=6,
            patternUnits="userSpaceOnUse",
        )  # fmt: skip
        inner = el("title", escape(title)) + el("defs", hatch) + "".join(self.parts)
        return el("svg", inner, cls="plot", viewBox=f"0 0 {self.width} {self.height}", role="img")
