"""What a customer wants and did not get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

from models.customer.wishes import Wishes, wishes_of
from models.durations import DAY
from profiles.traces.taking import LOOKED, Tracing
from profiles.types import Profile
from tests.build import LIMITS, T0, customer, event

LIMITED = replace(
    LIMITS,
    tracing=Tracing(
        left={
            "search": lambda event: [("search", event.subject, "")],
            "stock_alert": lambda event: [("missing", event.subject, "")],
            "purchase": lambda event: [("bought", event.category, "")],
            "view": lambda event: [(LOOKED, event.subject, "")],
        }
    ),
)


def test_searches_of_ninety_days_and_what_they_still_wait_for() -> None:
    profile = customer(
        event("search", 0, subject="decaf"), event("search", 20, subject="oat milk"),
        event("search", 50, subject="decaf", id="again"), event("search", 5, subject="tea"),
        event("stock_alert", 10, subject="mill"), event("purchase", 30, amount=100, category="mill"),
        event("stock_alert", 40, subject="cup"), event("purchase", 20, amount=100, category="cup"),
        limits=LIMITED,
    )  # fmt: skip
    found = wishes_of(profile, T0 + 100 * DAY, UTC)

    assert [(wish.what, wish.days) for wish in found.searched] == [("decaf", 50), ("oat milk", 80)]
    assert [(wish.what, wish.days) for wish in found.waits] == [("cup", 60)]
    assert wishes_of(Profile("p"), T0, UTC) == Wishes([], [], [])


def test_what_was_looked_at_again_and_not_bought() -> None:
    """On two days; not once, not of late, not if they bought from the first look until 30 days after the last."""
    looks = {"mill": (1, 1.01, 30), "cup": (2, 2.01), "pot": (40, 80), "tea": (1, 30), "jug": (1, 30), "old": (1, 40)}
    bought = {"tea": 60, "jug": 61, "old": 10}
    profile = customer(
        *(event("view", day, subject=product, id=f"{product}{day}") for product, days in looks.items() for day in days),
        *(event("purchase", day, amount=100, subject=product, category=product) for product, day in bought.items()),
        limits=LIMITED,
    )
    found = wishes_of(profile, T0 + 100 * DAY, UTC)

    assert [(wish.what, wish.days) for wish in found.viewed] == [("jug", 70), ("mill", 70)]


def test_of_a_look_before_the_orders_that_are_kept_nothing_is_said() -> None:
    """Sixteen are; whether there was another one before is not known."""
    looks = [event("view", day, subject="mill") for day in (1, 3)]
    orders = [event("purchase", day, amount=1, subject=str(day), category=f"c{day}") for day in range(2, 18)]

    assert wishes_of(customer(*looks, *orders, limits=LIMITED), T0 + 100 * DAY, UTC).viewed == []
    assert wishes_of(customer(*looks, *orders[1:], limits=LIMITED), T0 + 100 * DAY, UTC).viewed[0].what == "mill"
