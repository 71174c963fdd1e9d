"""Each feature has a sentence, of whomever, and those of causes say what happened."""

from __future__ import annotations

import pytest

from models.durations import DAY
from models.features.feature import Feature
from models.features.table import COLUMN, TABLE
from profiles.types import Event, Reason
from tests.build import KINDS_COUNT, T0, buyer, customer, event, row

YEARS = [season * 364 + day for season in range(3) for day in (0, 9)]


def kind(role: str, day: float, *kinds: str, **facts: object) -> Event:
    """An event of these kinds of its role."""
    return event(role, day, properties={"of": kinds}, **facts)


def tickets(*days: tuple[str, str, float]) -> list[Event]:
    """Of tickets: (which, what, day)."""
    return [event(f"ticket_{what}", day, subject=which) for which, what, day in days]


def said(name: str, *history: Event, day: float = 20) -> str:
    profile = customer(*history, limits=KINDS_COUNT)
    value = row(profile, day)[COLUMN[name]]
    return TABLE[COLUMN[name]].say(profile, T0 + day * DAY, Reason(name, 1.0, float(value)))


@pytest.mark.parametrize("feature", TABLE, ids=lambda feature: feature.name)
def test_every_feature_can_be_asked_of_who_has_only_ordered(feature: Feature) -> None:
    """Who has nothing of it is told nothing."""
    for profile in (buyer(0), buyer(*YEARS)):
        assert isinstance(feature.say(profile, T0 + 900 * DAY, Reason(feature.name, 1.0, 0.0)), str)


@pytest.mark.parametrize(
    ("name", "history", "text"),
    [
        ("price_complaints_8w", [kind("complaint", 15, "price")], "Complaint about the price 5 days ago"),
        ("price_complaints_8w", [kind("complaint", 15, "price"), kind("ticket_opened", 17, "price")],
         "2 complaints about the price, the last 3 days ago"),
        ("price_trouble_2w", [event("coupon_denied", 19)], "Case of trouble with a price or coupon yesterday"),
        ("delivery_trouble_8w", [event("undelivered", 15), kind("delivered", 16, "late")],
         "2 deliveries late or failed, the last 4 days ago"),
        ("support_trouble_2w", tickets(("a", "opened", 10), ("a", "reopened", 18)),
         "2 cases for the support, the last 2 days ago"),
        ("discount_share", [kind("purchase", 2, "discount"), event("purchase", 9)],
         "1 of 2 orders with a discount, the last 18 days ago"),
        ("coupon_denied_8w", [event("coupon_denied", 15)], "1 coupon refused in the last 30 days"),
        ("price_rise", [event("subscription_start", 0, amount=1000), event("subscription_renew", 10, amount=1200)],
         "Subscription 20% dearer than before, since 10 days ago"),
        ("paused", [event("subscription_start", 0), event("subscription_pause", 17)], "Subscription paused 3 days ago"),
        ("breadth", [event("feature_use", day, subject=f"f{day}") for day in (-31, -30, 3, 4)],
         "2 features used in the last four weeks, 2 more in the twelve before"),
        ("overdue", tickets(("a", "opened", 0), ("a", "solved", 2), ("b", "opened", 11)),
         "Waiting 9 days for an answer to a ticket, usually 2 days"),
        ("reopened_share", tickets(("a", "opened", 0), ("b", "opened", 1), ("b", "reopened", 2)),
         "1 of 2 tickets reopened"),
        ("last_resolution", tickets(("a", "opened", 0), ("a", "solved", 12)),
         "The latest ticket took 12 days to be solved, 8 days ago"),
        ("low_ces", [event("ces", 18, rating=2.0)], "Answered CES 2 of 7, 2 days ago"),
        ("uninstalled_8w", [event("uninstalled", 18)], "Last removal of the app 2 days ago"),
        ("return_8w", [event("return", 18)], "1 return asked for in the last 30 days"),
        ("basket_trend", [event("purchase", day, amount=500 if day > 2 else 1000) for day in (0, 1, 9, 10, 11)],
         "The latest orders 50% smaller than those before"),
    ],
)  # fmt: skip
def test_what_happened_is_said(name: str, history: list[Event], text: str) -> None:
    assert said(name, *history) == text


def test_a_season_is_said() -> None:
    orders = [event("purchase", day, amount=100) for day in YEARS]

    assert said("season_due", *orders, day=3 * 364) == "Orders about every 12 months, the last time 12 months ago"
