"""What a profile keeps of orders and times, and up to how many."""

from __future__ import annotations

import random

from profiles.ledger.counting import latest_orders, most_frequent
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import Event, Profile, Purchases

DAY = 86400.0
LIMITS = Limits()


def order(day: float, amount: int = 1000, currency: str = "EUR", category: str = "") -> Event:
    """An order on a day."""
    return happened("purchase", day, amount=amount, currency=currency, category=category)


def happened(role: str, day: float, **facts: object) -> Event:
    """An event of a role on a day."""
    id_ = f"{role} {day} {sorted(facts.items())}"
    return Event("p", id_, "web", "track", role, role, day * DAY, day * DAY, **facts)  # type: ignore[arg-type]


def profile_of(*events: Event, limits: Limits = LIMITS) -> Profile:
    """The profile of these events."""
    profile = Profile("p")
    for event in events:
        apply(profile, event, "EUR", limits)
    return profile


def test_the_amounts_of_the_latest_orders_stand_beside_their_times() -> None:
    """Ordered by time and then by amount; an order in another currency counts 0."""
    bought = profile_of(order(3, 700), order(1, 100), order(3, 200), order(2, 500, "USD")).purchases

    assert bought.recent == [DAY, 2 * DAY, 3 * DAY, 3 * DAY]
    assert bought.amounts == [100, 0, 200, 700]


def test_only_the_latest_orders_are_kept_whichever_came_first() -> None:
    """Up to the bound, in time order and out of it."""
    orders = [order(day, day) for day in range(50)]
    shuffled = random.Random(1).sample(orders, 50)

    for history in (orders, shuffled):
        bought = profile_of(*history, limits=Limits(recent=4)).purchases
        assert (bought.recent, bought.amounts) == ([day * DAY for day in range(46, 50)], [46, 47, 48, 49])


def test_orders_that_were_kept_without_amounts_count_0() -> None:
    """A profile that an earlier version stored goes on."""
    old = Profile("p", purchases=Purchases(orders=2, first=DAY, last=2 * DAY, recent=[DAY, 2 * DAY]))
    apply(old, order(3, 900), "EUR", Limits())

    assert old.purchases.amounts == [0, 0, 900]
    assert latest_orders([DAY], [], [0.0], [], 5) == ([0.0, DAY], [0, 0])


def test_orders_count_by_category() -> None:
    """The most frequent are kept; what has no category is not counted."""
    history = [order(day, category=category) for day, category in enumerate(["Food", "", "Books", "Food"])]

    assert profile_of(*history).purchases.mix == {"Food": 2, "Books": 1}
    more = [*history, order(9, category="Garden")]
    assert profile_of(*more, limits=Limits(categories=2)).purchases.mix == {"Food": 2, "Books": 1}
    assert most_frequent({"b": 1, "a": 1, "c": 2}, 2) == {"c": 2, "a": 1}


def test_times_are_kept_only_of_roles_that_are_counted_within_a_window() -> None:
    """As many as asked for, also after a merge."""
    limits = Limits(windows={"visit": 3})
    ours = profile_of(*(happened("visit", day) for day in (5, 1, 3, 4)), happened("login", 1), limits=limits)
    theirs = profile_of(happened("visit", 2), happened("visit", 9), happened("cart", 9), limits=limits)

    assert ours.roles["visit"].recent == [3 * DAY, 4 * DAY, 5 * DAY]
    merge(ours, theirs, limits)
    assert ours.roles["visit"].recent == [4 * DAY, 5 * DAY, 9 * DAY]
    assert ours.roles["login"].recent == ours.roles["cart"].recent == []
