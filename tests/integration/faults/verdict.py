"""Comparing what is with what must be, and counting what is lost, doubled or with the wrong person."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from profiles.documents import decode_profile
from profiles.timeline import latest_events, pack_entry
from profiles.types import Identity, Profile, is_cell, is_company, profile_id
from streams.records.rejected import Rejection
from tests.integration.faults.companies import members_in
from tests.integration.faults.oracle import Portrait, Truth
from tests.outputs import TOLD_TWICE, TOLD_WRONGLY, wrong_outputs

__all__ = ["KINDS", "Found", "Verdict", "judge"]

TOLERANCE = 1e-9
_EXAMPLES = 20
KINDS = (
    "lost", "doubled", "wrong merge", "wrong value", "not rejected", "unsent",
    "lost in the archive", "doubled in the archive", TOLD_TWICE, TOLD_WRONGLY,
)  # fmt: skip
"""Of faults."""

_decode_rejection = msgspec.json.Decoder(Rejection).decode


@dataclass(slots=True)
class Found:
    """What the installation says at the end."""

    documents: Mapping[str, bytes]  # profile id → document
    mapping: Mapping[Identity, str]  # identity → profile id, where linked
    rejections: Iterable[bytes]  # values of `events.rejected`
    accepted: set[tuple[str, str]]  # (source, messageId) that senders were told were accepted
    shown: int  # events of a timeline
    archive: Iterable[tuple[str, str, str]] | None = None  # (home, source, messageId) of its rows; None: there is none
    changes: Iterable[bytes] = ()  # values of `segment.changes`
    alerts: Iterable[bytes] = ()  # values of `alerts`
    cases: Iterable[bytes] = ()  # values of `cases`


@dataclass(slots=True)
class Verdict:
    """Counts; all of `faults` must be zero."""

    records: int = 0  # in the source topics
    applied: int = 0  # different events
    repeats: int = 0
    rejected: int = 0
    rejected_again: int = 0  # records of `events.rejected` beyond the first of an event
    refused_by_collector: int = 0
    people: int = 0
    merges: int = 0
    refused_links: int = 0
    largest: int = 0  # most identities of one profile
    archived: int = 0
    companies: int = 0
    largest_company: int = 0  # most members of one
    faults: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def fault(self, kind: str, text: str, count: int = 1) -> None:
        """Note what is wrong."""
        self.faults[kind] += count
        if len(self.examples) < _EXAMPLES:
            self.examples.append(f"{kind}: {text}")

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.faults.values())


def judge(truth: Truth, found: Found) -> Verdict:
    """Compare everything."""
    verdict = Verdict(
        records=truth.accepted + len(truth.rejected),
        applied=truth.accepted - truth.repeats,
        repeats=truth.repeats,
        rejected=len(truth.rejected),
        people=len(truth.profiles),
        merges=truth.links.merges,
        refused_links=truth.links.refused,
        largest=max((len(held) for held in truth.links.held.values()), default=1),
        faults=Counter(dict.fromkeys(KINDS, 0)),
    )
    profiles = {id_: decode_profile(id_, document) for id_, document in found.documents.items()}
    _judge_graph(verdict, truth, found.mapping, profiles)
    for id_, expected in truth.profiles.items():
        profile = profiles.get(id_)
        _judge_profile(verdict, id_, expected, profile if profile and not profile.redirect else None, found.shown)
    _judge_companies(verdict, truth, profiles, found.shown)
    refused = _judge_rejections(verdict, truth, found.rejections)
    for source, message in found.accepted - truth.ids:
        if message not in refused:
            verdict.fault("unsent", f"{source} {message} was accepted, but is in no topic")
    alive = {id_: profile for id_, profile in profiles.items() if not profile.redirect}
    for kind, text in wrong_outputs(found.changes, found.alerts, found.cases, alive):
        verdict.fault(kind, text)
    if found.archive is not None:
        _judge_archive(verdict, truth, Counter(found.archive))
    return verdict


def _judge_archive(verdict: Verdict, truth: Truth, rows: Counter[tuple[str, str, str]]) -> None:
    verdict.archived = rows.total()
    for event in truth.happened - rows.keys():
        verdict.fault("lost in the archive", f"{event}")
    for event, count in rows.items():
        if count > 1 or event not in truth.happened:
            verdict.fault(
                "doubled in the archive", f"{event} is there {count} times", count - (event in truth.happened)
            )


def _judge_graph(
    verdict: Verdict, truth: Truth, mapping: Mapping[Identity, str], profiles: Mapping[str, Profile]
) -> None:
    for one in truth.missing_links:
        verdict.fault("wrong merge", f"nobody was asked about {one}")
    for identity in truth.links.mapping.keys() | mapping.keys():
        expected = truth.owner(identity)
        actual = mapping.get(identity) or profile_id(truth.namespace, identity)
        if expected != actual:
            verdict.fault("wrong merge", f"{identity} belongs to {actual}, must belong to {expected}")
    for id_, profile in profiles.items():
        if not profile.redirect:
            if id_ not in truth.profiles and not (is_company(id_) and truth.companies):
                verdict.fault("wrong merge", f"profile {id_} must not exist: {profile.identities}")
            continue
        end = _follow(profiles, id_)
        if end != truth.tombstones.get(id_):
            verdict.fault("wrong merge", f"{id_} redirects to {end}, must redirect to {truth.tombstones.get(id_)}")
    for id_ in truth.tombstones.keys() - profiles.keys():
        verdict.fault("wrong merge", f"{id_} must be a tombstone and is nothing")


def _follow(profiles: Mapping[str, Profile], id_: str) -> str | None:
    for _ in range(10_000):
        profile = profiles.get(id_)
        if profile is None or not profile.redirect:
            return id_ if profile else None
        id_ = profile.redirect
    return None


def _judge_profile(verdict: Verdict, id_: str, expected: Portrait, profile: Profile | None, shown: int) -> None:
    wanted = sum(count for count, _, _ in expected["activity"].values())
    actual = portrait_of_profile(profile, shown) if profile else None
    has = sum(count for count, _, _ in actual["activity"].values()) if actual else 0
    if has < wanted:
        verdict.fault("lost", f"profile {id_} has {has} of {wanted} events", wanted - has)
    elif has > wanted:
        verdict.fault("doubled", f"profile {id_} has {has} events, must have {wanted}", has - wanted)
    if actual is None:
        if not wanted:
            verdict.fault("wrong value", f"profile {id_} is missing")
        return
    if actual["identities"] != expected["identities"]:
        missing = set(expected["identities"]) - set(actual["identities"])
        strange = set(actual["identities"]) - set(expected["identities"])
        verdict.fault("wrong merge", f"profile {id_}: lacks {sorted(missing)}, has {sorted(strange)} too many")
    if has == wanted:
        for name, value in expected.items():
            if name != "identities" and not same(value, actual[name]):
                verdict.fault("wrong value", f"profile {id_}: {name} is {actual[name]!r}, must be {value!r}")


# Of a company not judged: what is bounded, and what events that name none have a part in.
_OF_EVENTS = ("tickets", "timeline", "identities", "traits", "created", "updated")


def _judge_companies(verdict: Verdict, truth: Truth, profiles: Mapping[str, Profile], shown: int) -> None:
    """Each has the members whom events name, and counts each of their events once."""
    for id_ in {id_ for id_ in profiles if is_company(id_) and not is_cell(id_)} - truth.companies.keys():
        verdict.fault("wrong merge", f"company {id_} must not exist")
    for id_, (members, expected) in truth.companies.items():
        company = profiles.get(id_)
        if company is None or company.company is None:
            verdict.fault("lost", f"company {id_} is missing")
            continue
        verdict.companies += 1
        verdict.largest_company = max(verdict.largest_company, len(members))
        there = members_in(truth.plan, company, profiles)
        if there != members:
            verdict.fault("wrong merge", f"company {id_} lacks {members - there}, has {there - members} too many")
        actual = portrait_of_profile(company, shown)
        for name in ("activity", "roles"):
            actual[name] = {key: value for key, value in actual[name].items() if key in expected.get(name, ())}
        for name, value in expected.items():
            if name not in _OF_EVENTS and not same(value, actual[name]):
                verdict.fault("wrong value", f"company {id_}: {name} is {actual[name]!r}, must be {value!r}")


def _judge_rejections(verdict: Verdict, truth: Truth, values: Iterable[bytes]) -> set[str]:
    """Answers the ids of events that the collector itself rejected."""
    kept: set[tuple[str, int, int]] = set()
    refused: set[str] = set()
    for value in values:
        rejection = _decode_rejection(value)
        if rejection.partition is None or rejection.offset is None:
            verdict.refused_by_collector += 1
            refused.add(str(msgspec.json.decode(rejection.payload).get("messageId")))
            continue
        place = (rejection.topic, rejection.partition, rejection.offset)
        if truth.rejected.get(place) != rejection.payload:
            verdict.fault("not rejected", f"{place} was rejected and must not have been, or with other bytes")
        verdict.rejected_again += place in kept
        kept.add(place)
    for place in truth.rejected.keys() - kept:
        verdict.fault("not rejected", f"{place} is in no profile and was not rejected")
    return refused


def portrait_of_profile(profile: Profile, shown: int) -> Portrait:
    """What a stored profile says, in the oracle's words."""
    bought = profile.purchases
    return {
        "created": profile.created,
        "updated": profile.updated,
        "identities": sorted((kind, value) for kind, values in profile.identities.items() for value in values),
        "traits": {name: value for name, (value, _, _) in profile.traits.items()},
        "activity": {source: (one.count, one.first, one.last) for source, one in profile.activity.items()},
        "roles": {role: (one.count, one.first, one.last, one.decayed) for role, one in profile.roles.items()},
        "tickets": [(ticket.id, ticket.opened, ticket.solved, ticket.reopened) for ticket in profile.tickets],
        "opinions": {role: (one.count, one.total, one.last, one.time) for role, one in profile.opinions.items()},
        "timeline": [pack_entry(entry) for entry in latest_events(profile, shown)],
        "orders": bought.orders,
        "first_order": bought.first,
        "last_order": bought.last,
        "last_amount": bought.last_amount,
        "items": bought.items,
        "revenue": bought.revenue,
        "refunds": bought.refunds,
        "refund_count": bought.refund_count,
        "order_times": bought.recent,
        "order_amounts": bought.amounts,
        "mix": bought.mix,
        "decayed_orders": bought.decayed,
        "decayed_spend": bought.spend,
    }


def same(one: Any, other: Any) -> bool:
    """Equal; floats to one part in a thousand million."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        if isinstance(one, int) and isinstance(other, int):
            return one == other
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-300)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list | tuple):
        return isinstance(other, list | tuple) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
