"""When a customer comes, and how steadily."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from models.customer.coming import Coming, coming_of, steadiness_of
from models.durations import DAY
from profiles.traces.taking import Tracing
from profiles.types import Profile
from tests.build import LIMITS, T0, customer, event

LIMITED = replace(LIMITS, tracing=Tracing())
MIDNIGHT = -(T0 % DAY) / DAY  # of Tuesday, 14 November 2023


def visitor(*days: float) -> Profile:
    return customer(*(event("visit", MIDNIGHT + day) for day in days), limits=LIMITED)


def test_the_three_hours_that_stand_out_and_the_weekday() -> None:
    """Ten Tuesdays at 23:30 and ten Wednesdays at 01:30, and ten Fridays at noon: 20 of 30 from 23 o'clock on."""
    profile = visitor(
        *(7 * week + 23.5 / 24 for week in range(10)), *(7 * week + 1 + 1.5 / 24 for week in range(10)),
        *(7 * week + 3.5 for week in range(10)),
    )  # fmt: skip
    found = coming_of(profile)

    assert (found.times, found.hour, found.hour_share) == (30, 23, pytest.approx(2 / 3))
    assert (found.weekday, found.weekday_share) == (1, pytest.approx(1 / 3))  # the first of equals, from Monday


def test_nothing_stands_out() -> None:
    spread = coming_of(visitor(*(day + (day * 5 % 24) / 24 for day in range(48))))

    assert (spread.times, spread.hour, spread.weekday) == (48, None, None)
    assert coming_of(visitor(*[0.5] * 19)) == Coming(19, None, None, None, None)
    assert coming_of(Profile("p")) == Coming(0, None, None, None, None)


def test_steadiness_is_the_share_of_months_since_the_first_purchase() -> None:
    """A visit in October, a purchase in November, visits in January and February; it is April: 3 of 6 months."""
    profile = customer(
        event("visit", -20), event("purchase", 1, amount=100), event("visit", 62), event("visit", 90), limits=LIMITED
    )

    assert steadiness_of(profile, T0 + 150 * DAY, UTC) == 3 / 6


def test_of_no_more_than_two_years_and_of_nobody_who_never_bought() -> None:
    old = customer(event("purchase", 0, amount=100), event("visit", 1000), limits=LIMITED)

    assert steadiness_of(old, T0 + 1000 * DAY, UTC) == 1 / 24
    assert steadiness_of(visitor(1), T0 + 9 * DAY, UTC) is None
    assert steadiness_of(customer(event("purchase", 0, amount=1)), T0, UTC) is None  # nothing is kept of it
