"""Where facts that only the archive and traces have are found: where the plan says, else under usual names.

What the plan calls personal is looked at nowhere but for `text`, which is of properties of the class `free_text` only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plan.facts import SUBSCRIPTION
from plan.rule import EventRule

__all__ = ["ITEM", "NAMES", "ORDER", "channel_by_name", "paths_of"]

NAMES: dict[str, tuple[str, ...]] = {
    "product": ("product_id", "productId", "item_id", "sku"),
    "feature": ("feature", "feature_name"),
    "topic": ("topic",),
    "reason": ("reason", "cancel_reason", "cancellation_reason", "cancellation_details.reason", "return_reason"),
    "discount": ("discount", "discount_amount", "total_discount"),
    "shipping": ("shipping", "shipping_cost", "shipping_amount"),
    "channel": ("channel",),
    "utm_source": ("utm_source", "campaign.source"),
    "utm_medium": ("utm_medium", "campaign.medium"),
    "utm_campaign": ("utm_campaign", "campaign.name"),
    "referrer": ("referrer",),
    "department": ("department", "team"),
    "agent": ("agent_id", "agent", "assignee_id", "assignee"),
    "resolution": ("resolution",),
    "results": ("results", "results_count", "result_count", "nb_hits"),
    "in_stock": ("in_stock", "inStock", "availability"),
    "language": ("language",),
    "plan": ("plan", "plan_name", "plan.name", "plan_id"),
    "seats": ("seats",),
    "mrr": ("mrr",),
    "interval": ("interval", "billing_interval", "billing_period"),
    "starts": ("starts_at", "start_date", "trial_start_date", "current_period_start", "period_start"),
    "ends": ("ends_at", "end_date", "trial_end_date", "current_period_end", "period_end"),
}
"""Where a fact is found of which the plan says nothing."""

_SERVICE = frozenset({"ticket_opened", "ticket_solved", "ticket_reopened", "ticket_replied", "complaint", "inquiry"})
_CONTACT = frozenset({"contact_made", "contact_opened", "contact_clicked", "unsubscribe"})
ORDER = frozenset({"purchase", "refund"})
_OF_ROLES: tuple[tuple[frozenset[str], str, tuple[str, ...]], ...] = (
    (_SERVICE, "topic", ("type", "issue_type", "ticket_type", "category")),
    (_CONTACT, "utm_campaign", ("campaign", "campaign_name", "campaign_id")),
    (ORDER, "cost", ("cost", "cost_of_goods", "cogs")),
    (SUBSCRIPTION, "interval", ("period",)),
    (SUBSCRIPTION, "ends", ("next_payment_at", "expires_at", "renews_at")),
    (frozenset({"invoice"}), "ends", ("due_at", "due_date")),
)
"""The same, of roles in which these names mean it, too."""

_LISTS = ("products", "items", "line_items")
_LISTING = frozenset({"purchase", "refund", "cart", "checkout", "order_cancelled", "return"})
"""Roles whose products become `items`: what is only shown in a list does not."""
ITEM: dict[str, tuple[str, ...]] = {
    "product": ("product_id", "productId", "item_id", "sku", "id", "name"),
    "category": ("category", "item_category"),
    "quantity": ("quantity", "qty"),
    "price": ("price", "unit_price"),
    "cost": ("cost", "unit_cost", "cogs"),
}


_CHANNELS = {"Email ": "email", "Push Notification ": "push", "SMS ": "sms", "Live Chat ": "chat"}
"""How events of Segment's specifications begin that happen through a channel."""


def channel_by_name(name: str) -> str | None:
    """The channel that the name of an event says; None for none."""
    return next((channel for begin, channel in _CHANNELS.items() if name.startswith(begin)), None)


def paths_of(rule: EventRule | None, role: str, facts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By fact, where it is found.

    Args:
        rule: of the plan; None for an event that is not planned.
        role: of the event.
        facts: which.
    """
    said = {} if rule is None else {name: getattr(rule.spec.facts, name) for name in facts if name != "company"}
    personal = {} if rule is None else rule.pii
    paths: dict[str, tuple[str, ...]] = {}
    usual = dict(NAMES)
    for roles, fact, names in _OF_ROLES:
        if role in roles:
            usual[fact] = (*usual.get(fact, ()), *names)
    if role in _LISTING:
        usual["items"] = _LISTS
    for fact in facts:
        given = said.get(fact) or tuple(path for path in usual.get(fact, ()) if not _is_personal(path, personal))
        if given:
            paths[fact] = given
    written = [path for path, pii in personal.items() if pii == "free_text"]
    if "text" in facts and "text" not in paths and written:
        paths["text"] = tuple(path for path in written if "[]" not in path)
    return paths


def _is_personal(path: str, personal: Mapping[str, str]) -> bool:
    parts = path.split(".")
    return any(".".join(parts[: end + 1]) in personal for end in range(len(parts)))
