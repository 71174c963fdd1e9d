"""Reading whole partitions of a topic, from their beginnings to the ends they had when the rebuild began."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from profiles.errors import Misconfigured
from profiles.stores.positions import EPOCH
from streams.kafka.client import async_consumer
from streams.settings import Settings

__all__ = ["Extent", "Log", "Order", "header", "order_of", "reading"]

_PATIENCE = 30.0  # seconds without anything from a broker that has more
_FETCH = 4 * 1024 * 1024

Tell = Callable[[int], None]
"""Hears how many records have been read since it was last told."""


class Extent(NamedTuple):
    """The offsets [start, end) of one partition."""

    topic: str
    partition: int
    start: int
    end: int

    @property
    def records(self) -> int:
        """Records, if none have been compacted away."""
        return self.end - self.start


class Order(NamedTuple):
    """When a record was committed, by its writer. The larger, the later.

    Offsets come before versions: a Redis that came back older numbers its commits anew, but has to apply the same
    records again. Where the log itself was replaced (`rapport adopt-kafka`) the epoch tells.
    """

    epoch: int
    applied: int
    version: int


def order_of(record: ConsumerRecord, applied: int) -> Order:
    """The order of a record whose commit had applied its input up to an offset."""
    version = int(header(record, "version") or 0)
    return Order(version // EPOCH, applied, version)


def header(record: ConsumerRecord, name: str) -> bytes | None:
    """A header of a record."""
    return next((value for key, value in record.headers if key == name), None)


class Log:
    """Kafka, as a rebuild reads it.

    Args:
        settings: of Kafka.
        tell: hears of progress.
    """

    def __init__(self, settings: Settings, tell: Tell) -> None:
        self._settings = settings
        self._tell = tell

    async def extents(self, topic: str, partitions: int = 1) -> list[Extent]:
        """Every partition of a topic as it is now."""
        tps = [TopicPartition(topic, number) for number in range(partitions)]
        async with reading(self._settings) as consumer:
            consumer.assign(tps)
            starts = await consumer.beginning_offsets(tps)
            ends = await consumer.end_offsets(tps)
            return [Extent(topic, tp.partition, starts[tp], ends[tp]) for tp in tps]

    async def records(self, extent: Extent) -> AsyncIterator[Sequence[ConsumerRecord]]:
        """The records of a partition in batches.

        Raises:
            Misconfigured: Kafka stops answering.
        """
        if not extent.records:
            return
        tp = TopicPartition(extent.topic, extent.partition)
        async with reading(self._settings) as consumer:
            consumer.assign([tp])
            consumer.seek(tp, extent.start)
            position = extent.start
            heard = time.monotonic()
            while position < extent.end:
                fetched = (await consumer.getmany(tp, timeout_ms=1000)).get(tp, [])
                reached = min(await consumer.position(tp), extent.end)
                if reached > position:
                    self._tell(reached - position)
                    position, heard = reached, time.monotonic()
                elif time.monotonic() - heard > _PATIENCE:
                    raise Misconfigured(
                        f"Kafka does not hand out {extent.topic}-{extent.partition} from offset {position}, though it "
                        f"goes to {extent.end}; see whether all of its brokers are up"
                    )
                if fetched:
                    yield [record for record in fetched if record.offset < extent.end]


@asynccontextmanager
async def reading(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group.

    Raises:
        Misconfigured: Kafka does not answer.
    """
    consumer = async_consumer(settings, max_partition_fetch_bytes=_FETCH, fetch_max_wait_ms=100)
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, OSError) as error:
        raise Misconfigured(
            f"Kafka does not answer at {settings.kafka} ({type(error).__name__}: {error}); start it, or set "
            "RAPPORT_KAFKA"
        ) from error
    finally:
        await consumer.stop()
