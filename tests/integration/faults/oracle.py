"""What every profile must be: computed plainly, by one thread, from what the source topics hold.

The oracle knows the plan, the rule by which links are decided, and the names of identities and events. It does not
know batches, offsets, commits, tombstones that send on, or how a profile is kept up to date: it looks at the list of
all events of a person and writes down what must come out.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from plan import Plan
from profiles.timeline import OF_ROLE, mark_of, pack_entry
from profiles.types import (
    HALF_LIVES,
    ORDER_HALF_LIVES,
    SPEND_HALF_LIVES,
    Identity,
    ToldEntry,
    event_digest,
    profile_id,
)
from profiles.units import LinkState
from streams.identity.graph import Graph
from streams.records.links import LinkRequest, Request, SplitDone
from streams.steps.check import check
from streams.steps.decode import decode
from streams.steps.intake import Intake, Item
from tests.integration.faults.companies import counting

__all__ = ["Happening", "Links", "Portrait", "Stored", "Truth", "accept", "portrait_of", "truth_of"]

Portrait = dict[str, Any]
"""What can be said of a customer, in plain types; see `portrait_of`."""

TICKETS, RECENT = 16, 32  # how many a profile keeps


class Stored(NamedTuple):
    """One record of a topic, as Kafka has it."""

    topic: str
    partition: int
    offset: int
    timestamp: int  # milliseconds
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(slots=True)
class Happening:
    """One accepted event."""

    source: str
    id: str
    name: str
    role: str
    time: float
    identities: list[Identity]
    traits: dict[str, Any]
    amount: int
    currency: str
    quantity: float
    subject: str
    rating: float | None
    category: str = ""
    company: str = ""  # that it names
    shown: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> bytes:
        return event_digest(self.source, self.id)


@dataclass(slots=True)
class Links:
    """The graph of identities after reading every request in order."""

    mapping: dict[Identity, str] = field(default_factory=dict)  # of identities that were linked
    held: dict[str, list[Identity]] = field(default_factory=dict)  # profile → its linked identities
    merges: int = 0
    refused: int = 0
    requested: set[tuple[Identity, ...]] = field(default_factory=set)


@dataclass(slots=True)
class Truth:
    """What must be the case."""

    profiles: dict[str, Portrait]  # by id
    tombstones: dict[str, str]  # profile that became another → which one in the end
    happened: set[tuple[str, str, str]]  # (home, source, messageId) of every accepted event
    links: Links
    rejected: dict[tuple[str, int, int], bytes]  # (topic, partition, offset) → bytes
    ids: set[tuple[str, str]]  # (source, messageId) of every record that could be read
    accepted: int
    repeats: int
    missing_links: list[tuple[Identity, ...]]  # met in one event, not one person, and nobody was asked
    namespace: uuid.UUID
    plan: Plan
    companies: dict[str, tuple[set[str], Portrait]]  # by id of the document: members, and what it is; {} if unclear

    def owner(self, identity: Identity) -> str:
        """The profile that an identity belongs to."""
        return self.links.mapping.get(identity) or profile_id(self.namespace, identity)


def truth_of(plan: Plan, sources: Mapping[str, Sequence[Stored]], links: Iterable[bytes], shown: int) -> Truth:
    """Everything that must come out.

    Args:
        plan: the tracking plan.
        sources: source name → records of its topic, those of one partition in order.
        links: the values of `identity.links`, in order.
        shown: how many events a profile's timeline shows.
    """
    by_home: defaultdict[str, dict[bytes, Happening]] = defaultdict(dict)
    rejected: dict[tuple[str, int, int], bytes] = {}
    ids: set[tuple[str, str]] = set()
    together: set[tuple[Identity, ...]] = set()
    accepted = repeats = 0
    for source, records in sources.items():
        happenings, refused = accept(plan, source, records)
        rejected |= refused
        ids |= {(source, id_) for id_ in _ids(records)}
        for one in happenings:
            accepted += 1
            held = by_home[profile_id(plan.namespace, one.identities[0])]
            repeats += one.digest in held
            held.setdefault(one.digest, one)
            if len(one.identities) > 1:
                together.add(tuple(one.identities))
    graph = read_links(links, plan)
    winners: defaultdict[str, list[Happening]] = defaultdict(list)
    identities: defaultdict[str, set[Identity]] = defaultdict(set)
    tombstones: dict[str, str] = {}
    for home, events in by_home.items():
        strongest = next(iter(events.values())).identities[0]
        winner = graph.mapping.get(strongest, home)
        winners[winner] += events.values()
        identities[winner].add(strongest)
    for profile, linked in graph.held.items():
        identities[profile].update(linked)
        winners.setdefault(profile, [])
    for identity, profile in graph.mapping.items():
        if (home := profile_id(plan.namespace, identity)) != profile:
            tombstones[home] = profile
    profiles = {id_: portrait_of(events, identities[id_], plan.currency, shown) for id_, events in winners.items()}
    missing = [
        one
        for one in together
        if one not in graph.requested
        and len({graph.mapping.get(identity) or profile_id(plan.namespace, identity) for identity in one}) > 1
    ]
    happened = {(home, one.source, one.id) for home, events in by_home.items() for one in events.values()}
    companies = {
        id_: (
            set(members),
            portrait_of([event for events in members.values() for event in events or ()], [], plan.currency, shown)
            if None not in members.values()
            else {},
        )
        for id_, members in counting(plan, winners).items()
    }
    return Truth(
        profiles, tombstones, happened, graph, rejected, ids, accepted, repeats, missing, plan.namespace, plan,
        companies,
    )  # fmt: skip


def read_links(values: Iterable[bytes], plan: Plan) -> Links:
    """What one sequential reader of `identity.links` makes of it, who knows everything at once."""
    found = Links()
    empty: dict[str, Any] = {
        name: {} for name in ("linked", "held", "links", "apart", "pending", "erased", "refusals", "claims")
    }
    graph = Graph(plan, "identity.links", 1, 0.0, **empty)
    offset = -1

    def take(request: Request) -> None:
        nonlocal offset
        offset += 1
        if isinstance(request, SplitDone):
            graph.split_done(offset, request, [])
        elif isinstance(request, LinkRequest):
            found.requested.add(tuple(request.identities))
            decision = graph.link(offset, request)
            found.merges += len(decision.losers) if decision else 0
            found.refused += len(decision.refused) if decision else 0
            for move in graph.due():
                graph.move(move, "")

    decode_request = msgspec.msgpack.Decoder(Request).decode
    for value in values:
        take(decode_request(value))
    while pending := graph.changes(LinkState(0, -1, 0), offset).splitting:
        left = [split for split in pending.values() if split is not None]
        if not left:
            break
        for split in left:  # as the log would say, had it gone on
            take(SplitDone(split.id))
            for waiting in split.waiting:
                take(waiting)
    changes = graph.changes(LinkState(0, -1, 0), offset)
    found.mapping = {identity: profile for identity, profile in changes.mapping.items() if profile is not None}
    found.held = {profile: held for profile, held in changes.graph.items() if held is not None}
    return found


def portrait_of(events: Sequence[Happening], identities: Iterable[Identity], currency: str, shown: int) -> Portrait:
    """A customer, from the list of their events."""
    times = [event.time for event in events]
    portrait: Portrait = {
        "created": min(times, default=0.0),
        "updated": max(times, default=0.0),
        "identities": sorted(set(identities)),
        "traits": _traits(events),
        "activity": {
            source: (len(part), min(part), max(part))
            for source, part in _grouped((event.source, event.time) for event in events).items()
        },
        "roles": {
            role: (len(part), min(part), max(part), _decayed([(time, 1.0) for time in part], HALF_LIVES))
            for role, part in _grouped((event.role, event.time) for event in events if event.role).items()
        },
        "tickets": _tickets(events),
        "opinions": _opinions(events),
        "timeline": _timeline(events, shown),
    }
    return portrait | _purchases(events, currency)


def accept(
    plan: Plan, source: str, records: Sequence[Stored]
) -> tuple[list[Happening], dict[tuple[str, int, int], bytes]]:
    """The accepted events of one source, and where the others are."""
    batch = Intake(source, list(records), now=4e9)  # type: ignore[arg-type]  # a Stored has what the steps look at
    decode()(batch)
    check(plan)(batch)
    happenings = []
    places = {(record.topic, record.partition, record.offset): record.value or b"" for record in records}
    for item in batch.items:
        item.identities = plan.extract(item.raw)
        if item.identities:
            happenings.append(_happening(plan, source, item))
            record = item.record
            del places[record.topic, record.partition, record.offset]
    return happenings, places


def _happening(plan: Plan, source: str, item: Item) -> Happening:
    assert item.rule is not None
    group = plan.group_of(item.raw, item.rule, item.properties) if plan.group_of is not None else None
    facts = item.rule.facts(item.properties)
    kind = item.raw["type"]
    return Happening(
        source, item.raw["messageId"], item.name or kind, item.rule.role, item.time, item.identities,
        item.properties if kind == "identify" else {},
        facts.amount, facts.currency, facts.quantity, facts.subject, facts.rating,
        facts.category, group.company if group is not None else "",
        item.rule.shown(item.properties) if item.rule.shown is not None else {},
    )  # fmt: skip


class _Id(msgspec.Struct):
    messageId: object = None  # noqa: N815 - Segment's spelling


def _ids(records: Iterable[Stored]) -> set[str]:
    found = set()
    decode_id = msgspec.json.Decoder(_Id).decode
    for record in records:
        try:
            id_ = decode_id(record.value or b"").messageId
        except msgspec.DecodeError:
            continue
        if isinstance(id_, str):
            found.add(id_)
    return found


def _grouped(pairs: Iterable[tuple[str, float]]) -> dict[str, list[float]]:
    groups: defaultdict[str, list[float]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)


def _decayed(values: Iterable[tuple[float, float]], half_lives: Iterable[float]) -> list[float]:
    """Sums of what is left of each value at the time of the latest."""
    values = list(values)
    last = max((time for time, _ in values), default=0.0)
    return [sum(value * 2.0 ** ((time - last) / half_life) for time, value in values) for half_life in half_lives]


def _traits(events: Iterable[Happening]) -> dict[str, Any]:
    writes: defaultdict[str, list[tuple[float, bytes, Any]]] = defaultdict(list)
    for event in events:
        for name, value in event.traits.items():
            writes[name].append((event.time, event.digest, value))
    return {name: max(of, key=lambda write: write[:2])[2] for name, of in writes.items()}


def _purchases(events: Sequence[Happening], currency: str) -> Portrait:
    orders = [event for event in events if event.role == "purchase"]
    refunds = [event for event in events if event.role == "refund"]
    last = max((order.time for order in orders), default=0.0)
    revenue: Counter[str] = Counter()
    refunded: Counter[str] = Counter()
    for order in orders:
        revenue[order.currency] += order.amount
    for refund in refunds:
        refunded[refund.currency] += refund.amount
    spend = [(order.time, float(order.amount if order.currency == currency else 0)) for order in orders]
    return {
        "orders": len(orders),
        "first_order": min((order.time for order in orders), default=0.0),
        "last_order": last,
        "last_amount": max((order.amount for order in orders if order.time == last), default=0),
        "items": sum(order.quantity for order in orders),
        "revenue": dict(revenue),
        "refunds": dict(refunded),
        "refund_count": len(refunds),
        "order_times": sorted(order.time for order in orders)[-RECENT:],
        "order_amounts": [
            amount
            for _, amount in sorted(
                (order.time, order.amount if order.currency == currency else 0) for order in orders
            )[-RECENT:]
        ],
        "mix": dict(Counter(order.category for order in orders if order.category).most_common(16)),
        "decayed_orders": _decayed([(order.time, 1.0) for order in orders], ORDER_HALF_LIVES),
        "decayed_spend": _decayed(spend, SPEND_HALF_LIVES),
    }


def _tickets(events: Iterable[Happening]) -> list[tuple[str, float, float, float]]:
    times: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for event in events:
        if event.role.startswith("ticket_") and event.subject:
            ticket = times[event.subject]
            ticket[event.role] = max(ticket.get(event.role, 0.0), event.time)
    latest = sorted(times, key=lambda id_: (max(times[id_].values()), id_))[-TICKETS:]
    kinds = ("ticket_opened", "ticket_solved", "ticket_reopened")
    return [(id_, *(times[id_].get(kind, 0.0) for kind in kinds)) for id_ in sorted(latest)]  # type: ignore[misc]


def _opinions(events: Iterable[Happening]) -> dict[str, tuple[int, float, float, float]]:
    answers: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for event in events:
        if event.role in ("csat", "nps", "ces", "review") and event.rating is not None:
            answers[event.role].append((event.time, event.rating))
    return {
        role: (len(given), sum(rating for _, rating in given), max(given)[1], max(given)[0])
        for role, given in answers.items()
    }


def _timeline(events: Iterable[Happening], shown: int) -> list[bytes]:
    """What a timeline shows, packed as it is kept: half of it the newest, then the newest of each role, and so on."""
    entries = [
        ToldEntry(
            event.time, event.source, event.name, event.amount, event.currency, event.subject, mark_of(event.role),
            shown=event.shown, end=mark_of(event.role) if event.shown else 0,
        )
        for event in events
    ]  # fmt: skip
    newest = sorted(entries, key=lambda entry: (entry.time, pack_entry(entry)), reverse=True)
    of_role: defaultdict[int, list[int]] = defaultdict(list)
    for place, entry in enumerate(newest):
        of_role[entry.mark].append(place)
    first = [(turn, place) for mark, places in of_role.items() if mark for turn, place in enumerate(places[:OF_ROLE])]
    order = [*range(min((shown + 1) // 2, len(newest))), *(place for _, place in sorted(first)), *range(len(newest))]
    return [pack_entry(newest[place]) for place in sorted(list(dict.fromkeys(order))[:shown])]
