"""Identify: whose event it is, which makes it a neutral one; and in which events several profiles meet.

The event goes to its home, the profile that its strongest identity is by itself, so that all its repeats meet, whatever
was linked meanwhile; a home that was merged away sends it on. That its identities belong to several profiles is the
linker's business.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Any, Protocol

from plan import Plan
from profiles.errors import Unacceptable
from profiles.types import Event, Identity
from streams.records.links import LinkRequest
from streams.retry import retrying
from streams.steps.intake import FORGOTTEN, Each, Intake, Item

__all__ = ["Links", "identify", "meet"]

_CONTEXT = frozenset(
    {"app", "campaign", "device", "ip", "locale", "os", "page", "referrer", "timezone", "userAgent", "groupId"}
)


def identify(plan: Plan, suppressed: Container[str]) -> Each:
    """The step that finds the home of each event.

    Args:
        plan: says what identifies somebody.
        suppressed: the homes of customers who were erased; false while nobody was.
    """
    extract, home, public, weigh = plan.extract, plan.home, plan.trust.public, plan.trust.weigh

    def find(batch: Intake, item: Item) -> None:
        identities = extract(item.raw)
        if not identities:
            raise Unacceptable("no_identity", "none of the plan's identities is in the event, or only blocked values")
        if batch.source in public:
            identities, item.standing = weigh(item.raw, identities)
            if item.standing.remark:
                item.violations = [*item.violations, item.standing.remark]
        item.identities = identities
        item.home = home(identities[0])
        if suppressed:  # nearly always nobody was
            _leave_out_erased(batch, item)
        item.event = neutral(batch, item)

    def _leave_out_erased(batch: Intake, item: Item) -> None:
        if item.home in suppressed:
            raise Unacceptable(FORGOTTEN, "the customer was erased; nothing of the event is kept")
        first, *others = item.identities
        item.identities = [first, *(identity for identity in others if home(identity) not in suppressed)]
        if batch.source in public:
            unlinked = [identity for identity in item.standing.unlinked if home(identity) not in suppressed]
            item.standing = item.standing._replace(unlinked=unlinked)

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


class Links(Protocol):
    """Knows which identities were linked; the linker's store does."""

    async def profiles_of(self, identities: Sequence[Identity]) -> dict[Identity, str]:
        """The profile of each identity that has been linked; unlinked ones are left out."""
        ...


def meet(plan: Plan, links: Links) -> Callable[[Intake], Awaitable[None]]:
    """The step that finds the events in which several profiles meet, by one look-up for the whole batch.

    Args:
        plan: says which profile an identity is by itself.
        links: which identities belong together.
    """
    home, public = plan.home, plan.trust.public
    look_up = retrying(links.profiles_of)

    async def run(batch: Intake) -> None:
        several = [item for item in batch.items if len(item.identities) > 1]
        linked = await look_up(list({identity for item in several for identity in item.identities}))
        for item in several:
            profiles = {linked.get(identity) or home(identity) for identity in item.identities}
            if len(profiles) > 1 and item.event is not None:
                signed = batch.source in public and item.standing.signed
                event = item.event
                batch.links.append(LinkRequest(item.identities, event.time, event.source, event.id, signed))

    return run
