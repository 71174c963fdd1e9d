"""What a load would do is what the same events do."""

from __future__ import annotations

import asyncio
import math

import orjson

from plan import load_plan
from profiles.times import parse_time
from streams.history.distinct import Distinct
from streams.history.forecast import Preview, Previewer, Told
from tests import REPOSITORY
from tests.b2b import b2b_log

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
NOW = 1_800_000_000.0


def look(*events: dict[str, object], source: str = "web", late: float = -math.inf) -> Preview:
    """A preview of some events."""
    previewer = Previewer(PLAN, NOW, late)
    told = [
        Told(f"line {at}", float(str(event["timestamp"])), orjson.dumps(event))
        for at, event in enumerate(events, start=1)
    ]
    asyncio.run(previewer.look(source, told))
    return previewer.preview


def view(time: float = 1e9, user: str = "1", **properties: object) -> dict[str, object]:
    """A product that is viewed."""
    return {
        "type": "track", "event": "Product Viewed", "userId": user, "timestamp": time,
        "properties": {"product_id": "P1"} | properties,
    }  # fmt: skip


def test_events_by_name_their_span_and_whose_they_are() -> None:
    """Of those that are accepted."""
    found = look(view(), view(2e9 - 1, user="2"), {"type": "page", "name": "Home", "userId": "1", "timestamp": 1.1e9})

    assert found.events == {("web", "Product Viewed"): 2, ("web", "Home"): 1}
    assert (found.since, found.until, found.count) == (1e9, 2e9 - 1, 3)
    assert found.customers.count() == 2
    assert found.future == 1


def test_what_would_be_rejected_with_the_first_of_each() -> None:
    """By the plan, and already by the collector."""
    nobody = {"type": "track", "event": "Product Viewed", "userId": "null", "timestamp": 1e9}
    found = look({**view(), "event": "Sneezed"}, view(), nobody, {**view(), "event": "Sneezed"})

    assert found.rejected == {("web", "Sneezed", "unplanned"): 2, ("web", "Product Viewed", "no_identity"): 1}
    assert found.examples["web", "Sneezed", "unplanned"].startswith("line 1: track 'Sneezed'")
    assert found.examples["web", "Product Viewed", "no_identity"].startswith("line 3: ")
    assert found.events == {("web", "Sneezed"): 2, ("web", "Product Viewed"): 2}


def test_what_would_be_flagged() -> None:
    """It is accepted."""
    found = look({**view(), "properties": {}})

    assert found.flagged == {("web", "Product Viewed"): 1}
    assert not found.rejected


def test_what_would_only_be_claimed() -> None:
    """A history that calls its orders those of the web site would be loaded, and count for nothing."""
    order = {**view(), "event": "Order Completed", "properties": {"order_id": "1", "revenue": 5}}
    who = {"type": "identify", "userId": "1", "timestamp": 1e9, "traits": {"country": "NL"}}

    assert look(order, order, who, view()).claimed == {("web", "Order Completed"): 2, ("web", "identify"): 1}
    assert not look(order, who, source="purchase").claimed


def test_what_is_late_for_the_clock() -> None:
    """Behind the time that it has reached."""
    assert look(view(1e9), view(1.1e9), late=1.1e9).late == 1


def test_many_customers_are_estimated() -> None:
    """To about one in a hundred; few are counted."""
    few, many = Distinct(), Distinct(exact=1000)
    for number in range(1000):
        few.add(str(number // 2))
    for number in range(20_000):
        many.add(str(number // 2))

    assert (few.count(), few.exact) == (500, True)
    assert not many.exact
    assert abs(many.count() - 10_000) < 400


def test_a_log_of_a_business_is_as_planned() -> None:
    """The one that tests of history play: nothing of it is rejected or remarked, and it is in order of time."""
    events = b2b_log(1e9)
    previewer = Previewer(PLAN, NOW)

    for source in ("web", "app", "support", "purchase"):
        told = [
            Told(str(at), parse_time(event["timestamp"]), orjson.dumps(event))
            for at, event in enumerate(events)
            if event["source"] == source
        ]
        asyncio.run(previewer.look(source, told))

    found = previewer.preview
    assert (found.rejected, found.flagged) == ({}, {})
    assert found.customers.count() == 60
    assert found.events["purchase", "Order Completed"] > 300
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)
    assert b2b_log(1e9, seed=2) != events == b2b_log(1e9)
