"""Answers one by one: a year's mean, its trend, opinions by product."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.customer.answers import Recent, opinions_of, recent_answers
from models.durations import DAY
from profiles.traces.taking import Left, Tracing
from profiles.types import Event, Profile
from tests.build import LIMITS, T0, customer, event


def answered(event: Event) -> Left:
    return [(event.role, event.subject, event.category)]


LIMITED = replace(LIMITS, tracing=Tracing(left=dict.fromkeys(("csat", "nps", "ces", "review"), answered)))


def who(*answers: Event) -> Profile:
    return customer(*answers, limits=LIMITED)


def test_the_mean_and_the_trend_of_a_year() -> None:
    """CSAT 1 a year and a half ago; then CSAT 5 (100), NPS 8 (80), CES 4 (50), CSAT 2 (25): the newest two have a mean
    of 37.5, those before of 90."""
    profile = who(
        event("csat", 0, rating=1.0), event("csat", 200, rating=5.0), event("nps", 300, rating=8.0),
        event("ces", 400, rating=4.0), event("csat", 500, rating=2.0),
    )  # fmt: skip
    found = recent_answers(profile, T0 + 550 * DAY)

    assert (found.count, found.mean, found.trend) == (4, pytest.approx(63.75), pytest.approx(-52.5))


def test_three_answers_are_no_trend_and_none_no_mean() -> None:
    three = who(*(event("csat", day, rating=4.0) for day in (1, 2, 3)))

    assert recent_answers(three, T0 + 9 * DAY) == Recent(75.0, 3, None)
    assert recent_answers(three, T0 + 900 * DAY) == Recent(None, 0, None)
    assert recent_answers(Profile("p"), T0) == Recent(None, 0, None)


def test_opinions_are_of_products_and_their_categories() -> None:
    profile = who(
        event("review", 1, rating=5.0, subject="mill", category="Machines"),
        event("review", 2, rating=2.0, subject="mill", category="Machines"),
        event("review", 3, rating=4.0, subject="beans", category="Coffee"),
        event("csat", 4, rating=1.0, subject="beans"),
    )
    found = opinions_of(profile)

    assert [(each.what, each.category, each.mean, each.count, each.last) for each in found] == [
        ("beans", False, 4, 1, 4), ("Coffee", True, 4, 1, 4), ("mill", False, 3.5, 2, 2), ("Machines", True, 3.5, 2, 2),
    ]  # fmt: skip
