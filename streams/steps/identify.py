"""Identify: whose event it is, which makes it a neutral one; and in which events several profiles meet.

The event goes to its home, the profile that its strongest identity is by itself, so that all its repeats meet, whatever
was linked meanwhile; a home that was merged away sends it on. That its identities belong to several profiles is the
linker's business.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from plan import Plan
from profiles.errors import Unacceptable
from profiles.identity.extract import Extractor, InexactNumber
from profiles.types import Event, Identity
from streams.collector.json_text import loads_exactly
from streams.records.links import LinkRequest
from streams.records.unforeseen import unreadable
from streams.retry import retrying
from streams.steps.intake import FORGOTTEN, Each, Intake, Item

__all__ = ["NOBODY", "Erased", "Links", "identify", "meet"]

_GENERATED = re.compile(r"[0-9A-Za-z_-]{20,}")  # as SDKs make the ids of browsers
_CONTEXT = frozenset(
    {"app", "campaign", "device", "ip", "locale", "os", "page", "referrer", "timezone", "userAgent", "groupId"}
)


class Erased(Protocol):
    """Knows which customers were erased; false while nobody was."""

    def __bool__(self) -> bool: ...

    def drops(self, home: str, time: float) -> bool:
        """Whether what happened to a home at a time is of an erased customer, or company."""
        ...

    def erased_before(self, home: str, time: float) -> bool:
        """Whether a home was erased before a time, and is."""
        ...


class _Nobody:
    def __bool__(self) -> bool:
        return False

    def drops(self, home: str, time: float) -> bool:
        return False

    def erased_before(self, home: str, time: float) -> bool:
        return False


NOBODY: Erased = _Nobody()
"""Nobody was erased."""


def identify(plan: Plan, erased: Erased) -> Each:
    """The step that finds the home of each event.

    Args:
        plan: says what identifies somebody.
        erased: which customers were.
    """
    extract, home, public, weigh = plan.extract, plan.home, plan.trust.public, plan.trust.weigh
    group_of = plan.group_of
    weighs_remembered = plan.weighs_remembered

    def find(batch: Intake, item: Item) -> None:
        try:
            identities = extract(item.raw)
        except InexactNumber:
            item.raw = {**loads_exactly(item.record.value), "messageId": item.raw["messageId"]}
            identities = extract(item.raw)
        if not identities:
            raise Unacceptable("no_identity", "none of the plan's identities is in the event, or only blocked values")
        if batch.source in public:
            identities, item.standing = weigh(item.raw, identities)
            if item.standing.remark:
                item.violations = [*item.violations, item.standing.remark]
        if len(identities) > 1:
            item.along = _along(item.raw)
            if item.raw["type"] == "alias" and (remark := _accounts(item.raw, identities)):
                item.violations = [*item.violations, remark]
        item.identities = identities
        item.home = home(identities[0])
        if erased:  # nearly always nobody was
            _leave_out_erased(batch, item)
        item.event = event = neutral(batch, item)
        if group_of is not None and item.rule is not None:
            event.group = group_of(item.raw, item.rule, item.properties)
            if erased and event.group is not None and erased.drops(plan.company(event.group.company), item.time):
                item.event = event = plan.unname(event)
        if item.along is not None and event.type in weighs_remembered:
            event.remembered = _remembered(extract, item)
        if batch.source in public:
            event.signed = item.standing.signed

    def _leave_out_erased(batch: Intake, item: Item) -> None:
        time = item.time
        if erased.drops(item.home, time):
            raise Unacceptable(FORGOTTEN, "the customer was erased; nothing of the event is kept")
        # What somebody else says is theirs, and said so after the erasure, the linker lets them have; what an SDK
        # only remembers they have not said.
        states = item.raw["type"] == "identify" and (batch.source not in public or item.standing.signed)
        along = _remembered(extract, item)
        item.erased = [identity for identity in along if erased.drops(home(identity), time)]
        first, *others = item.identities
        left = [
            identity
            for identity in others
            if not erased.drops(home(identity), time)
            or (states and identity not in along and erased.erased_before(home(identity), time))
        ]
        item.identities = [first, *left]
        if batch.source in public:
            unlinked = [identity for identity in item.standing.unlinked if not erased.drops(home(identity), time)]
            item.standing = item.standing._replace(unlinked=unlinked)

    return Each("identify", find)


def _accounts(raw: dict[str, Any], identities: Sequence[Identity]) -> str:
    """The remark on an alias that seems to name another account, which the plan takes for a browser; else ""."""
    user, previous = raw.get("userId"), raw.get("previousId")
    if user is None or type(previous) is not str or _GENERATED.fullmatch(previous):
        return ""
    accounts = {kind for kind, value in identities if value == user}
    if any(value == previous and kind in accounts for kind, value in identities):
        return ""  # the plan takes it for an account
    return (
        "previousId: seems to be an account; two accounts become one by `rapport identity join`, or where the plan "
        "says `alias: join`"
    )


def _along(raw: dict[str, Any]) -> tuple[Any, dict[str, Any]] | None:
    """The traits that are said, and those that an SDK has sent along, of whom it remembers; None without such.

    What an identify call says only there is said. Both are as they were sent: an event holds long numbers rounded.
    """
    context = raw.get("context")
    traits = context.get("traits") if type(context) is dict else None
    said = raw.get("traits") if raw["type"] == "identify" else None
    if type(traits) is not dict or (raw["type"] == "identify" and not said):
        return None
    return said, traits


def _remembered(extract: Extractor, item: Item) -> list[Identity]:
    """The identities that an event only carries along; none of who was erased."""
    if item.along is None:
        return []
    said, along = item.along
    named = extract({"traits": said})
    hidden = (*named, *item.erased)
    return [identity for identity in extract({"context": {"traits": along}}) if identity not in hidden]


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
        None,  # claim
        facts.refund,
        None,  # group
        [],  # remembered
        False,  # signed
        facts.terms,
        {} if rule.shown is None else rule.shown(item.properties),
    )


def _context(context: Any) -> dict[str, Any]:
    if type(context) is not dict:
        return {}
    kept = {name: value for name, value in context.items() if name in _CONTEXT}
    if "location" in context and type(location := context["location"]) is dict and location.get("country"):
        kept["location"] = {"country": location["country"]}  # where exactly somebody is, nobody needs
    return kept


class Links(Protocol):
    """Knows which identities were linked; the linker's store does."""

    async def met(
        self, identities: Sequence[Identity], stated: Sequence[Identity]
    ) -> tuple[dict[Identity, str], set[Identity]]:
        """The profile of each identity that has been linked; and which of those that are stated several claim."""
        ...


