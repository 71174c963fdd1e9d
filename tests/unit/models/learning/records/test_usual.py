"""Customers who grow older are not customers who have changed."""

from __future__ import annotations

import random

import pytest

from models.codec import decode, encode
from models.durations import WEEK
from models.labels.examples import OrderSummary
from models.learning.records.usual import Usual

T0 = 1_700_000_000.0


def young_shop(usual: Usual, weeks: int, *, changed: int = 10**6, to: float = 1.0, seed: int = 1) -> Usual:
    """All came in the first weeks, and order the more rarely the longer they are there; from a week on by a factor."""
    roll = random.Random(seed)
    begins = [roll.uniform(0, 4) * WEEK for _ in range(500)]
    for week in range(1, weeks):
        for number, begin in enumerate(begins):
            at = T0 + week * WEEK + number
            age = week * WEEK - begin
            if age > 0:
                chance = min(0.9, 0.6 / (1 + age / WEEK / 4) * (to if week >= changed else 1.0))
                summary = OrderSummary(f"{number}", at, 3.0, at - age, at, roll.random() < chance)
                usual.add(summary)
    return usual


@pytest.mark.parametrize("seed", range(3))
def test_a_young_tenant_is_as_usual(seed: int) -> None:
    """Though 60 % are active at first, and a tenth in the end: what customers of an age were, they still are."""
    roll, usual = random.Random(seed), Usual.new()
    for number in range(6000):  # some join every week
        at = T0 + number / 100 * WEEK
        age = roll.uniform(0, number / 100 + 0.1)
        usual.add(OrderSummary(f"{number}", at, 2.0, at - age * WEEK, at, roll.random() < 0.6 / (1 + age / 4)))

    assert usual.direction == 0


@pytest.mark.parametrize(("to", "direction"), [(0.4, -1), (2.5, 1)])
def test_a_change_shows(to: float, direction: int) -> None:
    """Within weeks, in its direction."""
    assert young_shop(Usual.new(), 40, changed=34, to=to).direction == direction


def test_restarts_make_no_difference() -> None:
    """To the byte."""
    straight = young_shop(young_shop(Usual.new(), 10), 10, seed=2)
    resumed = young_shop(decode(encode(young_shop(Usual.new(), 10)), Usual, "it"), 10, seed=2)

    assert encode(resumed) == encode(straight)


def test_nobody_was_seen() -> None:
    """So nothing is unusual."""
    assert Usual.new().direction == 0
