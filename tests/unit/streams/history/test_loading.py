"""A load never says that more is in Kafka than is, however often it is killed; and all of it comes there."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Sequence

import msgspec
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from plan import load_plan
from profiles.clock import Load
from profiles.stores.memory import MemoryClockStore
from profiles.times import parse_time
from streams.clock import SteppedClock
from streams.history.loading import send_history
from streams.history.past import Past, in_one_order, key_of
from streams.history.registration import BEFORE, Registration
from streams.history.writer import HistoryRows
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.records.loads import LOAD, load_of
from streams.records.rejected import Rejection
from streams.records.withdrawal import WITHDRAWAL
from streams.settings import Settings
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml")
NOW = 1_800_000_000.0
SETTINGS = Settings(topic_prefix="")
TOPICS = ("events.web", "events.app", "events.support", "events.purchase", "events.rejected")


class Killed(Exception):
    """The process is gone."""


class World:
    """Kafka, the clock's store, and a check of every word that a load says to it."""

    def __init__(self, events: Sequence[Past]) -> None:
        self.events = events
        self.log = MemoryLog(dict.fromkeys(TOPICS, 4))
        self.store = Watched(self)
        self.produced: list[Row] = []
        self.kill_after: int | None = None  # portions; it is produced, and nobody hears of it

    async def produce(self, rows: Iterable[Row]) -> None:
        """To Kafka."""
        rows = list(rows)
        await self.log.produce(rows)
        self.produced += rows
        if self.kill_after is not None:
            self.kill_after -= 1
            if self.kill_after < 0:
                raise Killed

    def times(self) -> list[float]:
        """Of all that is in Kafka."""
        return [parse_time(orjson.loads(row.value or b"")["timestamp"]) for row in self.produced]


class Watched(MemoryClockStore):
    """The clock's store, which believes nothing."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world
        self.sent: list[float] = []

    async def write_load(self, load: Load) -> None:
        await super().write_load(load)
        self.sent.append(load.sent)
        promised = [past.time for past in self._world.events if past.time <= load.sent]
        there = {orjson.loads(row.value or b"")["messageId"] for row in self._world.produced}
        assert {past.key for past in self._world.events if past.time <= load.sent} <= there, promised


def load_of_events(events: Sequence[Past], done: int = 0) -> Load:
    """As a command registers it."""
    since = events[0].time if events else NOW
    until = events[-1].time if events else NOW
    return Load(id="shop-1", name="shop", since=since, until=until, sent=since - BEFORE, step=60.0, done=done)


async def run(world: World, after: int = 0, told: list[int] | None = None) -> int:
    """One process that loads."""
    clock = SteppedClock(NOW)
    rows = HistoryRows(SETTINGS, PLAN, "shop-1")
    done = told if told is not None else []
    async with Registration(world.store, load_of_events(world.events, after), clock) as registration:
        sent = await send_history(
            iter(world.events), rows, world, registration, done.append, after=after, clock=clock, portion=3
        )
        await registration.finish(sent)
    return sent


def page(time: float, number: int, source: str = "web", user: str = "1") -> Past:
    """An event with an id."""
    event = {"type": "page", "name": "Home", "userId": user, "timestamp": time, "messageId": f"m{number}"}
    return Past(time, source, f"m{number}", orjson.dumps(event))


times = st.lists(st.sampled_from([1e9, 1e9 + 1e-6, 1e9 + 3600, 1e9 + 7200, NOW + 5]), max_size=20)


@given(times=times, kills=st.lists(st.integers(0, 3), max_size=3))
@settings(max_examples=150, deadline=None)
def test_it_never_promises_more_than_is_there_and_all_arrives(times: list[float], kills: list[int]) -> None:
    """Killed after anything and run again from what was noted; many events at one time, and of the future."""
    events = sorted(page(time, number) for number, time in enumerate(times))
    world = World(events)

    async def life() -> None:
        noted: list[int] = [0]
        for kill in kills:
            world.kill_after = kill
            try:
                await run(world, noted[-1], noted)
            except Killed:
                continue
        world.kill_after = None
        assert await run(world, noted[-1], noted) == len(events)

    asyncio.run(life())
    ids = [orjson.loads(row.value or b"")["messageId"] for row in world.produced]
    assert {past.key for past in events} == set(ids)
    assert len(ids) <= len(events) + 3 * len(kills)  # a portion each time
    assert world.store.sent[-1] == math.inf
    told = asyncio.run(world.store.loads())["shop-1"]
    assert (told.done, told.ended) == (len(events), NOW)


def test_records_are_as_the_collector_writes_them() -> None:
    """Keyed by the sender, received now, at their own time, and marked as of the load; in order of time everywhere."""
    events = [page(1e9 + hour, hour, user=str(hour % 3 + 7)) for hour in range(30)]
    world = World(events)

    asyncio.run(run(world))

    stored = [orjson.loads(row.value or b"") for row in world.produced]
    assert [event["messageId"] for event in stored] == [past.key for past in events]
    assert [row.key for row in world.produced] == [event["userId"].encode() for event in stored]
    assert {event["receivedAt"] for event in stored} == {"2027-01-15T08:00:00Z"}
    assert world.times() == [past.time for past in events]
    assert {dict(row.headers)[LOAD] for row in world.produced} == {b"shop-1"}

    async def read() -> list[list[float]]:
        found = []
        for extent in await world.log.extents("events.web"):
            records = [record async for batch in world.log.read([extent]) for record in batch.records]
            assert all(load_of(record) == "shop-1" for record in records)
            found.append([parse_time(orjson.loads(record.value)["timestamp"]) for record in records])
        return found

    assert all(times == sorted(times) for times in asyncio.run(read()))


def test_what_the_collector_would_refuse_is_kept_with_the_load_that_brought_it() -> None:
    """And the load goes on."""
    nobody = orjson.dumps({"type": "page", "anonymousId": "null", "timestamp": 1e9})
    events = list(in_one_order([[Past(1e9, "web", key_of("web", nobody), nobody, named=False)], [page(1e9 + 1, 2)]]))
    rows = HistoryRows(SETTINGS, PLAN, "shop-1").of(events, NOW)

    rejection = msgspec.json.decode(rows[0].value or b"", type=Rejection)
    assert [row.topic for row in rows] == ["events.rejected", "events.web"]
    assert (rejection.reason, rejection.step, rejection.load) == ("no_identity", "collect", "shop-1")
    assert rejection.payload == events[0].event


def test_what_a_refused_event_withdraws_goes_on_with_the_load() -> None:
    """And nothing else of it; the load finds it among its own events."""
    no = {"consent": {"categoryPreferences": {"personalisation": False}}}
    wrong = {"type": "track", "event": "e" * 501, "userId": "u", "messageId": "m1", "timestamp": 1e9, "context": no}
    yes = wrong | {"messageId": "m2", "context": {"consent": {"categoryPreferences": {"personalisation": True}}}}
    events = [Past(1e9, "web", event["messageId"], orjson.dumps(event)) for event in (wrong, yes)]

    rows = HistoryRows(SETTINGS, PLAN, "shop-1").of(events, NOW)

    assert [row.topic for row in rows] == ["events.web", "events.rejected", "events.rejected"]
    event = orjson.loads(rows[0].value or b"")
    assert (event["type"], event["userId"], parse_time(event["timestamp"])) == (WITHDRAWAL, "u", 1e9)
    assert rows[0].key == b"u"
    assert rows[0].headers == ((LOAD, b"shop-1"),)
