"""Who writes a partition, when two workers believe that it is theirs."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import uuid

from prometheus_client import CollectorRegistry

from profiles.stores.memory import MemoryStore
from profiles.types import Event, Profile
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.metrics import WorkerMetrics
from streams.settings import Settings
from streams.steps.work import SENT_BITS, Work
from streams.worker.partition import PartitionWriter
from tests.build import event

SETTINGS = Settings(partitions=1)
METRICS = WorkerMetrics(CollectorRegistry())


async def apply(writer: PartitionWriter, offset: int) -> None:
    """A batch of one record, which is sent on."""

    async def attempt() -> None:
        work = await writer.load(["home"])
        cause: Event = event("visit", 1, profile="home", id=f"e{offset}")
        cause.origin = ("profile.events", 0, offset << SENT_BITS)
        send(work, cause)
        work.touch(Profile("home", redirect="other"))
        await writer.commit(work, offset)

    await writer.until_committed(attempt)


def send(work: Work, cause: Event) -> None:
    on = event("visit", 1, profile="other", id=cause.id)
    on.origin = work.origin(cause)
    work.send(on)


def test_what_another_worker_has_committed_is_delivered_before_what_follows() -> None:
    """One that was paused wakes and commits a batch that nobody has applied yet, then it is gone: nothing overtakes
    what it sent, for that would be taken for a repeat afterwards."""

    async def story() -> None:
        topics = {"profile.events": 1, "profile.changes": 1}
        log, store = MemoryLog(topics), MemoryStore(uuid.uuid4(), 1)
        mine = PartitionWriter(0, 1, store, Outbox(log, SETTINGS), METRICS)
        paused = PartitionWriter(0, 1, store, Outbox(MemoryLog(topics), SETTINGS), METRICS)  # nobody sees what it sends
        await apply(mine, 0)
        await mine.finish()
        await apply(paused, 1)
        await apply(mine, 2)
        await mine.finish()

        assert await sent(log) == [0, 1, 2]

    asyncio.run(story())


def test_what_was_committed_to_a_store_that_was_set_back_is_delivered_before_what_follows() -> None:
    """Also where that made the very version again that this writer knows as its own."""

    async def story() -> None:
        topics = {"profile.events": 1, "profile.changes": 1}
        log, store = MemoryLog(topics), MemoryStore(uuid.uuid4(), 1)
        mine = PartitionWriter(0, 1, store, Outbox(log, SETTINGS), METRICS)
        other = PartitionWriter(0, 1, store, Outbox(MemoryLog(topics), SETTINGS), METRICS)  # nobody sees what it sends
        await apply(mine, 0)
        await mine.finish()
        held = store.partition(0)
        backup = copy.deepcopy(held)
        await apply(mine, 1)
        await mine.finish()
        for field in dataclasses.fields(held):
            setattr(held, field.name, getattr(backup, field.name))
        await apply(other, 2)
        await other.finish()
        await apply(mine, 3)
        await mine.finish()

        assert [offset for offset in await sent(log) if offset > 1] == [2, 3]

    asyncio.run(story())


async def sent(log: MemoryLog) -> list[int]:
    """The offsets of what caused what is in the topic."""
    (extent,) = await log.extents("profile.events")
    ids = [dict(at.headers)["id"] async for batch in log.read([extent]) for at in batch.records]
    return [int(id_.rpartition(b"/")[2]) >> SENT_BITS for id_ in ids]
