"""What events of a plan leave in traces: found where it says, else under usual names, in bytes as in objects."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from models.durations import DAY
from plan import load_plan
from profiles.state import Limits, apply
from profiles.traces.looked import looked_of
from profiles.traces.mementos import Memento, mementos_of
from profiles.types import Event, Profile
from tests import REPOSITORY
from tests.build import T0

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
LIMITS: Limits = PLAN.limits


def sent(name: str, properties: dict[str, Any], day: float = 0, *, raw: bool = True, **facts: Any) -> Event:
    """An event as it comes to profiles, with properties in bytes."""
    rule = next(rule for rule in PLAN.rules if rule.name == name)
    packed: Any = msgspec.Raw(msgspec.msgpack.encode(properties)) if raw else properties
    time = T0 + day * DAY
    return Event(
        "p", f"{name}-{day}", rule.sources[0], rule.type, name, rule.role, time, time, properties=packed, **facts
    )


def left(kind: str, *events: Event) -> list[Memento]:
    profile = Profile("p")
    for event in events:
        apply(profile, event, "EUR", LIMITS)
    return [] if profile.traces is None else mementos_of(profile.traces.kept.get(kind, b""))


@pytest.mark.parametrize("raw", [True, False])
def test_what_a_search_without_a_result_wanted(raw: bool) -> None:
    found = left(
        "search",
        sent("Products Searched", {"query": "  Decaf  BEANS ", "results": 0}, 1, raw=raw),
        sent("Products Searched", {"query": "decaf beans", "results": 0}, 1.02, raw=raw),
        sent("Products Searched", {"query": "coffee", "results": 12}, 2, raw=raw),
        sent("Products Searched", {"query": "who knows"}, 3, raw=raw),
    )

    assert [each.what for each in found] == ["decaf beans"]


def test_what_was_bought() -> None:
    order = {"order_id": "1", "products": [{"product_id": "a"}, {"product_id": 7}, {"name": "x"}, "odd"]}

    assert [each.what for each in left("bought", sent("Order Completed", order, subject="1"))] == ["7", "a", "x"]


def test_who_contacted_them_and_how() -> None:
    found = left(
        "contact",
        sent("Customer Contacted", {"department": "Sales", "channel": "phone"}, 1),
        sent("Email Delivered", {"department": "Marketing"}, 2),
        sent("Customer Contacted", {"department": "Sales", "channel": "Pigeon"}, 3),
    )

    assert [(each.what, each.more) for each in found] == [
        ("Sales", "phone"),
        ("Marketing", "email"),
        ("Sales", "other"),
    ]


def test_what_they_complain_of() -> None:
    (said,) = left("complaint", sent("Complaint Received", {"type": "delivery", "product_id": "p9"}))

    assert (said.at, said.what, said.more) == (int(T0), "delivery", "p9")


def test_odd_properties_leave_nothing_and_break_nothing() -> None:
    odd = sent("Products Searched", {"query": {"a": 1}, "results": 0})
    torn = msgspec.structs.replace(odd, properties=msgspec.Raw(b"\x93\x01"))

    assert left("search", odd, torn) == []


def test_a_busy_year_takes_less_than_four_thousand_bytes() -> None:
    """1,500 visits, 60 orders of five products, a contact each other day, searches, complaints, answers."""
    profile, products = Profile("p"), [f"SKU-{n:012d}-{n % 7}" for n in range(400)]
    for day in range(365):
        happened = [
            Event("p", f"v{day}-{n}", "web", "page", "", "visit", T0 + (day + n / 5) * DAY, T0, properties={})
            for n in range(4)
        ]
        if day % 6 == 0:
            lines = [{"product_id": products[(day * 5 + n) % 400]} for n in range(5)]
            happened.append(sent("Order Completed", {"order_id": str(day), "products": lines}, day, subject=str(day)))
        if day % 2:
            happened.append(
                sent("Customer Contacted", {"department": f"Department {day % 9}", "channel": "phone"}, day)
            )
        happened.append(sent("Products Searched", {"query": f"a thing that is number {day}", "results": 0}, day))
        happened.append(sent("Complaint Received", {"type": "late delivery", "product_id": products[day]}, day))
        for role in ("csat", "nps", "ces", "review"):
            happened.append(
                Event("p", f"{role}{day}", "support", "track", role, role, T0 + day * DAY, T0, rating=4.5,
                      subject=products[day], category="Coffee and tea", properties={})
            )  # fmt: skip
        for event in happened:
            apply(profile, event, "EUR", LIMITS)

    assert len(msgspec.msgpack.encode(profile.traces)) <= 4096


def looked(*events: Event) -> tuple[list[tuple[int, str]], list[Memento]]:
    """The products that were looked at, and those that were not there."""
    profile = Profile("p")
    for event in events:
        apply(profile, event, "EUR", LIMITS)
    traces = profile.traces
    return ([], []) if traces is None else (looked_of(traces.looked), mementos_of(traces.kept.get("missing", b"")))


@pytest.mark.parametrize("raw", [True, False])
def test_what_was_looked_at(raw: bool) -> None:
    """Of a list nothing; a product that is not there is one that they wait for, too."""
    seen, missing = looked(
        sent("Product Viewed", {"product_id": "P1", "in_stock": True}, 1, raw=raw, subject="P1"),
        sent("Product Viewed", {"product_id": "P1"}, 1.01, raw=raw, subject="P1"),
        sent("Product Viewed", {"product_id": "P2", "in_stock": False}, 2, raw=raw, subject="P2"),
        sent("Product List Viewed", {"category": "tea", "products": [{"product_id": "P3"}]}, 3, raw=raw),
    )
    day = int(T0 // DAY)

    assert seen == [(day + 1, "P1"), (day + 2, "P2")]
    assert [(each.at, each.what) for each in missing] == [(day + 2, "P2")]


def test_an_order_for_less() -> None:
    def order(number: int, properties: dict[str, Any]) -> Event:
        return sent("Order Completed", {"order_id": str(number), **properties}, number, subject=str(number))

    found = left(
        "coupon", order(1, {"coupon": "X"}), order(2, {"discount": 2.5}), order(3, {"discount": 0, "coupon": ""})
    )

    assert [each.at - int(T0 // DAY) for each in found] == [1, 2]
