"""The plan that comes with Rapport."""

from __future__ import annotations

import msgspec
import pytest

from models.segments.alerts import compile_alerts
from models.segments.membership import compile_segments
from plan import ROLES, Facts, Plan
from profiles.state import apply
from profiles.store import Loaded
from streams.steps.alert import alert
from streams.steps.segment import segment
from streams.steps.work import Work
from tests.build import DAY, LIMITS, T0, customer, event

# https://segment.com/docs/connections/spec: names that the shop's events share with it.
STANDARD = """
Products Searched|Product List Viewed|Product List Filtered|Promotion Viewed|Promotion Clicked|Product Clicked
Product Viewed|Product Added|Product Removed|Cart Viewed|Checkout Started|Checkout Step Viewed
Checkout Step Completed|Payment Info Entered|Order Completed|Order Updated|Order Refunded|Order Cancelled
Coupon Applied|Coupon Denied|Product Added to Wishlist|Product Removed from Wishlist|Product Shared
Product Reviewed|Signed Up|Signed In|Signed Out|Trial Started|Trial Ended|Live Chat Conversation Started
Live Chat Conversation Ended|Live Chat Message Sent|Live Chat Message Received|Email Delivered|Email Opened
Email Link Clicked|Email Bounced|Email Marked as Spam|Unsubscribed|Application Installed|Application Opened
Application Backgrounded|Application Updated|Application Uninstalled|Application Crashed|Push Notification Received
Push Notification Tapped|Deep Link Opened
"""


def test_it_is_complete(shipped):
    """Every role, all four sources, and enough of everything to be of use."""
    assert set(shipped.sources) == {"web", "app", "support", "purchase"}
    assert {rule.role for rule in shipped.rules} == {*ROLES, ""}
    assert len(shipped.rules) >= 45
    assert len(shipped.segments) >= 10
    assert len(shipped.alerts) >= 4
    assert {rule.type for rule in shipped.identities} >= {"user_id", "email", "phone", "anonymous_id", "device_id"}
    names = {rule.name for rule in shipped.rules}
    assert {name for line in STANDARD.split("\n") for name in line.split("|") if name} <= names


def test_its_only_warning_is_about_the_keys_for_trying(shipped):
    """Nothing in it is dead."""
    assert [problem.path for problem in shipped.warnings] == ["sources"]


def test_every_source_can_say_who_somebody_is(shipped):
    """identify and alias come from everywhere."""
    for source in shipped.sources:
        assert shipped.event(source, "identify", "") is not None
        assert shipped.event(source, "alias", "") is not None


@pytest.mark.parametrize(("revenue", "quantity", "minor"), [(11.77, 1, 1177), (0.0, 1, 0), (1286.01, 99, 128601)])
def test_a_bare_purchase_log_is_accepted(shipped, revenue, quantity, minor):
    """CDNOW has a customer, a date, a number of items and dollars, at times none."""
    rule = shipped.event("purchase", "track", "Order Completed")
    order = {"order_id": "00001-19970101-0", "revenue": revenue, "currency": "USD", "quantity": quantity}

    assert rule.enforce_on(order) == (order, [], True)
    assert rule.facts(order) == Facts(minor, "USD", float(quantity), "00001-19970101-0")
    assert shipped.extract({"userId": "00001"}) == [("user_id", "00001")]


def test_an_order_as_segment_specifies_it_is_accepted(shipped):
    """The example of the ecommerce specification."""
    rule = shipped.event("web", "track", "Order Completed")
    order = {
        "checkout_id": "fksdjfsdjfisjf9sdfjsd9f", "order_id": "50314b8e9bcf000000000000", "affiliation": "Google Store",
        "subtotal": 22, "total": 27.50, "revenue": 25.00, "shipping": 3, "tax": 2, "discount": 2.5,
        "coupon": "hasbros", "currency": "USD",
        "products": [
            {"product_id": "507f1f77bcf86cd799439011", "sku": "45790-32", "name": "Monopoly: 3rd Edition", "price": 19,
             "quantity": 1, "category": "Games", "url": "https://x.nl/p", "image_url": "https:///x.jpg"},
            {"product_id": "505bd76785ebb509fc183733", "sku": "46493-32", "name": "Uno Card Game", "price": 3,
             "quantity": 2, "category": "Games"},
        ],
    }  # fmt: skip

    assert rule.check(order) == []
    assert rule.facts(order) == Facts(2500, "USD", 3.0, "50314b8e9bcf000000000000", category="Games")


