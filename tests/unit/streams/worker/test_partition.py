"""Who writes a partition, when two workers believe that it is theirs."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import uuid

import msgspec
from faust.types import TP
from prometheus_client import CollectorRegistry

from profiles.stores.memory import MemoryStore
from profiles.types import Event, Profile
from streams.clock import SteppedClock
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.settings import Settings
from streams.steps.work import SENT_BITS, Work
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import nothing_told
from tests.build import event, live, record

SETTINGS = Settings(partitions=1)
METRICS = WorkerMetrics(CollectorRegistry())
EVENTS = "profile.events"
TOPICS = {EVENTS: 1, "profile.changes": 1}


def send_on(work: Work) -> None:
    """A step: every event goes on to another profile."""
    for cause in work.records:
        assert isinstance(cause, Event)
        on = event("visit", 1, profile="other", id=cause.id)
        on.origin = work.origin(cause)
        work.send(on)
        work.touch(Profile("home", redirect="other"))


def runner(store: MemoryStore, log: MemoryLog) -> ProfileRunner:
    steps = Steps(Pipeline(send_on), Pipeline(send_on), Pipeline())
    return ProfileRunner(steps, store, 1, Outbox(log, SETTINGS), METRICS, live(SteppedClock(0.0)), nothing_told)


def batch(offset: int, follows: int | None = None) -> Batch:
    happened = event("visit", 1, profile="home", id=f"e{offset}")
    return Batch(
        TP(EVENTS, 0),
        [record(offset, msgspec.msgpack.encode(happened), topic=EVENTS)],
        offset if follows is None else follows,
    )


def test_what_another_worker_has_committed_is_delivered_before_what_follows() -> None:
    """One that was paused wakes and commits a batch that nobody has applied yet, then it is gone: nothing overtakes
    what it sent, for that would be taken for a repeat afterwards."""

    async def story() -> None:
        log, store = MemoryLog(TOPICS), MemoryStore(uuid.uuid4(), 1)
        mine = runner(store, log)
        paused = runner(store, MemoryLog(TOPICS))  # nobody sees what it sends
        await mine.apply([batch(0)])
        await mine.close()
        await paused.apply([batch(1)])
        await mine.apply([batch(2)])
        await mine.close()

        assert await sent(log) == [0, 1, 2]

    asyncio.run(story())


def test_what_was_committed_to_a_store_that_was_set_back_is_delivered_before_what_follows() -> None:
    """Also where that made the very version again that this writer knows as its own."""

    async def story() -> None:
        log, store = MemoryLog(TOPICS), MemoryStore(uuid.uuid4(), 1)
        mine = runner(store, log)
        other = runner(store, MemoryLog(TOPICS))  # nobody sees what it sends
        await mine.apply([batch(0)])
        await mine.close()
        held = store.partition(0)
        backup = copy.deepcopy(held)
        await mine.apply([batch(1)])
        await mine.close()
        for field in dataclasses.fields(held):
            setattr(held, field.name, getattr(backup, field.name))
        await other.apply([batch(2, follows=1)])
        await other.close()
        await mine.apply([batch(3)])
        await mine.close()

        assert [offset for offset in await sent(log) if offset > 1] == [2, 3]

    asyncio.run(story())


async def sent(log: MemoryLog) -> list[int]:
    """The offsets of what caused what is in the topic."""
    (extent,) = await log.extents(EVENTS)
    ids = [dict(at.headers)["id"] async for part in log.read([extent]) for at in part.records]
    return [int(id_.rpartition(b"/")[2]) >> SENT_BITS for id_ in ids]
