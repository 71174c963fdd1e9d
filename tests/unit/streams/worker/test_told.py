"""What others were told of a partition is read on from where the store knows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping

import msgspec
import orjson
from faust.types import TP

from models.cases.case_document import case_document
from models.segments.alert_document import alert_document
from profiles.times import rfc3339
from profiles.types import Alert, Case, Profile
from streams.kafka.client import Unavailable
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.reader import Batch, Extent
from streams.records.told import MODEL_NEWS
from streams.settings import Settings
from streams.worker.told import Told, ToldReader
from tests.build import T0

SETTINGS = Settings(partitions=2)
EVENTS, CHANGES, ALERTS, CASES = "profile.events", "segment.changes", "alerts", "cases"


def change(profile: str, segment: str, what: str, at: float, version: int = 1) -> Row:
    body = {
        "id": f"{profile}:{segment}:{what}:{at!r}",
        "profile": profile,
        "segment": segment,
        "change": what,
        "at": rfc3339(at),
    }
    return Row(CHANGES, 1, profile.encode(), orjson.dumps(body), [("version", str(version).encode())])


def alert(profile: str, id_: str, state: str, opened: float, changed: float) -> Row:
    held = Alert(id_, "at_risk", state, opened, changed, 0.5)
    message = f"{id_}:{state}:{changed!r}"
    body = {"id": message, "profile": profile, "alert": alert_document(Profile(profile), held)}
    return Row(ALERTS, 1, profile.encode(), orjson.dumps(body))


def case(profile: str, id_: str, state: str, changed: float) -> Row:
    held = Case(id_, "retention", state, T0, changed)
    body = {"id": f"{id_}:{state}:{changed!r}", "profile": profile, "case": case_document(profile, held)}
    return Row(CASES, 1, profile.encode(), orjson.dumps(body))


def read(
    rows: Collection[Row],
    start: Mapping[str, int] | None,
    at_once: int = 100,
    known: dict[str, None] | None = None,
    log: type[MemoryLog] = MemoryLog,
) -> Told:
    async def story() -> Told:
        held = log({EVENTS: 2, CHANGES: 2, ALERTS: 2, CASES: 2})
        await held.produce(rows)

        async def ends(tps: Collection[TP]) -> dict[TP, int]:
            return {tp: held.held(tp).end for tp in tps}

        return (await ToldReader(held, ends, SETTINGS, at_once)({1: start}, known))[1]

    return asyncio.run(story())


NEWS = Row(ALERTS, 1, MODEL_NEWS, b'{"id": "n", "notice": {}}')
ROWS = [
    change("ann", "vip", "entered", T0, version=3),
    change("ann", "vip", "exited", T0 + 9, version=8),
    change("ann", "vip", "entered", T0, version=3),  # by a worker that was paused
    change("bob", "vip", "entered", T0 + 1, version=4),
    NEWS,
    alert("ann", "a1", "open", T0, T0),
    alert("ann", "a1", "cleared", T0, T0 + 7),
    case("ann", "c1", "new", T0),
    case("ann", "c1", "cleared", T0 + 8),
    case("ann", "c1", "new", T0 + 1),  # an older state, by whoever was paused
    Row(EVENTS, 1, b"ann", b""),
]


def test_the_last_word_about_each_customer_is_found() -> None:
    told = read(ROWS, {CHANGES: 0, ALERTS: 0, CASES: 0})
    assert {id_: of.segments for id_, of in told.of.items()} == {
        "ann": {"vip": (T0 + 9, False)},
        "bob": {"vip": (T0 + 1, True)},
    }
    assert [(one.id, one.state) for one in told.of["ann"].alerts.values()] == [("a1", "cleared")]
    assert [(one.id, one.state) for one in told.of["ann"].cases.values()] == [("c1", "cleared")]
    assert (told.version, told.ends, told.events) == (8, {CHANGES: 4, ALERTS: 3, CASES: 3}, 1)


def test_of_much_a_part_is_read_at_a_time() -> None:
    """What was read in one part and comes again in the next is known."""
    known: dict[str, None] = {}
    first = read(ROWS, {CHANGES: 0, ALERTS: 0, CASES: 0}, at_once=2, known=known)
    assert (first.ends, first.more, list(first.of)) == ({CHANGES: 2, ALERTS: 2, CASES: 2}, True, ["ann"])
    rest = read(ROWS, first.ends, at_once=2, known=known)
    assert (rest.ends, rest.more) == ({CHANGES: 4, ALERTS: 3, CASES: 3}, False)
    assert {id_: list(of.segments) for id_, of in rest.of.items()} == {"bob": ["vip"], "ann": []}


class Faltering(MemoryLog):
    """A Kafka that goes away once, behind what it was first asked for."""

    falters = True

    async def read(self, extents: Iterable[Extent], *, accept_gaps: bool = False) -> AsyncIterator[Batch]:
        async for batch in super().read(extents, accept_gaps=accept_gaps):
            yield batch
            if self.falters:
                self.falters = False
                raise Unavailable("Kafka")


def test_what_was_read_before_kafka_went_away_is_read_again() -> None:
    """And is not taken for known: else a store that was set back would never hear of it."""
    known: dict[str, None] = {"earlier": None}
    told = read(ROWS, {CHANGES: 0, ALERTS: 0, CASES: 0}, known=known, log=Faltering)
    assert told == read(ROWS, {CHANGES: 0, ALERTS: 0, CASES: 0})
    assert len(known) == 4


def test_it_is_read_on_from_where_the_store_knows_it() -> None:
    told = read(ROWS, {CHANGES: 3, ALERTS: 3, CASES: 3})
    assert list(told.of) == ["bob"]
    assert told.version == 4


def test_what_a_worker_that_was_paused_tells_once_more_is_no_news_for_who_takes_over() -> None:
    """Its first time is before all that they read; what they believed then would be undone."""
    first, left = change("ann", "vip", "entered", T0), change("ann", "vip", "exited", T0 + 9)
    first = msgspec.structs.replace(first, headers=[("id", f"ann:vip:entered:{T0!r}".encode())])
    starts = {CHANGES: 2, ALERTS: 0, CASES: 0}
    assert not read([first, left, first], starts, known={}).of
    known: dict[str, None] = {}
    again = read([first, left, first, change("bob", "vip", "entered", T0)], starts, known=known)
    assert (list(again.of), again.ends[CHANGES]) == (["bob"], 4)


def test_an_installation_that_never_noted_where_it_was_begins_at_the_end() -> None:
    told = read(ROWS, None)
    assert (dict(told.of), told.version, told.ends) == ({}, 0, {CHANGES: 4, ALERTS: 3, CASES: 3})
