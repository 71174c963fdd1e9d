"""Identify: whose event it is, which makes it a neutral one.

The event goes to its home, the profile that its strongest identity is by itself, so that all its repeats meet, whatever
was linked meanwhile; a home that was merged away sends it on.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from plan import Plan
from profiles.errors import Unacceptable
from profiles.types import Event
from streams.steps.intake import FORGOTTEN, Each, Intake, Item

__all__ = ["identify"]

_CONTEXT = frozenset(
    {"app", "campaign", "device", "ip", "locale", "os", "page", "referrer", "timezone", "userAgent", "groupId"}
)


def identify(plan: Plan, suppressed: Container[str]) -> Each:
    """The step that finds the home of each event.

    Args:
        plan: says what identifies somebody.
        suppressed: the homes of customers who were erased; false while nobody was.
    """
    extract, home = plan.extract, plan.home

    def find(batch: Intake, item: Item) -> None:
        item.identities = identities = extract(item.raw)
        if not identities:
            raise Unacceptable("no_identity", "none of the plan's identities is in the event, or only blocked values")
        item.home = home(identities[0])
        if suppressed:  # nearly always nobody was
            _leave_out_erased(item)
        item.event = neutral(batch, item)

    def _leave_out_erased(item: Item) -> None:
        if item.home in suppressed:
            raise Unacceptable(FORGOTTEN, "the customer was erased; nothing of the event is kept")
        first, *others = item.identities
        item.identities = [first, *(identity for identity in others if home(identity) not in suppressed)]

    return Each("identify", find)


def neutral(batch: Intake, item: Item) -> Event:
    """The event in words that no plan can rename."""
    raw, rule, record = item.raw, item.rule, item.record
    assert rule is not None
    of_customer = raw["type"] == "identify"
    facts = rule.facts(item.properties)
    return Event(  # by place: names take longer than all the rest of this
        item.home,
        raw["messageId"],
        batch.source,
        raw["type"],
        item.name or raw["type"],
        rule.role,
        item.time,
        item.received,
        item.identities,
        item.properties if of_customer else {},  # traits
        facts.amount,
        facts.currency,
        facts.quantity,
        facts.subject,
        facts.rating,
        {} if of_customer else item.properties,  # properties
        _context(raw.get("context")),
        item.violations,
        (record.topic, record.partition, record.offset),  # origin
        "",  # home
        0,  # position
        facts.category,
    )


def _context(context: Any) -> dict[str, Any]:
    if type(context) is not dict:
        return {}
    return {name: value for name, value in context.items() if name in _CONTEXT}
