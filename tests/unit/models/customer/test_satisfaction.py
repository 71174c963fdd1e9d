"""How satisfied somebody is, on one scale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from models.customer.dealings import dealings_of
from models.customer.satisfaction import Satisfaction, Share, satisfaction_of, scaled
from models.durations import DAY
from profiles.traces.taking import Tracing
from profiles.types import Profile
from tests.build import LIMITS, T0, customer, event


def found(profile: Profile, day: float = 100) -> Satisfaction:
    return satisfaction_of(profile, dealings_of(profile), T0 + day * DAY)


@pytest.mark.parametrize(
    ("kind", "rating", "points"),
    [
        ("csat", 1, 0),
        ("csat", 4, 75),
        ("nps", 7, 70),
        ("ces", 4, 50),
        ("ces", 7, 100),
        ("csat", 9, 100),
        ("nps", -1, 0),
    ],
)
def test_answers_are_from_0_to_100(kind: str, rating: float, points: float) -> None:
    assert scaled(kind, rating) == points


def test_the_mean_is_of_answers_and_the_last_is_the_latest_of_any() -> None:
    """CSAT 5 and 4 (100 and 75), NPS 7 (70): the mean is 245 / 3."""
    profile = customer(
        event("csat", 1, rating=5.0), event("csat", 9, rating=4.0), event("nps", 20, rating=7.0),
        event("review", 30, rating=1.0),  # of a product
    )  # fmt: skip
    said = found(profile)

    assert (said.state, said.last, said.at) == ("answered", 70, T0 + 20 * DAY)
    assert said.mean == pytest.approx(245 / 3)
    assert [(each.kind, each.count, each.last, each.mean) for each in said.answers] == [
        ("csat", 2, 75, 87.5), ("nps", 1, 70, 70),
    ]  # fmt: skip


def test_who_did_not_answer_is_not_in_the_middle() -> None:
    silent, never = found(customer(event("survey_asked", 1))), found(customer(event("visit", 1)))

    assert (silent.state, silent.mean, silent.last) == ("not_answered", None, None)
    assert (never.state, never.mean, never.again) == ("not_asked", None, None)


def test_what_came_back_is_of_orders_that_are_old_enough() -> None:
    profile = customer(
        *(event("purchase", day, amount=1_000, subject=str(day)) for day in (1, 20, 69, 95)),
        event("refund", 30, amount=200, subject="1"), event("refund", 96, amount=200, subject="95"),
    )  # fmt: skip
    said = found(profile)

    assert (said.returned.part, said.returned.whole, said.returned.value) == (1, 3, 1 / 3)
    assert said.again is True
    assert found(customer(event("purchase", 99, amount=1))).returned.value is None


COMPLAINING = replace(LIMITS, tracing=Tracing(left={"complaint": lambda event: [("complaint", event.subject, "")]}))


def complained(*days: float, at: float = 400) -> Share | None:
    """Of somebody with orders on days 1, 300 and 390."""
    orders = (event("purchase", day, amount=1_000, subject=str(day)) for day in (1, 300, 390))
    profile = customer(*orders, *(event("complaint", day) for day in days), limits=COMPLAINING)
    return found(profile, at).complained


def test_complaints_are_against_the_orders_of_a_year() -> None:
    assert complained() == Share(0, 2)
    assert complained(5) == Share(0, 2)
    assert complained(40, 390, 395) == Share(3, 2)
    assert complained(5, 40, 390) == Share(2, 2)
    assert complained(40, at=800) == Share(0, 0)


def test_complaints_that_are_not_all_kept_are_not_counted() -> None:
    """Of the nine the latest eight are, and all of those are of this year: how many of it are not is not known."""
    assert complained(5, *range(100, 109)) is None
    assert complained(*range(100, 109)) == Share(9, 2)  # all ever are of this year
    assert complained(5, *range(100, 107)) == Share(7, 2)
