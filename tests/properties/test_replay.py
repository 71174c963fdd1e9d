"""A replay on a log in memory: killed anywhere, run again, mixed with others, it lets each event count once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from plan import parse_plan
from profiles.errors import Misconfigured
from profiles.stores.memory import MemorySourceStore
from profiles.types import Event
from streams.clock import SteppedClock
from streams.dead_letters.candidates import Chosen, Period
from streams.dead_letters.rejections import Rejections, Wanted, nothing_shown
from streams.dead_letters.replay import Replay, Result
from streams.judge import Judge
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.metrics import WorkerMetrics
from streams.records.position import REJECTED_AT, header_of
from streams.settings import Settings
from streams.worker.breaker.aside import PutAside
from tests.plans import BASE

NOW = 1_800_000_000.0
MENDED = parse_plan(BASE, "plan.yaml", {})
BROKEN = parse_plan(BASE.replace("name: Order Completed", "name: Order Shipped Twice"), "plan.yaml", {})
SETTINGS = Settings(partitions=2)
TOPIC = "events.purchase"

Kinds = st.sampled_from(["order", "nameless", "page", "json", "unplanned"])


class Killed(Exception):
    """The process is gone."""


@dataclass
class Mortal:
    """A producer that dies after so many rows; what it was given before that is in Kafka."""

    log: MemoryLog
    rows: int

    async def produce(self, rows: Iterable[Row]) -> None:
        rows = list(rows)
        await self.log.produce(rows[: self.rows])
        self.rows -= len(rows)
        if self.rows < 0:
            raise Killed


@dataclass
class Place:
    """A source, workers that ingest it, and what they accepted."""

    clock: SteppedClock = field(default_factory=lambda: SteppedClock(NOW))
    accepted: list[Event] = field(default_factory=list)
    done: dict[int, int] = field(default_factory=dict)
    kept: int = 1000  # rejected events of one sender with their bytes

    def __post_init__(self) -> None:
        topics = dict.fromkeys([TOPIC, "events.web", "events.rejected", "profile.events"], 2)
        self.log = MemoryLog(topics, self.clock, at_once=3, patience=0.05)
        public = BASE.replace("write_key: key-of-purchase, public: false", "write_key: key-of-purchase, public: true")
        plan = parse_plan(public + f"\nbreaker: {{kept: {self.kept}}}\n", "plan.yaml", {})
        self._aside = PutAside(plan, MemorySourceStore(), WorkerMetrics(CollectorRegistry()), "w")

    async def send(self, kinds: list[str]) -> None:
        """Events of these kinds, on both partitions of the source."""
        self.clock.advance(10)
        await self.log.produce(Row(TOPIC, n % 2, b"k", value(kind, n)) for n, kind in enumerate(kinds))

    async def ingest(self, plan: Any, again: int = 0) -> None:
        """What the workers do; of the last records of each partition they do so many again, as after a crash."""
        self.clock.advance(10)
        judge = Judge(plan, self.clock.now())
        for extent in await self.log.extents(TOPIC):
            done = self.done.get(extent.partition, 0)
            async for batch in self.log.read([extent._replace(start=done)]):
                taken = await judge.intake("purchase", list(batch.records))
                self.accepted += [item.event for item in taken.items if item.event is not None]
                await self._reject(taken.rejected, batch.records)
            async for batch in self.log.read([extent._replace(start=max(done, extent.end - again))]):
                taken = await judge.intake("purchase", list(batch.records))
                await self._reject(taken.rejected, batch.records)
            self.done[extent.partition] = extent.end
        self.log.commit(SETTINGS.worker_group, TOPIC, self.done)

    async def _reject(self, rejected: list[Any], records: Sequence[Any]) -> None:
        kept = self._aside.sift(rejected, records, self.clock.now())
        await self.log.produce(Row("events.rejected", each.partition, b"purchase", each.encode()) for each in kept)

    async def replay(self, kind: str, rows: int = 10**9, **more: Any) -> Result:
        """Replay, by one of the two sources; dies after so many rows."""
        self.clock.advance(1)
        producer = Mortal(self.log, rows)
        run = Replay(self.log, producer, SETTINGS, MENDED, clock=self.clock, chunk=4, alive=0.0)
        chosen = Chosen(Rejections(self.log, SETTINGS), SETTINGS, MENDED, Wanted())
        period = Period(self.log, SETTINGS, MENDED, "purchase", None, None, nothing_shown)
        return await run.run(chosen if kind == "chosen" else period, **more)

    async def put_back(self) -> Counter[str]:
        """How often each rejection is on the topic again."""
        found: Counter[str] = Counter()
        async for batch in self.log.read(await self.log.extents(TOPIC), accept_gaps=True):
            found.update(at for record in batch.records if (at := header_of(record.headers, REJECTED_AT)))
        return found


def value(kind: str, number: int) -> bytes:
    """An event as it was sent."""
    properties = {"order_id": str(number), "revenue": 10.0, "currency": "EUR"}
    event = {
        "type": "track", "event": "Order Completed", "userId": "ada", "messageId": f"m{number}",
        "timestamp": "2026-01-02T03:04:05Z", "properties": properties,
    }  # fmt: skip
    if kind == "nameless":
        del event["messageId"], event["timestamp"]
    elif kind == "page":
        event = {"type": "page", "userId": "ada", "messageId": f"m{number}"}
    elif kind == "unplanned":
        event["event"] = "Nobody Planned This"
    return b"no json" if kind == "json" else orjson.dumps(event)


def key(event: Event) -> tuple[str, float]:
    return event.id, event.time


@given(
    st.lists(Kinds, min_size=1, max_size=24),
    st.integers(0, 5),
    st.lists(st.tuples(st.sampled_from(["chosen", "period"]), st.integers(0, 20)), max_size=4),
    st.sampled_from(["chosen", "period"]),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_killed_anywhere_and_run_again_each_event_counts_once(
    kinds: list[str], again: int, killed: list[tuple[str, int]], last: str, data: st.DataObject
) -> None:
    """Whichever source the runs take; also while workers ingest between them, and reject again after a crash."""

    async def run() -> None:
        place = Place()
        await place.send(kinds)
        await place.ingest(BROKEN, again)
        wanted = sum(kind in ("order", "nameless") for kind in kinds)
        for source, rows in killed:
            with contextlib.suppress(Killed):
                await place.replay(source, rows)
            if data.draw(st.booleans()):
                await place.ingest(MENDED)
        await place.replay(last)
        found = await place.put_back()
        assert len(found) == wanted
        assert set(found.values()) <= {1}
        assert (await place.replay("chosen")).replayed == (await place.replay("period")).replayed == 0
        await place.ingest(MENDED)
        expected = Place()
        await expected.send(kinds)
        await expected.ingest(MENDED)
        assert Counter(map(key, place.accepted)) == Counter(map(key, expected.accepted))

    asyncio.run(run())


@given(
    st.lists(Kinds, min_size=1, max_size=24),
    st.integers(0, 5),
    st.integers(0, 4),
    st.lists(st.tuples(st.sampled_from(["chosen", "period"]), st.integers(0, 20)), max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_what_was_put_aside_is_put_back_from_its_topic_and_counts_once(
    kinds: list[str], again: int, kept: int, killed: list[tuple[str, int]]
) -> None:
    """Of all but a few `events.rejected` has only the positions; each is known there, none is taken for accepted."""

    async def run() -> None:
        place = Place(kept=kept)
        await place.send(kinds)
        await place.ingest(BROKEN, again)
        assert (await place.replay("period", dry_run=True)).read == len(kinds)
        survey = await Rejections(place.log, SETTINGS).survey(Wanted())
        assert len(survey.entries) == len(kinds)
        if not again:  # else what is read again counts again
            assert sum(not entry.aside for entry in survey.entries) == min(kept, len(kinds))
        for source, rows in killed:
            with contextlib.suppress(Killed):
                await place.replay(source, rows)
        await place.replay("period")
        found = await place.put_back()
        assert len(found) == sum(kind in ("order", "nameless") for kind in kinds)
        assert set(found.values()) <= {1}
        assert (await place.replay("chosen")).replayed == (await place.replay("period")).replayed == 0

    asyncio.run(run())


@given(st.lists(Kinds, min_size=1, max_size=12))
@settings(max_examples=25, deadline=None)
def test_a_dry_run_says_what_a_run_does_and_does_nothing(kinds: list[str]) -> None:
    async def run() -> None:
        place = Place()
        await place.send(kinds)
        await place.ingest(BROKEN)
        before = [each.end for topic in (TOPIC, "events.rejected") for each in await place.log.extents(topic)]
        dry = [await place.replay(source, dry_run=True) for source in ("chosen", "period")]
        assert before == [each.end for topic in (TOPIC, "events.rejected") for each in await place.log.extents(topic)]
        done = await place.replay("chosen")
        assert dry[0].passing == dry[1].passing == done.passing
        assert dry[0].failing == dry[1].failing == done.failing
        assert done.replayed == sum(done.passing.values())
        assert sum(counts["rejected"] for counts in dry[1].then.values()) == done.read

    asyncio.run(run())


class Stalling(MemoryLog):
    """A broker that hands out nothing for a while, whoever reads it."""

    empty = 0

    def open(self, starts: Any) -> Any:
        opened = super().open(starts)
        log = self

        class Opened:
            async def __aenter__(self) -> Any:
                cursor = await opened.__aenter__()
                fetch, left = cursor.fetch, log.empty

                async def stalled() -> Any:
                    nonlocal left
                    left -= 1
                    return [] if left >= 0 else await fetch()

                cursor.fetch = stalled  # type: ignore[method-assign]
                return cursor

            async def __aexit__(self, *what: object) -> None:
                await opened.__aexit__(*what)

        return Opened()


def test_a_broker_that_hands_out_nothing_for_a_while_makes_no_replay_put_events_back_twice() -> None:
    """A survey that took silence for the end would not see what was put back already."""

    async def run() -> None:
        place = Place()
        place.log.__class__ = Stalling
        await place.send(["order"] * 5)
        await place.ingest(BROKEN)
        assert (await place.replay("chosen")).replayed == 5
        place.log.empty = 50  # type: ignore[attr-defined]
        place.log._patience = 5.0
        assert (await place.replay("chosen")).replayed == 0
        place.log._patience = -1.0
        with pytest.raises(Misconfigured, match="does not hand out"):
            await place.replay("chosen")
        place.log.empty = 0  # type: ignore[attr-defined]
        assert set((await place.put_back()).values()) == {1}

    asyncio.run(run())


def test_what_a_killed_replay_put_back_is_not_guessed_when_kafka_has_deleted_it() -> None:
    """It would be put back twice without anybody knowing; whoever says that this may be goes on."""

    async def run() -> None:
        place = Place()
        await place.send(["order"] * 6)
        await place.ingest(BROKEN)
        with pytest.raises(Killed):
            await place.replay("chosen", 3)  # one note, two events
        for extent in await place.log.extents(TOPIC):
            place.log.delete_before(TOPIC, extent.partition, extent.end)
        with pytest.raises(Misconfigured, match=r"--accept-gap"):
            await place.replay("chosen")
        assert (await place.replay("chosen", accept_gaps=True)).replayed == 6

    asyncio.run(run())
