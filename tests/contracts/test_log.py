"""What a log promises who reads it and produces to it: Kafka itself and the one in memory, alike."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import pytest
from aiokafka.structs import TopicPartition
from kafka import TopicPartition as Place
from kafka.admin import KafkaAdminClient, NewTopic

from profiles.errors import Misconfigured
from streams.kafka.client import async_consumer, async_producer
from streams.kafka.log import KafkaLog
from streams.kafka.memory import MemoryLog
from streams.kafka.output import BatchProducer, Row
from streams.kafka.reader import Cursor, Extent, Log, Missing, NoTopic, OutOfRange
from streams.settings import Settings

PARTITIONS = 2
PATIENCE = 1.5


class Subject(Protocol):
    """A log with one topic, and what happens to logs."""

    topic: str

    @property
    def log(self) -> Log: ...

    def wait(self, patience: float) -> None:
        """Have another log of so many seconds' patience; in memory it has no records yet."""

    async def produce(self, rows: Sequence[Row]) -> None: ...

    async def delete_before(self, partition: int, offset: int) -> None: ...

    async def mark(self, partition: int) -> None: ...

    async def commit(self, group: str, partition: int, offset: int) -> None: ...


class InMemory:
    """The log in memory."""

    def __init__(self) -> None:
        self.topic = "t"
        self.wait(PATIENCE)

    def wait(self, patience: float) -> None:
        self.log = MemoryLog({self.topic: PARTITIONS}, at_once=3, patience=patience)

    async def produce(self, rows: Sequence[Row]) -> None:
        await self.log.produce(rows)

    async def delete_before(self, partition: int, offset: int) -> None:
        self.log.delete_before(self.topic, partition, offset)

    async def mark(self, partition: int) -> None:
        self.log.mark(self.topic, partition)

    async def commit(self, group: str, partition: int, offset: int) -> None:
        self.log.commit(group, self.topic, {partition: offset})


class OnKafka:
    """Kafka, and a topic of this test alone."""

    def __init__(self, bootstrap: str, once: bool) -> None:
        self._settings = Settings(kafka=bootstrap)
        self._once = once
        self.topic = f"test-{uuid.uuid4().hex}"
        self.wait(PATIENCE)
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        try:
            admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])
        finally:
            admin.close()

    def wait(self, patience: float) -> None:
        self.log = KafkaLog(self._settings, patience=patience)

    async def produce(self, rows: Sequence[Row]) -> None:
        producer = BatchProducer(self._settings, once=self._once)
        try:
            await producer.produce(rows)
        finally:
            await producer.stop()

    async def delete_before(self, partition: int, offset: int) -> None:
        def delete() -> None:
            admin = KafkaAdminClient(bootstrap_servers=self._settings.kafka)
            try:
                admin.delete_records({Place(self.topic, partition): offset})
            finally:
                admin.close()

        await asyncio.to_thread(delete)

    async def mark(self, partition: int) -> None:
        """The end of a transaction; and its one record, which the log in memory goes without."""
        producer = async_producer(self._settings, transactional_id=uuid.uuid4().hex)
        await producer.start()
        try:
            async with producer.transaction():
                await producer.send_and_wait(self.topic, b"of a transaction", partition=partition)
        finally:
            await producer.stop()

    async def commit(self, group: str, partition: int, offset: int) -> None:
        consumer = async_consumer(self._settings, group_id=group)
        await consumer.start()
        try:
            tp = TopicPartition(self.topic, partition)
            consumer.assign([tp])
            await consumer.commit({tp: offset})
        finally:
            await consumer.stop()


Test = Callable[[Subject], Awaitable[None]]


@pytest.fixture(params=["memory", "kafka", "kafka-once"])
def run(request: pytest.FixtureRequest) -> Callable[[Test], None]:
    """Runs a coroutine function with a log."""
    subject: Subject
    if request.param == "memory":
        subject = InMemory()
    else:
        subject = OnKafka(request.getfixturevalue("apache_kafka"), once=request.param == "kafka-once")
    return lambda test: asyncio.run(test(subject))  # type: ignore[arg-type]


def rows(subject: Subject, count: int, partition: int | None = 0, begin: int = 0) -> list[Row]:
    return [
        Row(subject.topic, partition, b"k%d" % n, b"v%d" % n, [("n", b"%d" % n)]) for n in range(begin, begin + count)
    ]


async def out_of_range(cursor: Cursor) -> None:
    """Fetch until Kafka has noticed."""
    for _ in range(20):
        await cursor.fetch()


