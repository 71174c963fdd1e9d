"""Entries stand above the line and exits below it, on one scale; words say the same."""

from __future__ import annotations

import re

from console.pages.drawing.moves import moves_plot
from console.views.segments import MovesView


def test_both_are_on_one_scale() -> None:
    drawn = moves_plot(MovesView(until="2026-01-02", entered=[4, 0], left=[2, 0]), 'in & "out"')
    bars = {
        kind: float(height) for kind, height in re.findall(r'<rect class="(in|out)"[^>]* height="([0-9.]+)"', drawn)
    }

    assert bars == {"in": 13.0, "out": 6.5}
    assert "<title>in &amp; &#34;out&#34;</title>" in drawn


def test_where_nobody_moved_nothing_is_drawn() -> None:
    assert moves_plot(MovesView(until="2026-01-02", entered=[0], left=[0]), "") == ""
