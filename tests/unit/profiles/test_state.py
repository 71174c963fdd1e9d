"""What a profile keeps of orders and times, and up to how many."""

from __future__ import annotations

import random

import msgspec

from profiles.ledger.counting import latest_orders, most_frequent
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import Event, Profile, Purchases, Subscription

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


def test_a_subscription_keeps_its_latest_prices_whatever_came_first() -> None:
    """Of starts and renewals, in the plan's currency, as many as asked for; the latest renewal and pause besides."""
    told = [
        msgspec.structs.replace(happened(role, day, subject="s"), amount=amount, currency=currency)
        for role, day, amount, currency in (
            ("subscription_start", 0, 900, "EUR"), ("subscription_renew", 30, 950, "EUR"),
            ("subscription_renew", 60, 0, "EUR"), ("subscription_renew", 90, 990, "USD"),
            ("subscription_renew", 120, 1200, "EUR"), ("subscription_pause", 130, 0, ""),
        )
    ]  # fmt: skip
    for history in (told, told[::-1]):
        [held] = profile_of(*history, limits=Limits(prices=2)).subscriptions
        assert (held.started, held.renewed, held.paused, held.ended) == (0, 120 * DAY, 130 * DAY, 0)
        assert [(second, price) for second, price in held.prices] == [(60 * DAY, 0), (120 * DAY, 1200)]


def test_the_features_of_the_product_that_were_used_latest_are_kept() -> None:
    """Of each the latest use, up to the bound, in any order and over any profiles that merge."""
    uses = [happened("feature_use", day, subject=f"f{day % 4}") for day in range(9)]
    limits = Limits(used=3)
    for history in (uses, uses[::-1], uses[4:] + uses[:4]):
        whole, part = profile_of(*history, limits=limits), profile_of(*history[:5], limits=limits)
        merge(part, profile_of(*history[5:], limits=limits), limits)
        assert whole.used == part.used == {"f0": 8 * DAY, "f3": 7 * DAY, "f2": 6 * DAY}
    assert profile_of(happened("feature_use", 1)).used == {}


def test_no_feature_that_a_definition_of_churn_asks_for_is_pushed_out_by_others() -> None:
    """Nor does one that is asked for take the place of another, in any order and over any profiles that merge."""
    uses = [happened("feature_use", day, subject=name) for day, name in enumerate(["asked", *"abcde", "asked too"])]
    asked = frozenset({"asked", "asked too", "never used"})
    limits = Limits(used=3, signs={"feature_use": (("disuse", asked), ("another", frozenset()))})
    kept = {"asked": 0, "c": 3 * DAY, "d": 4 * DAY, "e": 5 * DAY, "asked too": 6 * DAY}
    for history in (uses, uses[::-1], uses[3:] + uses[:3]):
        whole, part = profile_of(*history, limits=limits), profile_of(*history[:4], limits=limits)
        merge(part, profile_of(*history[4:], limits=limits), limits)
        assert whole.used == part.used == kept


def test_a_profile_of_before_is_read() -> None:
    """Its subscriptions had three fields, and nobody had noted which features were used."""
    old = Profile("p", subscriptions=[Subscription("s", 1.0, 0)])
    document = msgspec.to_builtins(old, builtin_types=(bytes,))
    place = Profile.__struct_fields__.index("subscriptions")
    document = [*document[:place], [each[:3] for each in document[place]], {}]

    assert msgspec.convert(document, Profile, builtin_types=(bytes,)) == old
