"""What services send, in the shapes that their documentation gives, with made-up values; and how they sign it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from standardwebhooks.webhooks import Webhook

NOW = 1_795_000_000.0  # 2026-11-18
SECRETS = {
    "chatwoot": "chat-secret",
    "generic": "whsec_" + base64.b64encode(b"g" * 32).decode(),
    "intercom": "inter-secret",
    "shopify": "shop-secret",
    "stripe": "whsec_stripe",
    "woocommerce": "woo-secret",
    "zendesk": "zen-secret",
}

Headers = dict[str, str]


def _hmac(service: str, signed: bytes, kind: str = "sha256") -> hmac.HMAC:
    return hmac.new(SECRETS[service].encode(), signed, kind)


def _of_body(service: str, name: str, topic: str) -> Callable[[bytes, str, float], Headers]:
    def sign(body: bytes, kind: str, at: float) -> Headers:
        return {name: base64.b64encode(_hmac(service, body).digest()).decode(), topic: kind}

    return sign


def _stripe(body: bytes, kind: str, at: float) -> Headers:
    mac = _hmac("stripe", f"{at:.0f}.".encode() + body).hexdigest()
    return {"stripe-signature": f"t={at:.0f},v1={'0' * 64},v1={mac},v0=old"}


def _chatwoot(body: bytes, kind: str, at: float) -> Headers:
    mac = _hmac("chatwoot", f"{at:.0f}.".encode() + body).hexdigest()
    return {"x-chatwoot-timestamp": f"{at:.0f}", "x-chatwoot-signature": f"sha256={mac}"}


def _zendesk(body: bytes, kind: str, at: float) -> Headers:
    time = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    mac = base64.b64encode(_hmac("zendesk", time.encode() + body).digest()).decode()
    return {"x-zendesk-webhook-signature": mac, "x-zendesk-webhook-signature-timestamp": time}


def _intercom(body: bytes, kind: str, at: float) -> Headers:
    return {"x-hub-signature": f"sha1={hmac.new(SECRETS['intercom'].encode(), body, hashlib.sha1).hexdigest()}"}


def _standard(body: bytes, kind: str, at: float) -> Headers:
    signature = Webhook(SECRETS["generic"]).sign("msg_1", datetime.fromtimestamp(int(at), UTC), body.decode())
    return {"webhook-id": "msg_1", "webhook-timestamp": f"{int(at)}", "webhook-signature": signature}


SIGN: dict[str, Callable[[bytes, str, float], Headers]] = {
    "chatwoot": _chatwoot,
    "generic": _standard,
    "intercom": _intercom,
    "shopify": _of_body("shopify", "x-shopify-hmac-sha256", "x-shopify-topic"),
    "stripe": _stripe,
    "woocommerce": _of_body("woocommerce", "x-wc-webhook-signature", "x-wc-webhook-topic"),
    "zendesk": _zendesk,
}
"""Service → headers of a body of a kind that is sent at a time."""


class Sent(NamedTuple):
    """A request, and what it means."""

    service: str
    kind: str
    body: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]  # name, and some of what is in it, by path
    source: str = "purchase"

    @property
    def raw(self) -> bytes:
        return json.dumps(self.body).encode()

    def headers(self, at: float = NOW) -> Headers:
        return SIGN[self.service](self.raw, self.kind, at)


def _charge(**more: Any) -> dict[str, Any]:
    return {
        "id": "ch_3Pq",
        "object": "charge",
        "amount": 4999,
        "amount_refunded": 0,
        "currency": "eur",
        "created": 1794990000,
        "billing_details": {"email": "daan@example.com", "name": "Daan", "phone": None},
        "receipt_email": None,
        "metadata": {"order_id": "A-1001"},
        "payment_method_details": {"type": "card", "card": {"brand": "visa"}},
        "customer": "cus_9",
        "paid": True,
        "status": "succeeded",
        "refunds": None,
        **more,
    }


def _stripe_event(kind: str, object_: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "evt_1Pq",
        "object": "event",
        "api_version": "2026-09-30.basil",
        "created": 1794990001,
        "type": kind,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None},
        "data": {"object": object_},
    }


_SUBSCRIPTION = {
    "id": "sub_1",
    "object": "subscription",
    "customer": "cus_9",
    "currency": "jpy",
    "status": "active",
    "metadata": {"user_id": "42"},
    "cancellation_details": {"comment": "Too dear", "feedback": "too_expensive", "reason": "cancellation_requested"},
    "ended_at": 1794990000,
    "items": {
        "object": "list",
        "data": [
            {
                "current_period_end": 1797600000,
                "price": {
                    "lookup_key": "plus",
                    "unit_amount": 1200,
                    "currency": "jpy",
                    "recurring": {"interval": "month"},
                },
            }
        ],
    },
}
_ORDER = {
    "id": 820982911946154508,
    "name": "#1001",
    "email": "lena@example.com",
    "contact_email": "lena@example.com",
    "phone": None,
    "created_at": "2026-11-17T11:00:00-05:00",
    "processed_at": "2026-11-17T11:00:01-05:00",
    "updated_at": "2026-11-17T22:00:00-05:00",
    "cancelled_at": "2026-11-17T22:30:00-05:00",
    "cancel_reason": "customer",
    "currency": "EUR",
    "financial_status": "paid",
    "subtotal_price": "94.50",
    "total_price": "99.50",
    "total_tax": "15.10",
    "total_discounts": "5.00",
    "total_shipping_price_set": {"shop_money": {"amount": "5.00", "currency_code": "EUR"}},
    "discount_codes": [{"code": "WELCOME", "amount": "5.00", "type": "fixed_amount"}],
    "payment_gateway_names": ["visa"],
    "shipping_address": {"country": "Netherlands", "city": "Utrecht"},
    "customer": {"id": 7, "email": "lena@example.com"},
    "line_items": [
        {"id": 1, "product_id": 11, "sku": "TEA-1", "title": "Green tea", "price": "39.75", "quantity": 2},
        {"id": 2, "product_id": 12, "sku": None, "title": "Pot", "price": "20.00", "quantity": 1},
    ],
    "refunds": [
        {
            "id": 901,
            "created_at": "2026-11-17T21:00:00-05:00",
            "note": "broken",
            "transactions": [{"amount": "20.00", "currency": "EUR"}],
        },
        {
            "id": 902,
            "created_at": "2026-11-17T22:00:00-05:00",
            "note": None,
            "transactions": [{"amount": "5.00", "currency": "EUR"}],
        },
    ],
}
_WOO = {
    "id": 727,
    "number": "727",
    "status": "processing",
    "currency": "EUR",
    "date_created_gmt": "2026-11-17T11:00:00",
    "date_paid_gmt": "2026-11-17T11:02:00",
    "date_modified_gmt": "2026-11-18T09:00:00",
    "total": "29.35",
    "discount_total": "0.00",
    "shipping_total": "10.00",
    "total_tax": "1.35",
    "payment_method": "ideal",
    "payment_method_title": "iDEAL",
    "billing": {"first_name": "Mei", "email": "mei@example.com", "phone": "+31612345678", "country": "NL"},
    "shipping": {"country": "NL"},
    "line_items": [{"id": 315, "name": "Tea", "product_id": 93, "quantity": 2, "sku": "", "price": 9.0}],
    "coupon_lines": [],
    "refunds": [{"id": 728, "reason": "", "total": "-10.00"}],
}
_TICKET = {
    "time": "2026-11-18T09:00:00Z",
    "ticket": {"id": "35436", "priority": "High", "kind": "Problem", "channel": "Web Widget", "subject": "It leaks"},
    "requester": {"email": "omar@example.com", "external_id": ""},
}
_CONVERSATION = {
    "type": "conversation",
    "id": "147",
    "created_at": 1794990000,
    "priority": "priority",
    "source": {"type": "email", "subject": "Help", "author": {"type": "user", "id": "6", "email": "ana@example.com"}},
    "contacts": {"type": "contact.list", "contacts": [{"type": "contact", "id": "6", "external_id": "42"}]},
    "conversation_rating": {"rating": 4, "remark": "Quick"},
}
_CHAT = {
    "id": 12,
    "channel": "Channel::WebWidget",
    "status": "resolved",
    "priority": "medium",
    "created_at": 1794990000,
    "updated_at": 1794993000.5,
    "meta": {
        "sender": {"id": 3, "name": "Kim", "email": "kim@example.com", "phone_number": None, "identifier": "42"},
        "assignee": None,
    },
}


def _intercom_event(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "notification_event",
        "app_id": "a1",
        "id": "notif_1",
        "topic": kind,
        "created_at": 1794993000,
        "data": {"type": "notification_event_data", "item": item},
    }


SENT = [
    Sent(
        "stripe",
        "charge.succeeded",
        _stripe_event("charge.succeeded", _charge()),
        [
            (
                "Payment Succeeded",
                {
                    "properties.amount": 49.99,
                    "properties.currency": "EUR",
                    "properties.payment_id": "ch_3Pq",
                    "properties.order_id": "A-1001",
                    "messageId": "stripe-ch_3Pq-Paid",
                },
            )
        ],
    ),
    Sent(
        "stripe",
        "charge.failed",
        _stripe_event("charge.failed", _charge(failure_code="card_declined")),
        [("Payment Failed", {"properties.reason": "card_declined"})],
    ),
    Sent(
        "stripe",
        "charge.refunded",
        _stripe_event("charge.refunded", _charge(amount_refunded=2000)),
        [("Order Refunded", {"properties.total": 20.0, "properties.order_id": "ch_3Pq"})],
    ),
    Sent(
        "stripe",
        "customer.subscription.created",
        _stripe_event("customer.subscription.created", _SUBSCRIPTION),
        [
            (
                "Subscription Started",
                {"userId": "42", "properties.price": 1200.0, "properties.period": "month", "properties.plan": "plus"},
            )
        ],
    ),
    Sent(
        "stripe",
        "customer.subscription.updated",
        _stripe_event("customer.subscription.updated", _SUBSCRIPTION),
        [("Subscription Changed", {"properties.subscription_id": "sub_1"})],
    ),
    Sent(
        "stripe",
        "customer.subscription.deleted",
        _stripe_event("customer.subscription.deleted", _SUBSCRIPTION),
        [("Subscription Cancelled", {"properties.reason": "price", "properties.comment": "Too dear"})],
    ),
    Sent(
        "stripe",
        "customer.updated",
        _stripe_event(
            "customer.updated",
            {"id": "cus_9", "email": "daan@example.com", "name": "Daan Weber", "phone": None, "metadata": {}},
        ),
        [("", {"traits.email": "daan@example.com", "traits.name": "Daan Weber"})],
    ),
    Sent(
        "shopify",
        "orders/paid",
        _ORDER,
        [
            (
                "Order Completed",
                {
                    "properties.order_id": "#1001",
                    "properties.revenue": 94.5,
                    "properties.shipping": 5.0,
                    "properties.products.0.product_id": "TEA-1",
                    "properties.products.1.product_id": "12",
                    "properties.coupon": "WELCOME",
                },
            )
        ],
    ),
    Sent(
        "shopify",
        "orders/updated",
        _ORDER,
        [
            ("Order Updated", {"properties.total": 99.5}),
            ("Order Refunded", {"properties.total": 20.0, "properties.refund_id": "901"}),
            ("Order Refunded", {"properties.total": 5.0, "properties.refund_id": "902"}),
        ],
    ),
    Sent(
        "shopify",
        "orders/paid",
        {**_ORDER, "line_items": [], "name": "#1002"},
        [("Order Completed", {"properties.order_id": "#1002"})],
    ),
    Sent("shopify", "orders/cancelled", _ORDER, [("Order Cancelled", {"properties.reason": "customer"})]),
    Sent(
        "shopify",
        "customers/update",
        {
            "id": 7,
            "email": "lena@example.com",
            "first_name": "Lena",
            "last_name": "Vos",
            "phone": None,
            "updated_at": "2026-11-17T22:00:00-05:00",
        },
        [("", {"traits.firstName": "Lena"})],
    ),
    Sent(
        "woocommerce",
        "order.updated",
        _WOO,
        [
            ("Order Completed", {"properties.revenue": 29.35, "properties.products.0.quantity": 2.0}),
            ("Order Refunded", {"properties.total": 10.0, "properties.refund_id": "728"}),
        ],
    ),
    Sent("woocommerce", "order.updated", {**_WOO, "status": "cancelled", "refunds": []}, [("Order Cancelled", {})]),
    Sent("woocommerce", "order.created", {**_WOO, "status": "pending", "refunds": []}, []),
    Sent(
        "woocommerce",
        "customer.created",
        {
            "id": 25,
            "email": "mei@example.com",
            "first_name": "Mei",
            "last_name": "Li",
            "billing": {"phone": ""},
            "date_created_gmt": "2026-11-17T11:00:00",
            "date_modified_gmt": "2026-11-17T11:00:00",
        },
        [("", {"traits.lastName": "Li"})],
    ),
    Sent(
        "zendesk",
        "ticket.opened",
        {"type": "ticket.opened", **_TICKET},
        [
            (
                "Ticket Opened",
                {"properties.priority": "high", "properties.type": "problem", "properties.channel": "form"},
            )
        ],
        "support",
    ),
    Sent(
        "zendesk",
        "ticket.solved",
        {"type": "ticket.solved", **_TICKET},
        [("Ticket Solved", {"properties.ticket_id": "35436"})],
        "support",
    ),
    Sent("zendesk", "ticket.reopened", {"type": "ticket.reopened", **_TICKET}, [("Ticket Reopened", {})], "support"),
    Sent(
        "zendesk",
        "ticket.rated",
        {"type": "ticket.rated", "score": 5, "comment": "Kind", **_TICKET},
        [("CSAT Answered", {"properties.score": 5, "properties.comment": "Kind"})],
        "support",
    ),
    Sent(
        "intercom",
        "conversation.user.created",
        _intercom_event("conversation.user.created", _CONVERSATION),
        [("Ticket Opened", {"userId": "42", "properties.channel": "email", "properties.priority": "high"})],
        "support",
    ),
    Sent(
        "intercom",
        "conversation.admin.closed",
        _intercom_event("conversation.admin.closed", _CONVERSATION),
        [("Ticket Solved", {})],
        "support",
    ),
    Sent(
        "intercom",
        "conversation.rating.added",
        _intercom_event("conversation.rating.added", _CONVERSATION),
        [("CSAT Answered", {"properties.score": 4, "properties.comment": "Quick"})],
        "support",
    ),
    Sent(
        "intercom",
        "contact.user.updated",
        _intercom_event(
            "contact.user.updated",
            {
                "type": "contact",
                "id": "6",
                "external_id": "42",
                "email": "ana@example.com",
                "phone": None,
                "name": "Ana",
            },
        ),
        [("", {"userId": "42", "traits.name": "Ana"})],
        "support",
    ),
    Sent("intercom", "ping", _intercom_event("ping", {"type": "ping"}), [], "support"),
    Sent(
        "chatwoot",
        "conversation_created",
        {"event": "conversation_created", **_CHAT},
        [("Ticket Opened", {"userId": "42", "properties.channel": "chat", "properties.priority": "normal"})],
        "support",
    ),
    Sent(
        "chatwoot",
        "conversation_status_changed",
        {"event": "conversation_status_changed", **_CHAT},
        [("Ticket Solved", {})],
        "support",
    ),
    Sent(
        "chatwoot",
        "conversation_status_changed",
        {"event": "conversation_status_changed", **_CHAT, "status": "open"},
        [],
        "support",
    ),
    Sent(
        "chatwoot",
        "contact_updated",
        {
            "event": "contact_updated",
            "id": 3,
            "name": "Kim",
            "email": "kim@example.com",
            "phone_number": "+31612345678",
            "identifier": None,
        },
        [("", {"traits.phone": "+31612345678"})],
        "support",
    ),
    Sent(
        "chatwoot",
        "message_updated",
        {
            "event": "message_updated",
            "id": 77,
            "content_type": "input_csat",
            "created_at": "2026-11-18T09:00:00Z",
            "content_attributes": {
                "submitted_values": {"csat_survey_response": {"rating": 5, "feedback_message": "Great"}}
            },
            "conversation": _CHAT,
        },
        [("CSAT Answered", {"properties.score": 5, "properties.ticket_id": "12"})],
        "support",
    ),
    Sent(
        "chatwoot",
        "message_updated",
        {"event": "message_updated", "id": 78, "content_type": "text", "content_attributes": {}, "conversation": _CHAT},
        [],
        "support",
    ),
    Sent(
        "generic",
        "seat.added",
        {"type": "seat.added", "who": "42", "at": "2026-11-18T09:00:00Z", "nps": 9},
        [("NPS Answered", {"properties.score": 9})],
        "support",
    ),
]
"""Requests of every service."""

OWN_MAPPING = """
seat.added:
  event: NPS Answered
  map: {user_id: who, timestamp: at, properties.score: "nps:int"}
"""
