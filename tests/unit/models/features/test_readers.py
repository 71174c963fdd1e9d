"""What is read from parts that few have: prices of subscriptions, features used, tickets that came back."""

from __future__ import annotations

import itertools
import random

import pytest

from models.features.readers import (
    begun,
    discounts,
    lasting,
    price_change,
    subscription,
    subscription_state,
    tickets,
    used,
)
from profiles.types import Event, Profile, Subscription
from tests.build import DAY, KINDS_COUNT, T0, customer, event


def told(*events: tuple[str, float, int]) -> list[Event]:
    """Of one subscription: (what, day, price)."""
    return [event(f"subscription_{what}", day, subject="s", amount=price) for what, day, price in events]


def test_a_renewal_that_is_dearer_than_the_one_before() -> None:
    """Since the first at that price, whatever came first; what is kept no longer says nothing."""
    history = told(("start", 0, 900), ("renew", 30, 900), ("renew", 60, 1080), ("renew", 90, 1080))
    for shuffled in itertools.permutations(history):
        found = subscription(customer(*shuffled), "EUR")
        assert found is not None
        assert (found.dearer, found.dearer_since) == (pytest.approx(0.2), T0 + 60 * DAY)
    later = told(*(("renew", day, 1080) for day in (120, 150, 180)))
    found = subscription(customer(*history, *later), "EUR")
    assert found is not None
    assert (found.dearer, found.dearer_since) == (0, 0)
    assert price_change(Subscription("s")) == price_change(Subscription("s", prices=[(1, 900)])) == (0, 0)
    assert price_change(Subscription("s", prices=[(1, 1000), (2, 750)])) == (-0.25, 2)
    assert price_change(Subscription("s", prices=[(1, 0), (2, 750), (3, 0), (4, 1125), (5, 0)])) == (0.5, 4)


def test_what_is_renewed_lasts_and_what_is_paused_rests() -> None:
    """Also of whom nobody told that it began; the end ends it."""
    renewed = customer(*told(("renew", 30, 900)))
    assert (subscription_state(renewed), begun(renewed.subscriptions[0])) == ("active", T0 + 30 * DAY)
    resting = told(("start", 0, 900), ("pause", 20, 0))
    for rest, paused in ((resting, 1), ([*resting, *told(("renew", 40, 900))], 0), (resting[1:], 1)):
        found = subscription(customer(*rest), "EUR")
        assert found is not None
        assert (found.subscribed, found.paused) == (1, paused)
    ended = customer(*resting, *told(("cancel", 50, 0)))
    found = subscription(ended, "EUR")
    assert found is not None
    assert (found.cancelled, found.paused, subscription_state(ended)) == (1, 0, "ended")
    back = customer(*told(("start", 0, 900), ("cancel", 10, 0), ("renew", 40, 900)))
    assert [begun(each) for each in lasting(back)] == [T0 + 40 * DAY]


def test_fewer_features_used_than_before() -> None:
    """Of who goes on as before nothing has fallen, and silence alone makes nothing fall."""
    steady = customer(*(event("feature_use", day, subject=f"f{day % 4}") for day in range(100)))
    fewer = customer(*(event("feature_use", day, subject=f"f{day % 4 if day < 40 else 0}") for day in range(100)))
    before, after = used(steady, "EUR"), used(fewer, "EUR")

    assert before is not None
    assert after is not None
    assert (before.lately, before.fall) == (pytest.approx(4, abs=0.2), pytest.approx(0, abs=0.05))
    assert after.lately < 2
    assert after.fall > 0.3
    assert after.last == T0 + 99 * DAY
    assert used(Profile("p"), "EUR") is None


def test_tickets_that_came_back() -> None:
    history = [
        event("ticket_opened", 1, subject="a"), event("ticket_solved", 2, subject="a"),
        event("ticket_opened", 3, subject="b"), event("ticket_solved", 4, subject="b"),
        event("ticket_reopened", 5, subject="b"), event("ticket_solved", 6, subject="b"),
    ]  # fmt: skip
    found = tickets(customer(*random.Random(2).sample(history, len(history))), "EUR")

    assert found is not None
    assert found.reopened == 0.5


def test_discounts_are_a_share_of_the_orders() -> None:
    history = [event("purchase", day, amount=100, properties={"of": ["discount"] * (day == 3)}) for day in range(4)]

    assert discounts(customer(*history, limits=KINDS_COUNT), "EUR") == (0.25, T0 + 3 * DAY)
    assert discounts(customer(*history), "EUR") is None