@pytest.mark.parametrize(
    ("source", "name", "properties", "accepted"),
    [
        ("purchase", "Order Completed", {"order_id": "1"}, False),
        ("purchase", "Order Completed", {"order_id": "1", "revenue": -1}, False),
        ("purchase", "Order Completed", {"revenue": 1}, False),
        ("support", "CSAT Answered", {"score": 6}, False),
        ("support", "Ticket Opened", {}, False),
        ("support", "Ticket Opened", {"ticket_id": 7}, True),
        ("web", "Products Searched", {"results": -1}, True),
    ],
)
def test_money_ratings_and_tickets_are_strict_and_the_rest_is_flagged(shipped, source, name, properties, accepted):
    """An order without a number, or with a wrong amount, would spoil every figure; a wrong search would not."""
    assert shipped.event(source, "track", name).enforce_on(properties).accepted is accepted


@pytest.mark.parametrize(
    ("order", "facts"),
    [
        ({"revenue": "49.99", "currency": " eur "}, Facts(4999, "EUR")),
        ({"revenue": "$1,234.50"}, Facts(123450, "USD")),
        ({"revenue": "49,99", "currency": "€"}, Facts(4999, "EUR")),
        ({"revenue": 49.99, "currency": ""}, Facts(4999, "EUR")),
        ({"revenue": 49.99, "currency": 978}, Facts(4999, "EUR")),
        ({"revenue": "much", "total": "12.50"}, Facts(1250, "EUR")),  # what cannot be read costs itself…
        ({"revenue": "1,234"}, Facts()),
        ({"revenue": 0.01, "currency": "BTC"}, Facts()),  # …and must not count as another currency
        ({"revenue": 5, "quantity": "three"}, Facts(500, "EUR")),
        ({"revenue": 5, "quantity": "3"}, Facts(500, "EUR", 3.0)),
        (
            {"revenue": 5, "products": [{"price": "x", "quantity": "2"}, 7, {"quantity": "many"}]},
            Facts(500, "EUR", 3.0),
        ),
        ({"revenue": 5, "products": {"product_id": "a", "quantity": 2}}, Facts(500, "EUR", 2.0)),
        ({"total": 7}, Facts(700, "EUR")),
        ({"revenue": None, "value": 7}, Facts(700, "EUR")),
    ],
)
@pytest.mark.parametrize("enforce", ["reject", "drop_property"])
def test_what_cannot_be_read_of_an_order_costs_the_property_never_the_order(shipped, enforce, order, facts):
    """And what leaves no doubt is read."""
    planned = shipped.event("purchase", "track", "Order Completed").spec
    shop = shipped.file.model_copy(update={"events": [planned.model_copy(update={"enforce": enforce})]})
    rule = Plan(shop).event("purchase", "track", "Order Completed")
    outcome = rule.enforce_on({"order_id": "1", **order})

    assert outcome.accepted
    assert rule.facts(outcome.properties) == msgspec.structs.replace(facts, subject="1")


def test_personal_data_is_classed(shipped):
    """What a person typed or is called is never `none`."""
    assert shipped.traits["email"].pii == "email"
    assert shipped.traits["phone"].pii == "phone"
    assert shipped.event("web", "track", "Products Searched").pii == {"query": "free_text"}
    assert shipped.event("web", "identify", "").pii["address.street"] == "address"


def test_a_subscriber_who_came_back_has_not_left(shipped):
    """Ended one subscription and took another one the next day: no alert, whatever arrives first."""
    segments = compile_segments(shipped.segments, shipped.currency, shipped.consent)
    alerts = compile_alerts(shipped.alerts, shipped.currency, segments.names, shipped.consent, segments.needs)
    steps = segment(segments), alert(alerts, shipped.consent)
    orders = [event("purchase", day, amount=12_000, subject=f"o{day}") for day in range(0, 42, 7)]
    started = event("subscription_start", -20, subject="S1")
    cancelled = event("subscription_cancel", 50, subject="S1")
    again = event("subscription_start", 51, subject="S2")

    for late, left in (([cancelled], True), ([cancelled, again], False), ([again, cancelled], False)):
        profile = customer(*orders, started)
        work = Work(0, Loaded(), 4)
        for step, told in enumerate([[cancelled], late]):  # the end is a repeat the second time
            for happened in told:
                apply(profile, happened, "EUR", LIMITS)
            work.begin(T0 + (51.5 + step) * DAY, (), due=[profile])
            for each in steps:
                each(work)
            if step == 0:
                assert profile.alerts["valuable_subscriber_left"].state == "open"
        assert ("ended_subscription" in profile.segments) == left
        assert (profile.alerts["valuable_subscriber_left"].state == "open") == left


@pytest.mark.parametrize(
    ("number", "subject"),
    [(1001.0, "1001"), (" SO-1 ", "SO-1"), ("null", ""), ("undefined", ""), ("(not set)", ""), ("0", ""), ("-1", ""),
     ("{{order.id}}", ""), ("00000000-0000-0000-0000-000000000000", "")],
)  # fmt: skip
def test_what_stands_for_no_order_is_none(shipped, number, subject):
    """Else all orders of a customer would be one."""
    rule = shipped.event("purchase", "track", "Order Completed")

    assert rule.facts({"order_id": number, "revenue": 1}).subject == subject
