"""Identify: whose event it is. One look-up in the store for the whole batch.

The event goes to its home, the profile that its strongest identity is by itself, so that all its repeats meet, whatever
was linked meanwhile; a home that was merged away sends it on. That its identities belong to several profiles is the
linker's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from functools import lru_cache
from typing import Any, Protocol

from profiles.errors import Unacceptable
from profiles.types import Event, Identity, profile_id
from streams.patience import patient
from streams.plan import Plan
from streams.steps.intake import FORGOTTEN, Intake, Item, each

__all__ = ["Links", "identify"]

_CONTEXT = ("app", "campaign", "device", "ip", "locale", "os", "page", "referrer", "timezone", "userAgent", "groupId")


class Links(Protocol):
    """Who knows which identities were linked: the linker's store."""

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        """The profile of each identity that has been linked; unlinked ones are left out."""
        ...


def identify(plan: Plan, links: Links, suppressed: Container[str]) -> Callable[[Intake], Awaitable[None]]:
    """The step.

    Args:
        plan: says what identifies somebody.
        links: which identities belong together.
        suppressed: the homes of customers who were erased.
    """
    own = lru_cache(maxsize=200_000)(lambda identity: profile_id(plan.namespace, identity))

    def find(batch: Intake, item: Item) -> None:
        item.identities = plan.extract(item.raw)
        if not item.identities:
            raise Unacceptable("no_identity", "none of the plan's identities is in the event, or only blocked values")
        if own(item.identities[0]) in suppressed:
            raise Unacceptable(FORGOTTEN, "the customer was erased; nothing of the event is kept")
        item.identities = [identity for identity in item.identities if own(identity) not in suppressed]

    found = each("identify", find)
    look_up = patient(links.profiles_of)

    async def run(batch: Intake) -> None:
        found(batch)
        every = {identity for item in batch.items for identity in item.identities}
        linked = await look_up(list(every))
        for item in batch.items:
            profiles = [linked.get(identity) or own(identity) for identity in item.identities]
            item.event = neutral(batch, item, own(item.identities[0]))
            if len(set(profiles)) > 1:
                batch.links.append((item.event, item.identities))

    run.__name__ = "identify"
    return run


def neutral(batch: Intake, item: Item, home: str) -> Event:
    """The event in words that no plan can rename."""
    raw, rule, record = item.raw, item.rule, item.record
    assert rule is not None
    of_customer = raw["type"] == "identify"
    facts = rule.facts(item.properties)
    return Event(
        profile=home,
        id=raw["messageId"],
        source=batch.source,
        type=raw["type"],
        name=item.name or raw["type"],
        role=rule.role,
        time=item.time,
        received=item.received,
        identities=item.identities,
        traits=item.properties if of_customer else {},
        amount=facts.amount,
        currency=facts.currency,
        quantity=facts.quantity,
        subject=facts.subject,
        rating=facts.rating,
        properties={} if of_customer else item.properties,
        context=_context(raw.get("context")),
        violations=item.violations,
        origin=(record.topic, record.partition, record.offset),
        category=facts.category,
    )


def _context(context: Any) -> dict[str, Any]:
    if type(context) is not dict:
        return {}
    return {name: context[name] for name in _CONTEXT if name in context}
