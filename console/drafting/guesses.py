"""What an event and its fields mean, by the names that the shipped plans and widely used SDKs give them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from console.drafting.observed import Field
from plan import EventRule, Plan
from plan.model import Property

__all__ = ["Guesses", "Of", "squeezed"]

_SYNONYMS = {
    "purchase": "Order Completed", "order placed": "Order Completed", "order created": "Order Completed",
    "checkout completed": "Order Completed", "purchase completed": "Order Completed",
    "ecommerce purchase": "Order Completed",
    "refund": "Order Refunded", "charge refunded": "Order Refunded", "view item": "Product Viewed",
    "view item list": "Product List Viewed", "select item": "Product Clicked", "add to cart": "Product Added",
    "remove from cart": "Product Removed", "view cart": "Cart Viewed", "begin checkout": "Checkout Started",
    "add payment info": "Payment Info Entered", "sign up": "Signed Up", "user signed up": "Signed Up",
    "account created": "Signed Up", "registered": "Signed Up", "login": "Signed In", "logged in": "Signed In",
    "user logged in": "Signed In", "search": "Products Searched", "searched": "Products Searched",
    "invoice paid": "Invoice Paid", "invoice payment succeeded": "Invoice Paid",
    "invoice payment failed": "Invoice Overdue", "payment succeeded": "Payment Succeeded",
    "payment failed": "Payment Failed", "customer subscription created": "Subscription Started",
    "subscription created": "Subscription Started", "customer subscription deleted": "Subscription Cancelled",
    "subscription canceled": "Subscription Cancelled", "subscription ended": "Subscription Cancelled",
    "ticket created": "Ticket Opened", "case opened": "Ticket Opened", "ticket closed": "Ticket Solved",
    "ticket resolved": "Ticket Solved", "nps submitted": "NPS Answered", "csat submitted": "CSAT Answered",
    "user left": "Member Left", "member removed": "Member Left", "screen viewed": "Application Opened",
    "app open": "Application Opened", "session start": "Application Opened", "page view": "Application Opened",
    "page viewed": "Application Opened",
}  # fmt: skip
"""Names of GA4, Stripe and others → the shipped plans' name for the same."""

_SUBJECTS = {
    "purchase": "order_id invoice_id transaction_id checkout_id",
    "refund": "order_id invoice_id transaction_id",
    "payment": "payment_id order_id invoice_id",
    "payment_failed": "payment_id invoice_id order_id",
    "subscription": "subscription_id contract_id",
    "ticket": "ticket_id conversation_id case_id",
    "feature_use": "feature feature_name name",
    "view": "product_id sku item_id",
    "cart": "product_id sku item_id",
}
"""By role, or the part of it before its underscore: the fields that say what it is about, the best first."""

_AMOUNTS = "revenue subtotal amount total value mrr price"
_FEW = 8  # values that a field may have, no others
_OPEN = {
    "name", "title", "path", "url", "referrer", "search", "feature", "category", "brand", "variant", "campaign", "city",
}  # fmt: skip
"""Fields that may have other values tomorrow, however few there are."""

_RATED = ("csat", "nps", "ces", "review")
_MONEY = re.compile(r"(^|_)(revenue|subtotal|total|amount|price|mrr|arr|tax|shipping|discount|cost|value|fee|balance)$")
_IDS = re.compile(r"(^|_)(id|ids|sku|number|no|code|uuid|guid)$")
_PII = (
    ("email", re.compile(r"e_?mail(_address)?$")),
    ("phone", re.compile(r"(^|_)(phone|mobile|telephone|tel)(_number)?$")),
    ("name", re.compile(r"(^|_)(first|last|full|given|family|middle)_?name$|^surname$")),
    ("address", re.compile(r"(^|_)(address|street|city|postal_?code|zip(_?code)?|postcode)$")),
    ("ip", re.compile(r"(^|_)ip(_address)?$")),
    ("id", re.compile(r"^(birthday|date_of_birth|username|avatar|user_id)$")),
    ("free_text", re.compile(r"(^|_)(comment|message|query|body|note|notes|text|feedback|search_term)$")),
)


def squeezed(name: str) -> str:
    """A name without case, marks and spaces: `orderId`, `order_id` and `Order ID` are one."""
    return re.sub(r"[\W_]", "", name).casefold()


_MEANT = {squeezed(said): squeezed(meant) for said, meant in _SYNONYMS.items()}


