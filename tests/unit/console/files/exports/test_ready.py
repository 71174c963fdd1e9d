"""Each ready mapping reads an export as its service writes it (with made-up values), and the shipped plan takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from console.files.exports.ready import fitting, ready_mapping, ready_names
from console.files.ids import Ids
from console.files.mapping.table_mapping import validated
from console.files.reading.cells import open_table
from console.files.reading.text import Lines, open_text
from console.files.rows import FileSpec, Item, read_items
from console.files.survey import survey
from plan import load_plan
from profiles.errors import WrongUse
from streams.history.forecast import Previewer
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
NOW = 1_800_000_000.0

EXPECTED: dict[str, list[Any]] = {
    "shopify": [
        ("Order Completed", "2026-03-01T07:50:20Z", {"order_id": "#1001", "revenue": 60, "total": 65}),
        ("Order Completed", "2026-03-02T07:50:20Z", {"order_id": "#1002", "revenue": 1020, "currency": "EUR"}),
        ("Order Refunded", "2026-03-02T07:50:20Z", {"order_id": "#1002", "total": 20}),
        ("Order Cancelled", "2026-03-03T06:00:00Z", {"order_id": "#1002"}),
    ],
    "woocommerce": [
        ("Order Completed", "2026-03-01T10:00:00Z", {"order_id": "71", "revenue": 65, "shipping": 5}),
        ("Order Completed", "2026-03-02T10:00:00Z", {"order_id": "72", "revenue": 12.5}),
        ("Order Refunded", "2026-03-02T10:00:00Z", {"order_id": "72", "total": 12.5, "currency": "EUR"}),
    ],
    "stripe": [
        ("Payment Succeeded", "2026-03-02T10:01:02Z", {"payment_id": "ch_1", "amount": 1020, "currency": "USD"}),
        ("Payment Succeeded", "2026-03-03T10:01:02Z", {"payment_id": "ch_2", "amount": 12}),
        ("Order Refunded", "2026-03-05T09:00:00Z", {"order_id": "ch_2", "total": 12}),
        ("Payment Failed", "2026-03-04T10:01:02Z", {"payment_id": "ch_3", "amount": 15, "currency": "EUR"}),
    ],
    "stripe-invoices": [
        (
            "Payment Succeeded",
            "2026-03-02T10:01:00Z",
            {"payment_id": "ch_1", "subscription_id": "sub_1", "amount": 1020},
        ),
    ],
    "zendesk": [
        ("Ticket Opened", "2026-03-02T09:00:00Z", {"ticket_id": "9001", "type": "problem", "priority": "normal"}),
        ("Ticket Opened", "2026-03-02T10:00:00Z", {"ticket_id": "9002", "channel": "email", "priority": "high"}),
        ("Ticket Solved", "2026-03-03T10:00:00Z", {"ticket_id": "9002"}),
    ],
    "intercom": [
        ("Ticket Opened", "2026-03-02T15:00:00Z", {"ticket_id": "2150001", "channel": "chat", "priority": None}),
        ("Ticket Solved", "2026-03-03T16:30:00Z", {"ticket_id": "2150001"}),
        ("CSAT Answered", "2026-03-03T16:30:00Z", {"ticket_id": "2150001", "score": 4, "comment": "Quick, thanks"}),
        ("Ticket Opened", "2026-07-02T14:00:00Z", {"ticket_id": "2150002", "channel": "email"}),
        ("CSAT Answered", "2026-07-02T14:00:00Z", {"ticket_id": "2150002", "score": 2}),
    ],
    "intercom-contacts": [
        (None, "2026-03-01T10:00:05Z", {"email": "ada.h@example.com", "createdAt": "2025-11-02T09:30:00Z"}),
        (None, "2025-12-02T09:30:00Z", {"name": "Bo H", "phone": None}),
    ],
    "ga4": [
        ("Order Completed", "2026-03-01T10:10:20.123456Z", {"order_id": "T-1", "revenue": 65, "shipping": 5}),
        ("Order Completed", "2026-03-01T10:13:20.000001Z", {"order_id": "T-1", "revenue": 65, "coupon": "SPRING"}),
        ("Order Completed", "2026-03-02T10:10:20.123456Z", {"order_id": "T-2", "currency": "USD", "coupon": None}),
    ],
    "matomo": [
        (None, "2026-03-01T10:10:20Z", {"url": "https://shop.example/", "title": "Shop, start"}),
        (None, "2026-03-02T10:10:20Z", {"title": "Crème", "referrer": None}),
    ],
    "matomo-orders": [
        ("Order Completed", "2026-03-01T10:13:20Z", {"order_id": "T-1", "revenue": 65, "tax": 10, "currency": "EUR"}),
        ("Order Completed", "2026-03-01T10:15:00Z", {"order_id": "T-2", "revenue": 12.5, "tax": None}),
        ("Order Completed", "2026-03-02T10:13:20Z", {"order_id": "T-3", "revenue": 9}),
    ],
    "hubspot": [
        (None, "2025-11-02T09:30:00Z", {"firstName": "Ada", "createdAt": "2025-11-02T09:30:00Z"}),
        (None, "2025-12-02T09:30:00Z", {"email": "bo.h@example.com"}),
    ],
}


def export(name: str) -> tuple[Path, FileSpec]:
    """The export of a service, and its ready mapping."""
    return Path(__file__).with_name(f"{name}.csv"), validated(FileSpec, ready_mapping(name), name)


def events_of(items: list[Item]) -> list[dict[str, Any]]:
    """The events of good rows."""
    return [orjson.loads(item.event) for item in items if not item.problem]


@pytest.mark.parametrize("name", ready_names())
def test_an_export_is_read(name: str) -> None:
    """Every row of it is in an event, or left out as the mapping says; each event has an id of its own."""
    path, spec = export(name)

    items = list(read_items(path, spec, Ids(spec.key)))

    assert [item.problem for item in items if item.problem and not item.meant] == []
    events = events_of(items)
    assert [(event.get("event"), event["timestamp"]) for event in events] == [each[:2] for each in EXPECTED[name]]
    for event, (_, _, said) in zip(events, EXPECTED[name], strict=True):
        properties = event.get("properties") or event["traits"]
        assert {key: properties.get(key) for key in said} == said
    assert len({item.id for item in items if not item.meant}) == len(events)


@pytest.mark.parametrize("name", ready_names())
def test_the_shipped_plan_takes_it(name: str) -> None:
    """Nothing of it would be rejected."""
    path, spec = export(name)

    found = survey([(path, spec)], Previewer(PLAN, NOW), PLAN)

    assert found.preview.count == len(EXPECTED[name])
    assert not found.preview.rejected, found.preview


@pytest.mark.parametrize("name", ready_names())
def test_a_table_shows_whose_export_it_is(name: str) -> None:
    """By its columns."""
    with open_text(export(name)[0]) as file:
        assert fitting(open_table(Lines(file), "", (), set()).columns) == name


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("intercom", "last closed at (America/New_York)", "first closed at (America/New_York)"),
        ("ga4", ",transaction_id,purchase_revenue,", ",ecommerce_transaction_id,ecommerce_purchase_revenue,"),
        ("matomo", "actionDetails_0_url", "url (actionDetails 0)"),
        ("matomo-orders", "actionDetails_1_orderId", "orderId (actionDetails 1)"),
    ],
)
def test_a_column_may_be_called_otherwise(tmp_path: Path, name: str, before: str, after: str) -> None:
    """By what who exports has chosen."""
    path, spec = export(name)
    encoding = "utf-16" if name.startswith("matomo") else "utf-8"
    text = path.read_text(encoding)
    assert before in text
    (tmp_path / path.name).write_text(text.replace(before, after), encoding)

    read = [events_of(list(read_items(each, spec))) for each in (path, tmp_path / path.name)]

    for events in read:
        for event in events:
            event.pop("messageId", None)  # that of Intercom's close has its column in it
    assert read[0] == read[1]


def test_a_zone_that_may_be_of_several_places_is_asked_for(tmp_path: Path) -> None:
    """It stands in the names of columns; where it is known it counts more than what is said."""
    path, spec = export("intercom-contacts")
    (tmp_path / path.name).write_text(path.read_text().replace("(GMT)", "(AEDT)"))

    with pytest.raises(WrongUse, match=r"no time zone 'AEDT'; write such as Europe/Berlin, by --timezone"):
        list(read_items(tmp_path / path.name, spec))
    in_sydney = spec.model_copy(update={"timezone": "Australia/Sydney"})
    assert events_of(list(read_items(tmp_path / path.name, in_sydney)))[0]["timestamp"] == "2026-02-28T23:00:05Z"
    assert events_of(list(read_items(path, in_sydney))) == events_of(list(read_items(path, spec)))


def test_other_events_of_ga4_are_left_out(tmp_path: Path) -> None:
    """Where the query does not say which it wants, and also if they were sent with a purchase."""
    path, spec = export("ga4")
    head, first, *rest = path.read_text().splitlines()
    who = first.split(",")[2]
    seen = f"1772359820123456,page_view,{who},c-71,Netherlands,,,,,,,,,,,,"
    back = f"1772359990000000,refund,{who},c-71,Netherlands,EUR,,T-1,,,,,,,,,"
    (tmp_path / path.name).write_text("\n".join([head, seen, first, *rest, back, seen.replace("5982", "5983")]))

    read = [events_of(list(read_items(each, spec))) for each in (path, tmp_path / path.name)]

    assert read[0] == read[1]


def test_the_items_of_an_order_are_listed() -> None:
    """One event for all of its rows."""
    path, spec = export("shopify")

    first = events_of(list(read_items(path, spec)))[0]

    assert first["properties"]["products"] == [
        {"product_id": "MSK-1", "sku": "MSK-1", "name": "Mask", "price": 20, "quantity": 1},
        {"product_id": "CRM-1", "sku": "CRM-1", "name": "Cream", "price": 20, "quantity": 2},
    ]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("shopify", ",20.00,House", ",25.00,House"),
        ("woocommerce", "12.50,12.50,EUR", "12.50,5.00,EUR"),
        ("stripe", "12.00,12.00,usd", "12.00,5.00,usd"),
    ],
)
def test_a_refund_that_grows_is_the_same_one(tmp_path: Path, name: str, before: str, after: str) -> None:
    """Its message is another one, so that the amount is taken; the plan knows it by the number of the refund."""
    path, spec = export(name)
    (tmp_path / f"{name}.csv").write_text(path.read_text().replace(before, after))

    refunds = [
        [item for item in read_items(each, spec, Ids()) if b"Order Refunded" in item.event]
        for each in (path, tmp_path / f"{name}.csv")
    ]

    (one,), (other,) = refunds
    assert one.id != other.id
    said, grown = (orjson.loads(item.event)["properties"] for item in (one, other))
    assert said["total"] != grown["total"]
    facts = next(rule for rule in PLAN.rules if rule.name == "Order Refunded").facts
    assert facts(said).refund == facts(grown).refund != ""


def test_an_order_that_was_cancelled_unpaid_is_none(tmp_path: Path) -> None:
    """A shop cancels what was not paid within the hour."""
    path, spec = export("woocommerce")
    (tmp_path / "w.csv").write_text(path.read_text().replace("completed", "cancelled"))

    assert len(events_of(list(read_items(tmp_path / "w.csv", spec)))) == len(EXPECTED["woocommerce"]) - 1


def test_what_nobody_exports_is_told() -> None:
    """With what there is."""
    assert fitting(["customer", "date"]) == ""
    with pytest.raises(WrongUse, match="no ready mapping 'fax'; there are ga4, hubspot"):
        ready_mapping("fax")