async def values(log: Log, extents: Sequence[Extent], **more: Any) -> dict[int, list[bytes]]:
    """What a bounded read brings, by partition."""
    found: dict[int, list[bytes]] = {extent.partition: [] for extent in extents}
    async for batch in log.read(extents, **more):
        found[batch.partition] += [record.value for record in batch.records]
    return found


def test_all_is_read_in_order_up_to_the_ends_of_then(run: Callable[[Test], None]) -> None:
    """What comes meanwhile is left out; who reads hears how far it is."""

    async def test(subject: Subject) -> None:
        await subject.produce(rows(subject, 10) + rows(subject, 4, 1))
        extents = await subject.log.extents(subject.topic)
        assert extents == [Extent(subject.topic, 0, 0, 10), Extent(subject.topic, 1, 0, 4)]
        await subject.produce(rows(subject, 5, 0, 10))
        told: list[int] = []
        found = await values(subject.log.telling(told.append), extents)
        assert found == {0: [b"v%d" % n for n in range(10)], 1: [b"v%d" % n for n in range(4)]}
        assert sum(told) == 14

    run(test)


def test_a_record_is_what_was_produced(run: Callable[[Test], None]) -> None:
    """Key, headers, and no value; a record without a partition goes by its key, and the same key the same way."""

    async def test(subject: Subject) -> None:
        before = time.time()
        await subject.produce([Row(subject.topic, 1, b"gone", None, [("a", b"1"), ("b", b"")])])
        async for batch in subject.log.read(await subject.log.extents(subject.topic)):
            [record] = batch.records
            assert (record.topic, record.partition, record.offset) == (subject.topic, 1, 0)
            assert (record.key, record.value, list(record.headers)) == (b"gone", None, [("a", b"1"), ("b", b"")])
            assert before - 1 <= record.timestamp / 1000 <= time.time() + 1
            assert (batch.position, batch.end) == (1, 1)
        await subject.produce(rows(subject, 8, None))
        await subject.produce(rows(subject, 8, None))
        found = await values(subject.log, await subject.log.extents(subject.topic))
        chosen = {value: number for number, held in found.items() for value in held}
        assert [chosen[b"v%d" % n] for n in range(8)] == [1, 1, 1, 0, 0, 0, 1, 0]  # as every client of Kafka does
        assert all(held.count(value) == 2 for held in found.values() for value in held if value)

    run(test)


def test_part_of_a_partition_is_read(run: Callable[[Test], None]) -> None:
    async def test(subject: Subject) -> None:
        await subject.produce(rows(subject, 10))
        assert await values(subject.log, [Extent(subject.topic, 0, 4, 7)]) == {0: [b"v4", b"v5", b"v6"]}
        assert await values(subject.log, [Extent(subject.topic, 0, 7, 7)]) == {0: []}
        assert await values(subject.log, [Extent(subject.topic, 0, 10, 7)]) == {0: []}

    run(test)


def test_a_time_is_a_place(run: Callable[[Test], None]) -> None:
    """The first record of then or later; the end, if there is none."""

    async def test(subject: Subject) -> None:
        await subject.produce(rows(subject, 2))
        await asyncio.sleep(0.02)
        then = time.time()
        await asyncio.sleep(0.02)
        await subject.produce(rows(subject, 3, 0, 2))
        assert [each.start for each in await subject.log.extents(subject.topic, then)] == [2, 0]
        assert [each.start for each in await subject.log.extents(subject.topic, then + 3600)] == [5, 0]
        assert [each.start for each in await subject.log.extents(subject.topic, 0.0)] == [0, 0]

    run(test)


def test_offsets_without_records_do_not_keep_a_read_from_its_end(run: Callable[[Test], None]) -> None:
    """Markers of transactions, also as the last: the position tells, not the count."""

    async def test(subject: Subject) -> None:
        await subject.produce(rows(subject, 2))
        await subject.mark(0)
        await subject.produce(rows(subject, 1, 0, 2))
        await subject.mark(0)
        await subject.mark(1)
        extents = await subject.log.extents(subject.topic)
        found = await values(subject.log, extents)
        assert [value for value in found[0] if value != b"of a transaction"] == [b"v0", b"v1", b"v2"]
        position = {}
        async for batch in subject.log.read(extents):
            position[batch.partition] = batch.position
        assert position == {extent.partition: extent.end for extent in extents}

    run(test)


