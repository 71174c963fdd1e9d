"""The course of a risk: one point a week, of half a year at most, packed.

A point is the first score of its week: seconds since the epoch in four bytes, the risk in two. What another kind of
model says begins a new course: of two scales no change could be told.
"""

from __future__ import annotations

from struct import Struct

from models.durations import WEEK
from profiles.types import Score

__all__ = ["POINTS", "course_of", "kind_of", "noted"]

POINTS = 26
"""At most."""

_POINT = Struct(">IH")
_FULL = 65_535  # stands for a risk of 1
_LATEST = 2**32 - 1


def noted(before: Score | None, at: float, risk: float, model: str) -> bytes:
    """The course up to a new score.

    Args:
        before: the score that it takes the place of.
        at: when it was made, in seconds.
        risk: what it says.
        model: whose it is.
    """
    course = before.course if before is not None and kind_of(before.model) == kind_of(model) else b""
    if not 0 <= at <= _LATEST:
        return course
    if course and at // WEEK <= _POINT.unpack_from(course, len(course) - _POINT.size)[0] // WEEK:
        return course
    return (course + _POINT.pack(int(at), round(risk * _FULL)))[-POINTS * _POINT.size :]


def course_of(score: Score) -> list[tuple[float, float]]:
    """Time and risk of each point, the score itself last."""
    points = [(float(at), round(risk / _FULL, 4)) for at, risk in _POINT.iter_unpack(score.course)]
    if points and points[-1][0] == int(score.at):
        points.pop()
    return [*points, (score.at, score.risk)]


def kind_of(model: str) -> str:
    """Of a model, by its id."""
    return model.partition("-")[0]
