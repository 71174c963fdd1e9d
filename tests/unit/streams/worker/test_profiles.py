"""A round of several partitions: what happens to the others when one of them, the store or a delivery fails."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Sequence

import msgspec
import pytest
from faust.types import TP
from prometheus_client import CollectorRegistry
from redis.exceptions import ConnectionError as RedisConnectionError

from profiles.errors import Fenced
from profiles.state import Limits
from profiles.store import Changes
from profiles.stores.memory import MemoryStore
from profiles.types import partition_of
from streams.clock import SteppedClock
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import Outbox
from streams.kafka.output import Row
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.settings import Settings
from streams.steps.schedule import postpone
from streams.steps.update import update
from streams.worker.profiles import ProfileRunner, Steps
from streams.worker.told import nothing_told
from tests.build import event, in_steps, live, record

PARTITIONS = 3
SETTINGS = Settings(partitions=PARTITIONS)
METRICS = WorkerMetrics(CollectorRegistry())
EVENTS, CHANGES = "profile.events", "profile.changes"
CUSTOMERS = [next(f"c{n}" for n in range(1000) if partition_of(f"c{n}", PARTITIONS) == number) for number in range(3)]


class Faulty(MemoryStore):
    """A store in which one round goes wrong, in a way that a test says."""

    def __init__(self) -> None:
        super().__init__(uuid.uuid4(), PARTITIONS)
        self.refused: set[int] = set()  # partitions of which the next commit is refused
        self.breaks_after: int | None = None  # commits of the next round, and then no answer

    async def commit_many(self, batch: Sequence[tuple[int, Changes]]) -> list[int | Exception]:
        if self.breaks_after is not None:
            few, self.breaks_after = batch[: self.breaks_after], None
            await super().commit_many(few)
            raise RedisConnectionError("gone")
        refused, self.refused = self.refused, set()
        answers = iter(await super().commit_many([one for one in batch if one[0] not in refused]))
        return [Fenced("refused") if partition in refused else next(answers) for partition, _ in batch]


class Watched(MemoryLog):
    """A log that looks at the store before it takes documents, and may take nothing at all."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__({EVENTS: PARTITIONS, CHANGES: PARTITIONS})
        self._store = store
        self.waiting: list[int] = []  # outbox entries whenever documents came
        self.broken = False

    async def produce(self, rows: Iterable[Row]) -> dict[tuple[str, int], int]:
        if self.broken:
            raise ValueError("no such thing")
        self.waiting.append(sum([len(await self._store.outbox(number)) for number in range(PARTITIONS)]))
        return await super().produce(rows)


def runner(store: MemoryStore, log: MemoryLog, failures: list[Exception] | None = None) -> ProfileRunner:
    look = Pipeline(update("EUR", Limits()))
    steps = Steps(look, Pipeline(update("EUR", Limits()), postpone()), Pipeline())
    failed = (failures if failures is not None else []).append
    return ProfileRunner(
        steps, store, PARTITIONS, Outbox(log, SETTINGS), METRICS, live(SteppedClock(0.0)), nothing_told, failed=failed
    )


def round_of(offset: int) -> list[Batch]:
    """An order of each customer."""
    batches = []
    for number, customer in enumerate(CUSTOMERS):
        happened = event("purchase", offset, profile=customer, id=f"{customer}-{offset}", amount=100)
        at = record(offset, msgspec.msgpack.encode(happened), topic=EVENTS, partition=number)
        batches.append(Batch(TP(EVENTS, number), [at], offset))
    return batches


async def orders(store: MemoryStore) -> list[int]:
    found = [await store.fetch(number, [customer]) for number, customer in enumerate(CUSTOMERS)]
    return [one[customer].purchases.orders for one, customer in zip(found, CUSTOMERS, strict=True)]


def test_a_round_that_is_refused_in_one_partition_stands_in_the_others() -> None:
    """That one reads again, by itself; everything counts once."""

    async def story() -> None:
        store = Faulty()
        log = Watched(store)
        mine = runner(store, log)
        await mine.apply(round_of(0))
        store.refused = {1}
        await mine.apply(round_of(1))
        await mine.close()

        assert await orders(store) == [2, 2, 2]
        assert [store.partition(number).version for number in range(PARTITIONS)] == [2, 2, 2]

    asyncio.run(story())


@pytest.mark.parametrize("written", [0, 1, 2, 3])
def test_a_store_that_fails_after_part_of_a_round_has_it_all_once(written: int) -> None:
    """What was written is known when it is read again."""

    async def story() -> None:
        store = Faulty()
        mine = runner(store, Watched(store))
        await mine.apply(round_of(0))
        store.breaks_after = written
        await mine.apply(round_of(1))
        await mine.close()

        assert await orders(store) == [2, 2, 2]

    asyncio.run(story())


def test_what_is_committed_stays_in_the_outbox_until_its_documents_are_in_kafka() -> None:
    """The commit after that takes it out; while the clock is not live, `clear` does."""

    async def story() -> None:
        store = Faulty()
        log = Watched(store)
        mine = runner(store, log)
        mine.assigned(range(PARTITIONS))
        await mine.apply(round_of(0))
        await mine.close()
        assert log.waiting == [PARTITIONS]
        assert [len(await store.outbox(number)) for number in range(PARTITIONS)] == [1, 1, 1]
        await mine.clear()
        assert [len(await store.outbox(number)) for number in range(PARTITIONS)] == [0, 0, 0]

    asyncio.run(story())


def test_a_delivery_that_fails_is_told_and_nothing_is_delivered_any_more() -> None:
    """A worker that hears of it ends; its outbox has what is missing."""

    async def story() -> None:
        store, failures = Faulty(), []
        log = Watched(store)
        mine = runner(store, log, failures)
        log.broken = True
        await mine.apply(round_of(0))
        with pytest.raises(ValueError, match="no such thing"):
            await mine.close()
        assert [str(error) for error in failures] == ["no such thing"]
        assert [len(await store.outbox(number)) for number in range(PARTITIONS)] == [1, 1, 1]

    asyncio.run(story())


def test_what_comes_while_history_is_gone_through_is_looked_at_at_the_gate() -> None:
    """The state has it at once; the timer is set to the gate, and fires as of it."""

    async def story() -> None:
        store = Faulty()
        mine = runner(store, Watched(store))
        gate = event("purchase", 5).time
        mine._clock = in_steps(gate, "filling")
        await mine.apply(round_of(0))
        await mine.close()
        assert await orders(store) == [1, 1, 1]
        assert [one.next_due for one in (await store.standing(range(PARTITIONS))).values()] == [gate] * PARTITIONS

    asyncio.run(story())
