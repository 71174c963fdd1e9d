"""A small line of a course, as SVG that the server draws: no script, no colour of its own, its figures in words."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from console.views.churn import PointView
from models.durations import WEEK

__all__ = ["sparkline", "weekly"]

_WIDTH, _HEIGHT, _PAD = 96, 24, 2


def sparkline(values: Sequence[float | None], words: str = "") -> Markup:
    """The course of a figure, the latest on the right; "" for fewer than two.

    Args:
        values: None where there was none: the line has a gap.
        words: what it shows, for who cannot see it.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup("")
    low, high = min(known), max(known)
    span = (high - low) or 1.0
    step = (_WIDTH - 2 * _PAD) / (len(values) - 1)
    runs: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        y = _HEIGHT - _PAD - (value - low) / span * (_HEIGHT - 2 * _PAD)
        runs[-1].append(f"{_PAD + number * step:.1f},{y:.1f}")
    lines = Markup("").join(Markup('<polyline points="{}"/>').format(" ".join(run)) for run in runs if len(run) > 1)
    return Markup('<svg class="spark" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>').format(
        _WIDTH, _HEIGHT, words, lines
    )


def weekly(points: Sequence[PointView]) -> list[float]:
    """A risk week by week, ascending: in a week without a score it is what it was."""
    found: list[float] = []
    for point, following in zip(points, [*points[1:], None], strict=True):
        until = following.at if following is not None else point.at
        found += [point.risk] * max(1, int(until // WEEK - point.at // WEEK))
    return found
