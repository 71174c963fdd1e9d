"""Loyalty: what is not known counts nothing, and three parts are the least."""

from __future__ import annotations

import pytest

from models.customer.config import LOYALTY
from models.customer.dealings import dealings_of
from models.customer.loyalty import Loyalty, loyalty_of
from models.customer.satisfaction import satisfaction_of
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from profiles.types import Profile
from tests.build import T0, customer, event

NOW = T0 + 100 * DAY
POPULATION = PopulationSnapshot(version=1, edges={"orders": [1.0] * 40 + [2.0] * 20 + [3.0] * 39})


def loyalty(profile: Profile, population: PopulationSnapshot = POPULATION, **known: float) -> Loyalty:
    satisfaction = satisfaction_of(profile, dealings_of(profile), NOW)
    return loyalty_of(profile, satisfaction, population, NOW, "EUR", LOYALTY, **known)


def regular() -> Profile:
    """CSAT 4; two orders; three tickets, of which one was opened again and one is open."""
    return customer(
        event("csat", 1, rating=4.0),
        event("purchase", 2, amount=100), event("purchase", 3, amount=100),
        event("ticket_opened", 4, subject="a"), event("ticket_solved", 5, subject="a"),
        event("ticket_opened", 4, subject="b", id="b"), event("ticket_solved", 6, subject="b"),
        event("ticket_reopened", 7, subject="b"),
        event("ticket_opened", 8, subject="c"),
    )  # fmt: skip


def test_an_index_of_four_parts() -> None:
    """Satisfaction 75; orders 2 stand at (40 + 10.5) / 100; service (1 + 2 · ½) / (3 + 2) = 40; staying 80. Nothing is
    known of steadiness, whose 10 of 100 the others share."""
    found = loyalty(regular(), staying=0.8)

    assert [(part.name, part.points, part.weight) for part in found.parts] == [
        ("satisfaction", 75, 35), ("frequency", 50.5, 15), ("service", 40, 15), ("steadiness", None, 10),
        ("staying", 80, 25),
    ]  # fmt: skip
    assert found.index == pytest.approx((35 * 75 + 15 * 50.5 + 15 * 40 + 25 * 80) / 90)


def test_two_parts_are_no_index() -> None:
    found = loyalty(customer(event("csat", 1, rating=4.0)), staying=0.8)

    assert found.index is None
    assert sum(part.points is not None for part in found.parts) == 2


def test_who_may_not_be_profiled_has_no_chance_of_staying_in_it() -> None:
    found = loyalty(regular())

    assert {part.name for part in found.parts if part.points is None} == {"steadiness", "staying"}
    assert found.index == pytest.approx((35 * 75 + 15 * 50.5 + 15 * 40) / 65)


def test_without_a_census_nobody_is_ranked() -> None:
    assert loyalty(regular(), PopulationSnapshot.empty(), staying=0.5).parts[1].points is None


def test_a_part_of_no_weight_is_left_out() -> None:
    profile = regular()
    satisfaction = satisfaction_of(profile, dealings_of(profile), NOW)
    found = loyalty_of(
        profile, satisfaction, POPULATION, NOW, "EUR", LOYALTY | {"staying": 0}, staying=0.1, steadiness=0.5
    )

    assert [part.name for part in found.parts] == ["satisfaction", "frequency", "service", "steadiness"]
    assert found.index == pytest.approx((35 * 75 + 15 * 50.5 + 15 * 40 + 10 * 50) / 75)