def _snake(name: str) -> str:
    return re.sub(r"\W+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).lower().strip("_")


Of = Literal["traits", "company", "properties"]
"""Whose fields they are: a person's, a company's, an event's."""


class Guesses:
    """Guesses by names.

    Args:
        plans: the shipped ones; the first that knows a name counts.
    """

    def __init__(self, plans: Iterable[Plan]) -> None:
        self._events: dict[str, EventRule] = {}  # by squeezed name
        self._others: dict[str, EventRule] = {}  # by type: calls without a name
        self._fields: dict[Of, dict[str, Property]] = {"traits": {}, "company": {}, "properties": {}}
        for plan in plans:
            self._learn(plan)

    def _learn(self, plan: Plan) -> None:
        for rule in plan.rules:
            if rule.type == "track":
                self._events.setdefault(squeezed(rule.name), rule)
            else:
                self._others.setdefault(rule.type, rule)
            self._note("properties", rule.spec.properties)
        self._note("traits", plan.traits)
        for group in plan.file.groups.values():
            self._note("company", group.traits)

    def _note(self, of: Of, fields: Mapping[str, Property]) -> None:
        for name, prop in fields.items():
            self._fields[of].setdefault(squeezed(name), prop)

    def event(self, type_: str, name: str) -> EventRule | None:
        """The shipped plans' event that a call is; None of one that they do not know."""
        if type_ != "track":
            return self._others.get(type_)
        plain = squeezed(name)
        return self._events.get(plain) or self._events.get(_MEANT.get(plain, ""))

    def description(self, name: str, of: Of, rule: EventRule | None = None) -> str:
        """What a field is, in words.

        Args:
            name: of the field.
            of: whose it is.
            rule: the shipped plans' event that it is a property of.
        """
        own = {squeezed(key): prop for key, prop in rule.spec.properties.items()} if rule is not None else {}
        prop = own.get(squeezed(name)) or self._fields[of].get(squeezed(name))
        if prop is not None:
            return prop.description
        return _snake(name).replace("_", " ").capitalize() or "Say what it is"

    def owner(self, name: str, of: Of) -> tuple[str, str]:
        """Who answers for a trait, and why it is collected, by the shipped plans."""
        trait = self._fields[of].get(squeezed(name))
        return (getattr(trait, "owner", "") or "Say who", getattr(trait, "why", "") or "Say why")

    def pii(self, name: str, values: Field, of: Of) -> str:
        """Class of personal data; "" for none."""
        if values.all_look("email"):
            return "email"
        if not values.kinds.keys() & {"string", "integer", "object"}:
            return ""
        snake = _snake(name)
        if snake == "name" and values.all_of("string"):
            return "name" if of == "traits" else ""
        return next((kind for kind, names in _PII if names.search(snake)), "")

    def type(self, name: str, values: Field) -> str:
        """Type of a field as a plan names it; "" if its values are of several that have nothing in common."""
        snake = _snake(name)
        if values.all_of("string", "integer") and _IDS.search(snake):
            return "id"
        if values.all_of("boolean"):
            return "boolean"
        written = values.all_of("string") and values.looks["number"] == values.count
        if _MONEY.search(snake) and (values.all_of("integer", "number") or written):
            return "money"
        if values.all_of("integer"):
            return "integer"
        if values.all_of("integer", "number"):
            return "number"
        if values.all_look("date-time"):
            return "date-time"
        if values.all_of("string", "integer"):
            return "string" if values.all_of("string") else "id"
        return next((kind for kind in ("array", "object") if values.all_of(kind)), "")

    def enum(self, name: str, values: Field) -> list[str]:
        """The values of a field that has but a few, each of them often; none if it is not so."""
        few = not values.many and 2 <= len(values.values) <= _FEW and values.all_of("string")
        often = values.count >= 20 and values.count >= 5 * len(values.values)
        closed = _snake(name) not in _OPEN and not any(values.looks.values())
        return sorted(map(str, values.values)) if few and often and closed else []

    def facts(self, role: str, types: Mapping[str, str]) -> dict[str, str]:
        """Where the figures of an event of a role come from.

        Args:
            role: of the event.
            types: of its properties, by name; `products[].quantity` of those in lists.
        """
        paths = [name for name in types if re.fullmatch(r"\w+(\[\]\.\w+)?", name)]  # others would be read otherwise
        by_name = {name if "[]" in name else _snake(name): name for name in paths}
        found: dict[str, str] = {}

        def take(fact: str, wanted: Iterable[str], *kinds: str) -> None:
            for name in wanted:
                if name in by_name and types[by_name[name]] in kinds and fact not in found:
                    found[fact] = by_name[name]

        words = (_SUBJECTS.get(role) or _SUBJECTS.get(role.partition("_")[0], "")).split()
        if role in ("purchase", "refund", "payment", "subscription_start", "subscription_renew"):
            take("amount", _AMOUNTS.split(), "money")
        if role in ("purchase", "cart", "feature_use"):
            take("quantity", ("quantity", "items", "products[].quantity"), "integer", "number")
            take("category", ("category", "products[].category"), "string")
        if role in _RATED:
            take("rating", ("score", "rating", "value", "answer"), "integer", "number")
        take("subject", words, "string", "id", "integer")
        if role == "refund":
            take("refund", ("refund_id",), "string", "id", "integer")
        return found
