"""The curve of what is to be expected: within its frame, with its words."""

from __future__ import annotations

from console.pages.drawing.curve import survival_curve
from console.views.churn import AheadView


def test_the_curve_begins_on_the_left_and_never_leaves_its_frame() -> None:
    ahead = [AheadView(weeks=weeks, here=1 - weeks / 52, ordered=weeks / 52) for weeks in (0, 4, 13, 52)]
    drawn = survival_curve(ahead, 'Still here: <"40 %">')
    assert "<title>Still here: &lt;&#34;40 %&#34;&gt;</title>" in drawn
    assert '<polyline class="here" points="3.0,3.0 ' in drawn
    assert drawn.count("237.0,") == 2
    assert "-" not in drawn.partition("points")[2]


def test_one_point_is_no_curve() -> None:
    assert survival_curve([AheadView(weeks=0, here=1, ordered=0)], "") == ""
