"""A small line of a course, as SVG that the server draws: no script, no colour of its own, its figures in words."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

__all__ = ["sparkline"]

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
