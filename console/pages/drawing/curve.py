"""The curve of what is to be expected of a customer, as SVG that the server draws: its figures are in words too."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

from markupsafe import Markup

from console.views.churn import AheadView

__all__ = ["survival_curve"]

_WIDTH, _HEIGHT, _PAD = 240, 72, 3


def survival_curve(ahead: Sequence[AheadView], words: str) -> Markup:
    """Chances that a customer is still there, and that they have ordered, over the weeks ahead; "" for fewer than two.

    The weeks to come are drawn by their square root: those that somebody can still do something in have more room.

    Args:
        ahead: by weeks, ascending.
        words: what the curve shows, for who cannot see it.
    """
    if len(ahead) < 2:
        return Markup("")
    far = sqrt(ahead[-1].weeks) or 1.0

    def line(kind: str, shares: Sequence[float]) -> Markup:
        points = " ".join(
            f"{_PAD + sqrt(point.weeks) / far * (_WIDTH - 2 * _PAD):.1f},"
            f"{_HEIGHT - _PAD - share * (_HEIGHT - 2 * _PAD):.1f}"
            for point, share in zip(ahead, shares, strict=True)
        )
        return Markup('<polyline class="{}" points="{}"/>').format(kind, points)

    return Markup('<svg class="curve" viewBox="0 0 {} {}" role="img"><title>{}</title>{}{}</svg>').format(
        _WIDTH, _HEIGHT, words,
        line("here", [point.here for point in ahead]), line("ordered", [point.ordered for point in ahead]),
    )  # fmt: skip