def meet(plan: Plan, links: Links) -> Callable[[Intake], Awaitable[None]]:
    """The step that finds the events in which several profiles meet, by one look-up for the whole batch.

    And those in which a customer states what others claim, too, and the plan gives to whom it has gone last: whether
    they still say so decides.

    Args:
        plan: says which profile an identity is by itself.
        links: which identities belong together.
    """
    home, extract, kinds = plan.home, plan.extract, plan.keeps_last

    def asked(item: Item, event: Event) -> LinkRequest:
        request = LinkRequest(item.identities, event.time, event.source, event.id, event.signed)
        request.stated, request.alias = event.type == "identify", event.type == "alias"
        request.remembered = event.remembered or _remembered(extract, item)
        return request

    def stated(item: Item) -> list[Identity]:
        if item.event is None or item.event.type != "identify":
            return []
        return [identity for identity in item.identities[1:] if identity[0] in kinds]

    look_up = retrying(links.met)

    async def run(batch: Intake) -> None:
        several = [item for item in batch.items if len(item.identities) > 1]
        every = list({identity for item in several for identity in item.identities})
        said = list({identity for item in several for identity in stated(item)}) if kinds else []
        linked, contested = await look_up(every, said)
        refused: set[Item] = set()
        for item in several:
            profiles = {linked.get(identity) or home(identity) for identity in item.identities}
            if item.event is not None and (len(profiles) > 1 or (contested and not contested.isdisjoint(stated(item)))):
                try:
                    batch.links.append(asked(item, item.event))
                except Exception as error:
                    batch.reject(item, "meet", unreadable("meet", error))
                    refused.add(item)
        if refused:
            batch.items = [item for item in batch.items if item not in refused]

    return run
