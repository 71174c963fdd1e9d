"""No event whatever stops a worker or the collector: it goes on, or is rejected for a reason that was foreseen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plan import EventRule, load_plan
from profiles.errors import Unacceptable
from profiles.types import Event
from streams.collector.body import Limits
from streams.collector.wire import TYPES, Envelope, stamp
from streams.pipeline import arrival_pipeline, ingest_pipeline
from streams.records.links import LinkRequest
from streams.records.unforeseen import UNREADABLE
from streams.steps.identify import NOBODY
from streams.steps.intake import Intake
from tests import REPOSITORY
from tests.build import record
from tests.unit.streams.steps.test_identify import Unlinked

NOW = 1_800_000_000.0
PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
ARRIVING, JUDGING = arrival_pipeline(PLAN), ingest_pipeline(PLAN, Unlinked(), NOBODY)

EXTREMES: list[Any] = [
    2**53, 2**63 - 1, 2**63, -(2**63) - 1, 2**64 - 1, 2**64, 10**30, 10**400, -0.0, 5e-324, 1e22, 1e300, -1.8e308,
    float("nan"), float("inf"), True, None, "", " ", "99999999999999999999", "9" * 60, "1e30", "9e99", "-1e-99",
    "1.5E300", "1.2345678E7", "NaN", "1,234", "\u0665", "5\u00b2", "\0", "\ud800", "\ud83d\ude00", "x" * 600,
    "a@b.co", "<a@b.co> <c@d.co>", "a@xn--.co", "a@\u00ad.co", "+31612345678", "+" + "9" * 30, "\u20ac 1.234,50",
    "9999-12-31T24:00:00Z", "9999-12-31T23:59:60Z", "Fri Dec 31 23:59:60 UTC 9999", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2026-11-16T10:00:00Z", "1969-12-31", "/Date(9999999999999999)/", "EUR", [], {},
]  # fmt: skip
AROUND = [
    "traits", "email", "phone", "id", "type", "externalIds", "device", "ip", "userAgent", "location", "country",
    "consent", "categoryPreferences", "analytics", "$date", "0",
]  # fmt: skip
WORDS = [*sorted({name for rule in PLAN.rules for name in rule.schema["properties"]}), *AROUND]
LEAF = st.sampled_from(EXTREMES) | st.integers() | st.floats() | st.text(max_size=9)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)
ANYWHERE = [
    "event", "name", "userId", "anonymousId", "previousId", "groupId", "messageId", "timestamp", "originalTimestamp",
    "sentAt", "receivedAt", "traits", "properties", "context", "integrations", "version", "channel",
]  # fmt: skip


def _of(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """An object as planned, with anything in its places."""
    places = {
        name: _of(inner) | LEAF
        if (inner := prop).get("properties")
        else st.lists(_of(items), max_size=2) | LEAF
        if (items := prop.get("items") or {}).get("properties")
        else LEAF
        for name, prop in schema["properties"].items()
    }
    return st.fixed_dictionaries({}, optional=places)


def _planned(rule: EventRule) -> st.SearchStrategy[dict[str, Any]]:
    """An event of a rule whose identity and name are right, and whose payload has anything in every place."""
    event = {"type": st.just(rule.type), "userId": st.just("u") | LEAF, rule.where: _of(rule.schema)}
    event["event" if rule.type == "track" else "name"] = st.just(rule.name)
    optional = dict.fromkeys([name for name in ANYWHERE if name not in event], VALUE)
    context = st.fixed_dictionaries({}, optional={"traits": _of(rule.schema), **dict.fromkeys(("ip", "device"), VALUE)})
    return st.fixed_dictionaries(event, optional=optional | {"context": context | VALUE, "anonymousId": st.just("a")})


ANY = st.fixed_dictionaries(
    {"type": st.sampled_from([*TYPES, "rapport-withdrawal"]) | VALUE},
    optional=dict.fromkeys(ANYWHERE, VALUE),
)


def _sent(raw: bytes) -> list[bytes]:
    """What comes to the worker: the event as any producer wrote it, and as the collector did, if that accepts it."""
    try:
        return [raw, stamp(raw, Envelope([raw]), received=NOW, identities=PLAN.extract, limits=Limits())[1]]
    except Unacceptable:
        return [raw]


def _go_through(events: Iterable[Any], source: str) -> None:
    sent = [value for event in events for value in _sent(json.dumps(event).encode())]
    intake = Intake(source, [record(offset, value, at=NOW) for offset, value in enumerate(sent)], NOW)
    asyncio.run(ARRIVING.run(intake))
    asyncio.run(JUDGING.run(intake))

    assert len(intake.items) + len(intake.rejected) == len(sent)
    assert not [rejection for rejection in intake.rejected if rejection.reason == UNREADABLE]
    for item in [*intake.items, *intake.withdrawn]:
        assert msgspec.msgpack.decode(item.packed, type=Event).profile == item.home
    for rejection in intake.rejected:
        rejection.encode()
    for request in intake.links:
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(request), type=LinkRequest) == request


def _places(schema: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each property that is planned; `[]` stands for an item."""
    for name, prop in schema["properties"].items():
        path = (*before, name)
        yield path
        if prop.get("properties"):
            yield from _places(prop, path)
        elif prop.get("items", {}).get("properties"):
            yield from _places(prop["items"], (*path, "[]"))


def _put(value: Any, path: tuple[str, ...]) -> Any:
    """A value inside objects and lists of one."""
    for name in reversed(path):
        value = [value] if name == "[]" else {name: value}
    return value


PLACES = {(rule.type, rule.role, path): rule for rule in PLAN.rules for path in _places(rule.schema)}
"""Of the events that mean the same, one for each place."""


@pytest.mark.parametrize("value", EXTREMES, ids=lambda value: repr(value)[:20])
def test_no_value_in_any_place_stops_a_worker(value: Any) -> None:
    """One at a time, in each place of each planned event and of what surrounds it."""
    known = {"userId": "u", "anonymousId": "a"}
    events = [
        known | {"type": rule.type, "event": rule.name, "name": rule.name, rule.where: _put(value, path)}
        for (_, _, path), rule in PLACES.items()
    ]
    page = known | {"type": "page", "name": "Home"}
    events += [page | {name: value} for name in ["type", *ANYWHERE]]
    for holder in ("traits", "device", "consent"):
        events += [page | {"context": {holder: {name: value}, name: value}} for name in AROUND]
    _go_through(events, "web")


@given(st.sampled_from(PLAN.rules).flatmap(_planned) | ANY, st.sampled_from(["web", "purchase"]))
@settings(max_examples=40, deadline=None)
def test_no_event_whatever_stops_a_worker(event: dict[str, Any], source: str) -> None:
    """Several such values at once, in planned events and in anything else."""
    _go_through([event], source)
