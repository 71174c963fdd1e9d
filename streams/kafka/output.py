"""Producing to Kafka by batches: rows are grouped by partition and appended to whole record batches.

Going through the driver record by record costs some 30 µs each; a batch built at once costs about 2 µs a record.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    KafkaStorageError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    UnknownError,
)
from aiokafka.partitioner import DefaultPartitioner
from tenacity import RetryCallState

from profiles.errors import Misconfigured
from streams.kafka.admission import admit
from streams.kafka.client import EMBEDDED, Unavailable, async_producer, cluster_id
from streams.kafka.topics import LARGEST_RECORD
from streams.retry import again_if
from streams.settings import Settings

__all__ = ["BatchProducer", "Places", "Produces", "Row"]

log = logging.getLogger(__name__)

_MAX_BATCH = 512 * 1024  # bytes; half of what a broker takes by default
_LARGEST = LARGEST_RECORD + 64 * 1024  # with what a request adds

Headers = Sequence[tuple[str, bytes]]

_by_key = DefaultPartitioner()


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record to produce."""

    topic: str  # real name
    partition: int | None  # None: by its key; any without a key
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Produces(Protocol):
    """What takes rows to Kafka."""

    async def produce(self, rows: Iterable[Row]) -> object:
        """Produce rows; returns when Kafka has all of them. Order is kept within a partition."""
        ...


class Places(Produces, Protocol):
    """…and says where it put them."""

    async def produce(self, rows: Iterable[Row]) -> Mapping[tuple[str, int], int]:
        """As `Produces`; answers, by topic and partition, the offset after the last of them there."""
        ...


def _may_pass(error: BaseException) -> bool:
    """Whether waiting may help: the driver does not count a time-out among what may be tried again, nor a clock."""
    passing = KafkaTimeoutError | UnknownError | InvalidTimestampError
    return isinstance(error, KafkaError) and (error.retriable or isinstance(error, passing))


def _say(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    advice = "Kafka does not answer: bring it back"
    if isinstance(error, InvalidTimestampError):  # an hour ahead is what Kafka bears, unless told otherwise
        advice = "Kafka does not take the time of this machine, which is ahead of its own: set the clocks (NTP)"
    elif isinstance(error, KafkaStorageError):
        advice = "Kafka cannot write to its disk: make room there and start it again"
    pause = state.next_action.sleep if state.next_action else 0.0
    log.warning("%s (%r); waiting, nothing is acknowledged meanwhile; next try in %.1f s", advice, error, pause)


class BatchProducer:
    """Produces rows and answers when Kafka has them (acks=all). Order is kept within a partition.

    Args:
        settings: where Kafka is.
        once: put no record there twice. What Kafka does not confirm is then an error, and nothing is sent again; nor
            does the broker take what the client's own retry would double (the embedded one cannot tell).
    """

    def __init__(self, settings: Settings, *, once: bool = False) -> None:
        self._settings = settings
        self._once = once
        self._send_batch = self._try_batch if once else self._try_batch_until_taken
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect, in the loop that will produce; else the first `produce` does.

        Raises:
            Misconfigured: Kafka does not answer, or does not let us in.
        """
        await admit(self._settings)
        idempotent = self._once and await cluster_id(self._settings) != EMBEDDED
        producer = async_producer(
            self._settings, max_batch_size=_MAX_BATCH, max_request_size=_LARGEST, enable_idempotence=idempotent
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Finish what is under way and disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def produce(self, rows: Iterable[Row]) -> dict[tuple[str, int], int]:
        """Produce rows and wait until Kafka has all of them; waits out a broker that is away, unless `once`.

        After an error what was not confirmed is sent again, so without `once` a row may arrive twice; but it arrives
        for the first time only after those before it in its partition, so that readers may drop what does not rise.

        Raises:
            Misconfigured: Kafka refuses a row for good; some of the others may have arrived.
            Unavailable: with `once`, Kafka has not confirmed all; some may have arrived.
        """
        if self._producer is None:
            await self.start()
        by_partition: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in rows:
            partition = await self._choose(row) if row.partition is None else row.partition
            by_partition[row.topic, partition].append(row)
        ends = await asyncio.gather(*(self._send(partition, part) for (_, partition), part in by_partition.items()))
        return dict(zip(by_partition, ends, strict=True))

    async def _choose(self, row: Row) -> int:
        assert self._producer is not None
        numbers = sorted(await self._producer.partitions_for(row.topic))
        return int(_by_key(row.key, numbers, numbers))

    async def _send(self, partition: int, rows: list[Row]) -> int:
        """Send the rows of one partition batch by batch, each only when Kafka has the one before it.

        The driver would take the next batch at once, and send it although the one before has failed. Answers the offset
        after the last.
        """
        sent = place = 0
        while sent < len(rows):
            try:
                sent, place = await self._send_batch(partition, rows, sent)
            except MessageSizeTooLargeError as error:
                raise Misconfigured(
                    f"Kafka refuses a record of {rows[sent].topic} for its size; raise max.message.bytes of the topic "
                    f"to {LARGEST_RECORD} if it carries profiles, else to what the broker allows: {error}"
                ) from error
            except KafkaError as error:
                if self._once:
                    raise Unavailable(
                        f"Kafka has not confirmed all events ({type(error).__name__}); run the same command again, it "
                        "goes on where it was"
                    ) from error
                raise Misconfigured(
                    f"Kafka refuses the records of {rows[sent].topic} for good: {type(error).__name__} {error}"
                ) from error
        return place

    async def _try_batch(self, partition: int, rows: list[Row], start: int) -> tuple[int, int]:
        """Send as many rows as a batch takes, at least one; answer the row and the offset that come next."""
        producer = self._producer
        assert producer is not None
        topic, end = rows[start].topic, start
        batch = producer.create_batch()
        for row in rows[start:]:
            if batch.append(key=row.key, value=row.value, timestamp=None, headers=list(row.headers)) is None:
                break
            end += 1
        if end > start:
            waiting = await producer.send_batch(batch, topic, partition=partition)
        else:  # larger than a whole batch: the driver makes room for a single record
            row, end = rows[start], start + 1
            waiting = await producer.send(topic, row.value, row.key, partition=partition, headers=list(row.headers))
        first = (await waiting).offset
        return end, first + end - start

    _try_batch_until_taken = again_if(_may_pass, _say)(_try_batch)
