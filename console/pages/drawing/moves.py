"""Who entered and left a segment day by day, as SVG that the server draws: bars up and down from a line."""

from __future__ import annotations

from markupsafe import Markup

from console.views.segments import MovesView

__all__ = ["moves_plot"]

_BAR, _GAP, _HALF = 3, 1, 14


def moves_plot(moves: MovesView, words: str) -> Markup:
    """Entries above the line, exits below it, on one scale, today on the right; "" where nobody moved.

    Args:
        moves: by day.
        words: what it shows, for who cannot see it.
    """
    most = max(*moves.entered, *moves.left, 0)
    if not most:
        return Markup("")
    bars = Markup("")
    for number, (entered, left) in enumerate(zip(moves.entered, moves.left, strict=True)):
        up, down = (round(count / most * (_HALF - 1), 1) for count in (entered, left))
        x = number * (_BAR + _GAP)
        if entered:
            bars += Markup('<rect class="in" x="{}" y="{:.1f}" width="{}" height="{}"/>').format(
                x, _HALF - up, _BAR, up
            )
        if left:
            bars += Markup('<rect class="out" x="{}" y="{}" width="{}" height="{}"/>').format(x, _HALF, _BAR, down)
    width = len(moves.entered) * (_BAR + _GAP)
    return Markup('<svg class="moves" viewBox="0 0 {} {}" role="img"><title>{}</title>{}</svg>').format(
        width, 2 * _HALF, words, bars
    )
