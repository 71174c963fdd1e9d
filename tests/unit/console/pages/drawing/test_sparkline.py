"""Small lines: each week its own place, gaps where nothing is known."""

from __future__ import annotations

from console.pages.drawing.sparkline import sparkline, weekly
from console.views.churn import PointView
from models.durations import WEEK


def test_a_week_without_a_score_is_as_the_one_before() -> None:
    points = [PointView(at=week * WEEK + 9, risk=risk) for week, risk in ((100, 0.1), (101, 0.2), (104, 0.9))]
    assert weekly(points) == [0.1, 0.2, 0.2, 0.2, 0.9]


def test_one_value_is_no_course_and_words_are_text() -> None:
    assert sparkline([0.5]) == ""
    assert "&lt;b&gt;" in sparkline([0.5, 0.6], "<b>")
    assert sparkline([1, 2, None, 3, 4]).count("<polyline") == 2
