"""The columns of facts: worked examples by the shipped plans, an independent derivation, and what is malformed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.archive.columns import EVENTS, FACTS, Placed, events_in, to_table, with_facts
from analysis.archive.facts import FactsOf
from plan import Plan, load_plan
from plan.errors import PlanError
from profiles.types import Event, Grouping, Terms
from tests import REPOSITORY

SHOP = load_plan(REPOSITORY / "tracking_plan.yaml", {})
B2B = load_plan(REPOSITORY / "plan" / "b2b.yaml", {})
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"


def happened(plan: Plan, source: str, name: str, properties: dict[str, Any], **more: Any) -> Event:
    rule = plan.event(source, "track", name)
    assert rule is not None
    told = rule.facts(properties)
    event = Event(
        "home", "1", source, "track", name, rule.role, 1e9, 1e9, amount=told.amount, currency=told.currency,
        subject=told.subject, properties=properties, terms=told.terms,
    )  # fmt: skip
    return msgspec.structs.replace(event, **more)


def facts(plan: Plan, event: Event) -> dict[str, Any]:
    """What is not null, as it stands in the archive."""
    (row,) = to_table([Placed(event, 0, 0)], FactsOf(plan)).select(list(FACTS)).to_pylist()
    return {name: value for name, value in row.items() if value is not None}


def item(product: str | None, quantity: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"product": product, "category": None, "quantity": quantity, "price": None, "cost": None} | more


def test_an_order_as_segment_specifies_it() -> None:
    order = {
        "order_id": "1", "revenue": 25.0, "shipping": 3, "discount": 2.5, "currency": "USD",
        "products": [
            {"product_id": "507f", "sku": "45790-32", "price": 19, "quantity": 1, "category": "Games", "cost": 8.5},
            {"product_id": 505, "price": 3, "quantity": 2, "category": "Games", "cost": 1},
        ],
    }  # fmt: skip

    assert facts(SHOP, happened(SHOP, "purchase", "Order Completed", order)) == {
        "items": [
            item("507f", category="Games", price=1900, cost=850),
            item("505", 2.0, category="Games", price=300, cost=100),
        ],
        "cost": 1050,
        "discount": 250,
        "shipping": 300,
    }


def test_a_page_says_the_client_the_campaign_and_the_site_before() -> None:
    context = {
        "userAgent": CHROME,
        "locale": "nl_NL",
        "campaign": {"source": "news", "medium": "email", "name": "Spring"},
        "page": {"url": "https://www.shop.nl/a", "referrer": "https://www.google.com/search?q=x"},
    }
    page = Event("home", "1", "web", "page", "page", "visit", 1e9, 1e9, context=context)

    assert facts(SHOP, page) == {
        "channel": "web", "device": "desktop", "os": "windows", "browser": "chrome", "locale": "nl-NL",
        "utm_source": "news", "utm_medium": "email", "utm_campaign": "Spring", "referrer": "google.com",
    }  # fmt: skip
    context["page"]["referrer"] = "https://shop.nl/b"  # type: ignore[index]
    assert "referrer" not in facts(SHOP, page)
    context |= {"campaign": {}, "page": {"search": "?x=1&utm_source=ads&utm_campaign=Sale%20now"}}
    assert facts(SHOP, page)["utm_campaign"] == "Sale now"


@pytest.mark.parametrize(
    ("source", "name", "properties", "expected"),
    [
        ("web", "Product Added", {"product_id": "a", "price": 2.5, "quantity": 3},
         {"items": [item("a", 3.0, price=250)], "product": "a"}),
        ("web", "Product List Viewed", {"products": [{"product_id": "a"}]}, {}),
        ("web", "Products Searched", {"query": " shoes ", "results": 0},
         {"results": 0, "text": "shoes"}),
        ("web", "Product Viewed", {"product_id": 7, "in_stock": False}, {"product": "7", "in_stock": False}),
        ("support", "Ticket Opened", {"ticket_id": 1, "type": "payment", "channel": "chat", "agent_id": 9,
                                      "product_id": "a", "subject": "太贵了"},
         {"topic": "payment", "channel": "chat", "agent": "9", "product": "a", "text": "太贵了", "language": "zh"}),
        ("support", "Ticket Solved", {"ticket_id": 1, "resolution": "replaced"}, {"resolution": "replaced"}),
        ("purchase", "Subscription Started", {"subscription_id": 1, "plan": "plus", "price": 120, "period": "year",
                                              "next_payment_at": "2026-01-01"},
         {"plan": "plus", "interval": "year", "mrr": 1000, "ends": datetime(2026, 1, 1, tzinfo=UTC)}),
        ("purchase", "Subscription Cancelled", {"subscription_id": 1, "reason": "price", "comment": "no"},
         {"reason": "price", "text": "no"}),
        ("purchase", "Order Refunded", {"order_id": 1, "total": 5, "reason": "It broke at once"},
         {"text": "It broke at once"}),  # a reason in their own words is personal
        ("purchase", "Email Link Clicked", {"campaign_name": "Spring", "department": "CRM"},
         {"utm_campaign": "Spring", "channel": "email", "department": "CRM"}),
        ("app", "Feature Used", {"feature": "size"}, {"feature": "size"}),
    ],
)  # fmt: skip
def test_the_shop_fills_them_without_more_words(
    source: str, name: str, properties: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert facts(SHOP, happened(SHOP, source, name, properties)) == expected


def test_a_business_with_companies_fills_them() -> None:
    terms = {
        "subscription_id": "s", "plan": "team", "seats": 12, "mrr": 240, "interval": "annually",
        "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2027-01-01T00:00:00Z",
    }  # fmt: skip
    started = happened(B2B, "billing", "Subscription Started", terms, group=Grouping("acme"))

    assert facts(B2B, started) == {
        "company": "acme", "plan": "team", "seats": 12, "mrr": 24000, "interval": "year",
        "starts": datetime(2026, 1, 1, tzinfo=UTC), "ends": datetime(2027, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    assert facts(B2B, B2B.unname(started)).get("company") is None
    limit = happened(B2B, "product", "Limit Reached", {"limit": "seats", "plan": "team"})
    assert facts(B2B, limit) == {"feature": "seats", "plan": "team"}
    ended = happened(B2B, "billing", "Subscription Cancelled", {"subscription_id": "s", "mrr": 240, "reason": "price"})
    assert facts(B2B, ended) == {"mrr": 24000, "reason": "price"}


def test_money_in_another_currency_than_the_row_says_is_left_out() -> None:
    added = {"product_id": "a", "price": 5, "currency": "USD"}

    assert facts(SHOP, happened(SHOP, "web", "Product Added", added))["items"] == [item("a")]
    order = {"order_id": "1", "revenue": 5, "currency": "USD", "discount": 1, "products": [{"price": 2}]}
    told = facts(SHOP, happened(SHOP, "purchase", "Order Completed", order))
    assert (told["discount"], told["items"][0]["price"]) == (100, 200)


def test_what_the_plan_says_comes_first(plan_of: Callable[..., Plan]) -> None:
    plan = plan_of(
        ("      revenue: {", "      why: {type: string, description: Why}\n      lines: {type: array, description: x, "
         "items: {type: object, description: y, properties: {no: {type: id, description: z}, "
         "each: {type: money, description: z}}}}\n      revenue: {"),
        ("subject: order_id}", "subject: order_id, reason: why, items: lines, item: {product: no, price: each}, "
         "channel: context.app.name}"),
    )  # fmt: skip
    order = {"order_id": "1", "revenue": 5, "why": "gift", "reason": "x", "lines": [{"no": 7, "each": 5, "id": 1}]}
    event = happened(plan, "purchase", "Order Completed", order, context={"app": {"name": "till"}})

    assert facts(plan, event) == {"reason": "gift", "channel": "till", "items": [item("7", price=500)]}


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ("reason: note", "is personal (pii: free_text)"),
        ("text: order_id", "is of the class none"),
        ("text: context.page.title", "found in properties"),
        ("items: order_id", "is not an array with items"),
        ("discount: order_id", "discount needs money"),
        ("item: {price: x}", "goes with `items`"),
        ("topic: nothing", "there is no property 'nothing'"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused(plan_of: Callable[..., Plan], facts: str, message: str) -> None:
    with pytest.raises(PlanError, match=message.replace("(", r"\(").replace(")", r"\)")):
        plan_of(
            ("      revenue: {", "      note: {type: string, pii: free_text, description: N}\n      revenue: {"),
            ("subject: order_id}", f"subject: order_id, {facts}}}"),
        )


words = st.sampled_from(["", " a ", "null", "x" * 300, "太", "acme", "OutOfStock", "https://[bad", "2026-02-30"])
odd = st.none() | st.booleans() | words | st.floats() | st.integers(-(2**70), 2**70)
anything = st.recursive(
    odd,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["product_id", "price", "cost", "quantity", "currency", "name"]), inner)
    ),
)
KEYS = [
    "products", "items", "product_id", "feature", "topic", "type", "reason", "cost", "discount", "shipping", "channel",
    "campaign", "utm_source", "referrer", "department", "agent_id", "resolution", "results", "in_stock", "comment",
    "subject", "language", "plan", "seats", "mrr", "interval", "period", "starts_at", "ends_at", "currency", "query",
]  # fmt: skip
RULES = [(plan, source, rule) for plan in (SHOP, B2B) for rule in plan.rules for source in rule.sources]


@given(
    st.sampled_from(RULES),
    st.dictionaries(st.sampled_from(KEYS), anything),
    st.dictionaries(
        st.sampled_from(["userAgent", "locale", "os", "device", "page", "campaign", "referrer", "app"]),
        st.recursive(
            odd,
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["url", "search", "name", "source", "type", "model", "referrer"]), inner
                )
            ),
        ),
    ),
    st.none() | st.builds(Terms, st.none() | st.floats(-6e10, 2e11), words, st.none() | st.integers(0, 2**60)),
)
@settings(max_examples=300, deadline=None)
def test_what_is_malformed_is_null_and_costs_nothing_else(
    known: tuple[Plan, str, Any], properties: dict[str, Any], context: dict[str, Any], terms: Terms | None
) -> None:
    """It fits the columns, is the same again, and the event comes back as it was."""
    plan, source, rule = known
    name = rule.type if rule.name == "*" else rule.name
    event = Event(
        "home", "1", source, rule.type, name, rule.role, 1e9, 1e9, properties=properties, context=context, terms=terms
    )
    row = FactsOf(plan)(event)
    table = EVENTS.empty_table()
    if _is_json(properties) and _is_json(context):
        table = to_table([Placed(event, 0, 0)], FactsOf(plan))
        assert list(events_in(table)) == [event]
        assert with_facts(table, FactsOf(plan)) == table
    assert table.schema == EVENTS
    assert FactsOf(plan)(event) == row


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_json, value.values()))
    if isinstance(value, list):
        return all(map(_is_json, value))
    if type(value) is float:
        return value - value == 0
    return type(value) is not int or -(2**63) <= value < 2**64


amounts = st.integers(-500, 100_000) | st.floats(-5, 1e5, allow_nan=False) | st.sampled_from(["x", None, True])
lines = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "product_id": st.sampled_from(["a", "b", 7, "", None]), "sku": st.sampled_from(["s", 8]),
            "category": st.sampled_from(["Games", " ", 4, None]), "quantity": st.sampled_from([1, 2, 0.5, "x", None]),
            "price": amounts, "cost": amounts,
        },
    ),
    max_size=4,
)  # fmt: skip
orders = st.fixed_dictionaries(
    {"order_id": st.integers(1, 9), "revenue": st.integers(0, 9)},
    optional={
        "products": lines, "discount": amounts, "shipping": amounts, "cost": amounts,
        "currency": st.sampled_from(["EUR", "usd", "JPY", "?", None]),
    },
)  # fmt: skip


@given(orders)
@settings(max_examples=300, deadline=None)
def test_orders_are_as_somebody_else_would_derive_them(order: dict[str, Any]) -> None:
    """Written down anew from docs/tracking-plan.md, without a word of the code."""
    event = happened(SHOP, "purchase", "Order Completed", order)
    scale = {"JPY": 1}.get(event.currency, 100)

    def cents(value: Any) -> int | None:
        said = order.get("currency")
        if type(value) not in (int, float) or (said and said.strip().upper() != (event.currency or "EUR")):
            return None
        exact = abs(value) * scale
        return int(exact + 0.5 + 1e-9) * (1 if value >= 0 else -1)

    def text(*values: Any) -> str | None:
        value = next((value for value in values if value is not None), None)
        return None if value is None or not str(value).strip() else str(value).strip()

    items = [
        {
            "product": text(line.get("product_id"), line.get("sku")),
            "category": text(line.get("category")),
            "quantity": float(count) if type(count := line.get("quantity")) in (int, float) else 1.0,
            "price": cents(line.get("price")),
            "cost": cents(line.get("cost")),
        }
        for line in order.get("products", [])
        if line
    ]
    found = facts(SHOP, event)

    assert found.get("items", []) == items
    assert (found.get("discount"), found.get("shipping")) == (
        cents(order.get("discount")),
        cents(order.get("shipping")),
    )
    cost = cents(order.get("cost"))
    if cost is None and items and all(line["cost"] is not None for line in items):
        cost = round(sum(line["cost"] * line["quantity"] for line in items))
    assert found.get("cost") == cost
