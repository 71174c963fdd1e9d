"""A log in memory, read and produced to as Kafka is (`tests/contracts/test_log.py`): for tests in milliseconds."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka.partitioner import DefaultPartitioner
from aiokafka.structs import ConsumerRecord, TopicPartition

from streams.clock import WALL, Clock
from streams.kafka.output import Row
from streams.kafka.reader import PATIENCE, Batch, Bounds, Cursor, Extent, Log, NoTopic, OutOfRange, Tell, nobody

__all__ = ["MemoryLog"]

_choose = DefaultPartitioner()


@dataclass(slots=True)
class _Partition:
    first: int = 0
    end: int = 0
    records: list[ConsumerRecord] = field(default_factory=list)  # those that are there, by offset


class MemoryLog(Log):
    """Topics of one process.

    Args:
        topics: how many partitions each has.
        clock: by which records are stamped.
        at_once: records of a partition that one fetch brings.
        tell: hears of the progress of bounded reads.
        patience: seconds for which a bounded read waits for what must come.
    """

    def __init__(
        self,
        topics: Mapping[str, int],
        clock: Clock = WALL,
        *,
        at_once: int = 500,
        tell: Tell = nobody,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(tell, patience)
        self._topics = {name: [_Partition() for _ in range(count)] for name, count in topics.items()}
        self._groups: defaultdict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        self._clock = clock
        self.at_once = at_once

    async def produce(self, rows: Iterable[Row]) -> dict[tuple[str, int], int]:
        """Append rows, as `BatchProducer` does."""
        ends: dict[tuple[str, int], int] = {}
        for row in rows:
            partitions = self._partitions(row.topic)
            numbers = list(range(len(partitions)))
            number = _choose(row.key, numbers, numbers) if row.partition is None else row.partition
            held = partitions[number]
            size = len(row.value or b"")
            stamp = int(self._clock.now() * 1000)
            held.records.append(
                ConsumerRecord(
                    row.topic, number, held.end, stamp, 0, row.key, row.value, None, len(row.key or b""), size,
                    tuple(row.headers),
                )
            )  # fmt: skip
            held.end += 1
            ends[row.topic, number] = held.end
        return ends

    async def extents(self, topic: str, since: float | None = None) -> list[Extent]:
        return [
            Extent(topic, number, _start(held, since), held.end) for number, held in enumerate(self._partitions(topic))
        ]

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        return dict(self._groups[group, topic])

    @asynccontextmanager
    async def open(self, starts: Mapping[TopicPartition, int]) -> AsyncIterator[Cursor]:
        yield _MemoryCursor(self, dict(starts))

    def commit(self, group: str, topic: str, offsets: Mapping[int, int]) -> None:
        """Let a group have come so far."""
        self._groups[group, topic].update(offsets)

    def held(self, tp: TopicPartition) -> _Partition:
        """A partition."""
        number: int = tp.partition
        return self._partitions(tp.topic)[number]

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """What retention does."""
        held = self.held(TopicPartition(topic, partition))
        held.first = max(held.first, min(offset, held.end))
        held.records = [record for record in held.records if record.offset >= held.first]

    def delete_from(self, topic: str, partition: int, offset: int) -> None:
        """What happens when the one broker that had the newest records is lost."""
        held = self.held(TopicPartition(topic, partition))
        held.records = [record for record in held.records if record.offset < offset]
        held.first, held.end = min(held.first, offset), min(held.end, offset)

    def compact(self, topic: str, partition: int, until: int | None = None) -> None:
        """Keep the newest record of each key before an offset.

        What is younger (than `min.compaction.lag.ms` in Kafka) stays, and hides nothing.
        """
        held = self.held(TopicPartition(topic, partition))
        until = held.end if until is None else until
        newest = {record.key: record.offset for record in held.records if record.offset < until}
        held.records = [at for at in held.records if newest.get(at.key, at.offset) == at.offset or at.offset >= until]

    def mark(self, topic: str, partition: int) -> None:
        """Take an offset without a record, as the end of a transaction does."""
        self.held(TopicPartition(topic, partition)).end += 1

    def _partitions(self, topic: str) -> list[_Partition]:
        if topic not in self._topics:
            raise NoTopic(topic)
        return self._topics[topic]


def _start(held: _Partition, since: float | None) -> int:
    if since is None:
        return held.first
    return next((record.offset for record in held.records if record.timestamp >= int(since * 1000)), held.end)


def _offset(record: ConsumerRecord) -> int:
    return int(record.offset)


class _MemoryCursor:
    def __init__(self, log: MemoryLog, places: dict[TopicPartition, int]) -> None:
        self._log = log
        self._places = places

    async def fetch(self) -> list[Batch]:
        moved = []
        for tp, at in self._places.items():
            held = self._log.held(tp)
            if not held.first <= at <= held.end:
                raise OutOfRange(f"{tp}: {at}")
            if at < held.end:
                begin = bisect_left(held.records, at, key=_offset)
                records = held.records[begin : begin + self._log.at_once]
                whole = begin + len(records) == len(held.records)
                position = held.end if whole else records[-1].offset + 1
                self._places[tp] = position
                moved.append(Batch(tp.topic, tp.partition, records, position, held.end))
        await asyncio.sleep(0 if moved else 0.001)
        return moved

    async def bounds(self) -> dict[TopicPartition, Bounds]:
        return {tp: Bounds((held := self._log.held(tp)).first, held.end) for tp in self._places}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._places[tp] = offset

    def drop(self, tp: TopicPartition) -> None:
        del self._places[tp]
