"""Kafka as a log that is read: the adapter of aiokafka's consumer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from profiles.errors import Misconfigured
from streams.kafka.admission import Refused, Unreachable, admit
from streams.kafka.client import Unavailable, async_consumer
from streams.kafka.reader import PATIENCE, Batch, Bounds, Cursor, Extent, Log, NoTopic, OutOfRange, Tell, nobody
from streams.kafka.watermark import SHORT_WAIT_MS, ask_ends, tells_low_ends
from streams.settings import Settings

log = logging.getLogger(__name__)

__all__ = ["KafkaLog"]

_CONNECT = 4.0  # seconds for Kafka to answer
_POLL_MS = 250
_AT_ONCE = 10_000  # records of one fetch
_BACKOFF = 10
"""Milliseconds between attempts of a client that asks once: a new one always asks twice, as it knows no topic."""

_FETCH = 4 * 1024 * 1024  # bytes of a partition in one fetch


class KafkaLog(Log):
    """The topics of Kafka.

    Args:
        settings: where it is.
        tell: hears of the progress of bounded reads.
        connect: seconds for it to answer at first.
        patience: seconds for which a bounded read waits for what must come.
    """

    def __init__(
        self, settings: Settings, tell: Tell = nobody, *, connect: float = _CONNECT, patience: float = PATIENCE
    ) -> None:
        super().__init__(tell, patience)
        self._settings = settings
        self._connect = connect
        self._low_ends: bool | None = None  # whether Kafka tells its ends too low; None while nobody has asked

    async def extents(self, topic: str, since: float | None = None) -> list[Extent]:
        async with self._consumer(fetch_max_wait_ms=SHORT_WAIT_MS, retry_backoff_ms=_BACKOFF) as consumer:
            with self._answering():
                if self._low_ends is None:
                    self._low_ends = await tells_low_ends(self._settings)
                if topic not in await consumer.topics():  # asks for none by name, which could create it
                    raise NoTopic(topic)
                await consumer.end_offsets([TopicPartition(topic, 0)])  # from here on the client knows the topic
                tps = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
                starts = await consumer.beginning_offsets(tps)
                ends = await ask_ends(consumer, tps, by_fetch=self._low_ends)
                if since is not None and not self._low_ends:  # else times are those of batches, and would miss records
                    found = await consumer.offsets_for_times(dict.fromkeys(tps, int(since * 1000)))
                    starts = {tp: ends[tp] if (at := found[tp]) is None else max(starts[tp], at.offset) for tp in tps}
        return [Extent(topic, tp.partition, starts[tp], ends[tp]) for tp in tps]

    async def committed(self, group: str, topic: str) -> dict[int, int]:
        tps = [TopicPartition(topic, extent.partition) for extent in await self.extents(topic)]
        async with self._consumer(group_id=group) as consumer:
            consumer.assign(tps)  # joins no group
            with self._answering():
                found = {tp.partition: await consumer.committed(tp) for tp in tps}
        return {partition: offset for partition, offset in found.items() if offset is not None}

    @asynccontextmanager
    async def open(self, starts: Mapping[TopicPartition, int]) -> AsyncIterator[Cursor]:
        async with self._consumer() as consumer:
            consumer.assign(list(starts))
            for tp, offset in starts.items():
                consumer.seek(tp, offset)
            yield _KafkaCursor(self, consumer, dict(starts))

    @asynccontextmanager
    async def _consumer(self, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
        options = {"max_partition_fetch_bytes": _FETCH, "fetch_max_wait_ms": 100, **options}
        consumer = async_consumer(self._settings, **options)
        try:
            with self._answering():
                told = self._connect <= _CONNECT
                async for attempt in _trying(self._connect, Unreachable):
                    with attempt:
                        try:
                            await admit(self._settings)
                        except Unreachable as error:
                            if not told:
                                log.warning("%s; waiting %g s for it", error, self._connect)
                            told = True
                            raise
                await consumer.start()
            yield consumer
        finally:
            await consumer.stop()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """What the driver says of a Kafka that does not answer, in words."""
        try:
            yield
        except (Refused, Unreachable) as error:
            raise Unavailable(str(error)) from error
        except (KafkaError, OSError) as error:
            raise Unavailable(
                f"Kafka does not answer at {self._settings.kafka} ({type(error).__name__}: {error}); start it, or set "
                "RAPPORT_KAFKA"
            ) from error


def _trying(seconds: float, *errors: type[Exception]) -> AsyncRetrying:
    """Attempts for so long, while it is one of these errors."""
    return AsyncRetrying(
        retry=retry_if_exception_type(errors), stop=stop_after_delay(seconds), wait=wait_fixed(0.3), reraise=True
    )


class _KafkaCursor:
    """A consumer, and where it stands in the partitions that it still reads."""

    def __init__(self, log: KafkaLog, consumer: AIOKafkaConsumer, places: dict[TopicPartition, int]) -> None:
        self._log = log
        self._consumer = consumer
        self._places = places

    async def fetch(self) -> list[Batch]:
        try:
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=_AT_ONCE)
        except OffsetOutOfRangeError as error:
            raise OutOfRange(str(error)) from error
        except KafkaError as error:
            raise Misconfigured(f"Kafka does not let its topics be read: {type(error).__name__} {error}") from error
        moved = []
        for tp, at in self._places.items():
            position = await self._consumer.position(tp)
            if position > at:
                self._places[tp] = position
                end = self._consumer.highwater(tp) or position
                moved.append(Batch(tp.topic, tp.partition, fetched.get(tp, ()), position, end))
        return moved

    async def bounds(self) -> dict[TopicPartition, Bounds]:
        tps = list(self._places)
        with self._log._answering():
            starts, ends = await asyncio.gather(self._consumer.beginning_offsets(tps), self._consumer.end_offsets(tps))
        return {tp: Bounds(starts[tp], max(ends[tp], self._consumer.highwater(tp) or 0)) for tp in tps}

    def seek(self, tp: TopicPartition, offset: int) -> None:
        self._consumer.seek(tp, offset)
        self._places[tp] = offset

    def drop(self, tp: TopicPartition) -> None:
        self._consumer.pause(tp)  # what is still on its way is taken from the client, and thrown away
        del self._places[tp]