def test_records_that_are_gone_are_an_error_or_a_gap_that_was_accepted(run: Callable[[Test], None]) -> None:
    """Never a short answer. The extents of now begin behind the gap."""

    async def test(subject: Subject) -> None:
        await subject.produce(rows(subject, 10) + rows(subject, 3, 1))
        before = await subject.log.extents(subject.topic)
        await subject.delete_before(0, 6)
        with pytest.raises(Missing, match=r"-0 offsets 0 to 5\b.*retention") as missing:
            await values(subject.log, before)
        assert missing.value.lost == [Extent(subject.topic, 0, 0, 6)]
        told: list[int] = []
        found = await values(subject.log.telling(told.append), before, accept_gaps=True)
        assert found == {0: [b"v6", b"v7", b"v8", b"v9"], 1: [b"v0", b"v1", b"v2"]}
        assert sum(told) == 13
        assert [each.start for each in await subject.log.extents(subject.topic)] == [6, 0]
        assert await values(subject.log, [Extent(subject.topic, 0, 2, 5)], accept_gaps=True) == {0: []}

    run(test)


def test_records_that_go_while_they_are_read_are_an_error_too(run: Callable[[Test], None]) -> None:
    """Retention may overtake a reader that is slow."""

    async def test(subject: Subject) -> None:
        count = 9 if isinstance(subject, InMemory) else 6000  # more than a client fetches ahead
        await subject.produce([Row(subject.topic, 0, b"k", b"x" * 3000) for _ in range(count)])
        reading = subject.log.read(await subject.log.extents(subject.topic))
        assert (await anext(reading)).position < count
        await subject.delete_before(0, count)
        with pytest.raises(Missing):
            async for _ in reading:
                pass

    run(test)


def test_an_end_that_never_comes_is_an_error(run: Callable[[Test], None]) -> None:
    """The log is shorter than it was, so something is lost: after some patience the read says so."""

    async def test(subject: Subject) -> None:
        await subject.produce(rows(subject, 4))
        began = time.monotonic()
        with pytest.raises(Misconfigured, match=r"-0 ends at offset 4, and went to 6"):
            await values(subject.log, [Extent(subject.topic, 0, 0, 6)], accept_gaps=True)
        assert time.monotonic() - began >= PATIENCE
        with pytest.raises(Misconfigured, match=r"-0 ends at offset 4, and went to 9"):
            await values(subject.log, [Extent(subject.topic, 0, 7, 9)])

    run(test)


def test_an_end_that_comes_late_is_waited_for(run: Callable[[Test], None]) -> None:
    async def test(subject: Subject) -> None:
        subject.wait(60)  # seconds: how fast Kafka answers decides nothing
        await subject.produce(rows(subject, 2))

        async def later() -> None:
            await asyncio.sleep(PATIENCE / 3)
            await subject.produce(rows(subject, 1, 0, 2))

        _, found = await asyncio.gather(later(), values(subject.log, [Extent(subject.topic, 0, 0, 3)]))
        assert found == {0: [b"v0", b"v1", b"v2"]}

    run(test)


def test_a_cursor_reads_on_and_on(run: Callable[[Test], None]) -> None:
    """Positions and ends come with what is read; nothing is no error; what is out of range is."""

    async def test(subject: Subject) -> None:
        tp = TopicPartition(subject.topic, 0)
        async with subject.log.open({tp: 0}) as cursor:
            assert await cursor.fetch() == []
            await subject.produce(rows(subject, 2))
            found: list[Any] = []
            while len(found) < 2:
                for batch in await cursor.fetch():
                    found += batch.records
                    assert (batch.position, batch.end) == (2, 2)
            bounds = await cursor.bounds()
            assert bounds == {tp: (0, 2)}
            cursor.seek(tp, 1)
            again: list[Any] = []
            while not again:
                again = [record.value for batch in await cursor.fetch() for record in batch.records]
            assert again == [b"v1"]
            cursor.seek(tp, 5)
            with pytest.raises(OutOfRange):
                await out_of_range(cursor)

    run(test)


def test_where_a_group_is_can_be_asked(run: Callable[[Test], None]) -> None:
    async def test(subject: Subject) -> None:
        group = f"g-{uuid.uuid4().hex}"
        await subject.produce(rows(subject, 5))
        assert await subject.log.committed(group, subject.topic) == {}
        await subject.commit(group, 0, 3)
        assert await subject.log.committed(group, subject.topic) == {0: 3}

    run(test)


def test_a_topic_that_is_not_there_is_said_and_not_made(run: Callable[[Test], None]) -> None:
    async def test(subject: Subject) -> None:
        for _ in range(2):
            with pytest.raises(NoTopic, match=r"nobody-made-this is missing"):
                await subject.log.extents(f"{subject.topic}-nobody-made-this")

    run(test)
