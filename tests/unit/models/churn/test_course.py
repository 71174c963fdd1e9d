"""The course of a risk: a point a week, half a year at most, of one kind of model."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.churn.course import POINTS, course_of, noted
from models.durations import DAY, WEEK
from profiles.types import Score

T0 = 1_767_225_600.0


def scored(days: list[float], risks: list[float], model: str = "hazard-7", before: Score | None = None) -> Score:
    score = before
    for day, risk in zip(days, risks, strict=True):
        at = T0 + day * DAY
        score = Score(risk, "high", at, model, course=noted(score, at, risk, model))
    assert score is not None
    return score


@given(st.lists(st.floats(0, 400), min_size=1, max_size=80).map(sorted), st.data())
def test_there_is_one_point_a_week_and_the_score_itself_last(days: list[float], data: st.DataObject) -> None:
    risks = data.draw(st.lists(st.floats(0, 1), min_size=len(days), max_size=len(days)))
    score = scored(days, risks)
    points = course_of(score)
    weeks = [at // WEEK for at, _ in points[:-1]]
    assert points[-1] == (score.at, score.risk)
    assert weeks == sorted(set(weeks))
    assert len(points) <= POINTS + 1
    assert len(score.course) <= 6 * POINTS
    assert all(0 <= risk <= 1 for _, risk in points)


def test_a_week_is_told_by_its_first_score() -> None:
    points = course_of(scored([0, 1, 7, 8.5, 21], [0.1, 0.2, 0.3, 0.4, 0.5]))
    assert [round(risk, 2) for _, risk in points] == [0.1, 0.3, 0.5]


def test_another_kind_of_model_begins_a_new_course() -> None:
    rules = scored([0, 7, 14], [0.1, 0.2, 0.3], "rules")
    assert course_of(scored([21], [0.9], "hazard-1", rules)) == [(T0 + 21 * DAY, 0.9)]
    assert len(course_of(scored([21], [0.9], "rules", rules))) == 4
