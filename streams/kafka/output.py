"""Producing to Kafka by batches: rows are grouped by partition and appended to whole record batches.

Going through the driver record by record costs some 30 µs each; a batch built at once costs about 2 µs a record.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence

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
from tenacity import RetryCallState

from profiles.errors import Misconfigured
from streams.kafka.admission import admit
from streams.kafka.client import async_producer
from streams.kafka.topics import LARGEST_RECORD
from streams.retry import again_if
from streams.settings import Settings

__all__ = ["BatchProducer", "Row"]

log = logging.getLogger(__name__)

_MAX_BATCH = 512 * 1024  # bytes; half of what a broker takes by default
_LARGEST = LARGEST_RECORD + 64 * 1024  # with what a request adds

Headers = Sequence[tuple[str, bytes]]


class Row(msgspec.Struct, frozen=True, gc=False):
    """One record to produce."""

    topic: str  # real name
    partition: int
    key: bytes
    value: bytes | None
    headers: Headers = ()


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
    """Produces rows and answers when Kafka has them (acks=all). Order is kept within a partition."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect, in the loop that will produce; else the first `produce` does.

        Raises:
            Misconfigured: Kafka does not answer, or does not let us in.
        """
        await admit(self._settings)
        producer = async_producer(self._settings, max_batch_size=_MAX_BATCH, max_request_size=_LARGEST)
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

    async def produce(self, rows: Iterable[Row]) -> None:
        """Produce rows and wait until Kafka has all of them; waits out a broker that is away.

        After an error what was not confirmed is sent again, so a row may arrive twice; but it arrives for the first
        time only after those before it in its partition have, so that readers may drop what does not rise.

        Raises:
            Misconfigured: Kafka refuses a row for good; some of the others may have arrived.
        """
        if self._producer is None:
            await self.start()
        by_partition: defaultdict[tuple[str, int], list[Row]] = defaultdict(list)
        for row in rows:
            by_partition[row.topic, row.partition].append(row)
        await asyncio.gather(*(self._send(part) for part in by_partition.values()))

    async def _send(self, rows: list[Row]) -> None:
        """Send the rows of one partition batch by batch, each only when Kafka has the one before it.

        The driver would take the next batch at once, and send it although the one before has failed.
        """
        sent = 0
        while sent < len(rows):
            try:
                sent = await self._send_batch(rows, sent)
            except MessageSizeTooLargeError as error:
                raise Misconfigured(
                    f"Kafka refuses a record of {rows[sent].topic} for its size; raise max.message.bytes of the topic "
                    f"to {LARGEST_RECORD} if it carries profiles, else to what the broker allows: {error}"
                ) from error
            except KafkaError as error:
                raise Misconfigured(
                    f"Kafka refuses the records of {rows[sent].topic} for good: {type(error).__name__} {error}"
                ) from error

    @again_if(_may_pass, _say)
    async def _send_batch(self, rows: list[Row], start: int) -> int:
        """Send as many rows as a batch takes, at least one; answer where the next batch starts."""
        producer = self._producer
        assert producer is not None
        topic, partition, end = rows[start].topic, rows[start].partition, start
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
        await waiting
        return end
