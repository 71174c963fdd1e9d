"""The ends of partitions by the high watermark of a fetch, which is right on every broker.

Asked for its ends, the embedded broker answers with the first offset of each partition's last batch, plus one. Who
reads "up to now" would leave out the rest of that batch, and nothing would tell.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaTimeoutError
from aiokafka.structs import TopicPartition

from streams.kafka.client import EMBEDDED, async_consumer, cluster_id
from streams.settings import Settings

__all__ = ["SHORT_WAIT_MS", "ask_ends", "read_ends", "tells_low_ends"]

SHORT_WAIT_MS = 10
"""The `fetch_max_wait_ms` of a consumer for `ask_ends`: that long takes the answer of partitions without records."""

_PATIENCE = 10.0  # seconds for all partitions to answer a fetch


async def tells_low_ends(settings: Settings) -> bool:
    """Whether this Kafka's own answers cannot be relied on.

    Raises:
        KafkaError: it does not answer.
    """
    return await cluster_id(settings) == EMBEDDED


async def ask_ends(
    consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], *, by_fetch: bool
) -> dict[TopicPartition, int]:
    """The offset after the last record of each partition.

    Args:
        consumer: of no group. With `by_fetch` it is assigned these partitions, paused in the end.
        partitions: of topics that the consumer knows.
        by_fetch: as `tells_low_ends` says.

    Raises:
        KafkaError: Kafka does not answer.
    """
    ends: dict[TopicPartition, int] = await consumer.end_offsets(list(partitions))
    if not by_fetch or not ends:
        return ends
    consumer.assign(list(ends))
    try:
        for tp, offset in ends.items():
            consumer.seek(tp, offset)
        deadline = time.monotonic() + _PATIENCE
        while any(consumer.highwater(tp) is None for tp in ends):
            if time.monotonic() > deadline:
                raise KafkaTimeoutError("a fetch was not answered")
            await consumer.getmany(timeout_ms=SHORT_WAIT_MS)
        return {tp: max(offset, consumer.highwater(tp)) for tp, offset in ends.items()}
    finally:
        # Not unsubscribed: a consumer that is stopped just after that waits for its own fetches for ever.
        consumer.pause(*ends)


async def read_ends(settings: Settings, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """The same, through a connection of its own.

    Raises:
        KafkaError: Kafka does not answer.
    """
    consumer = async_consumer(settings, fetch_max_wait_ms=SHORT_WAIT_MS)
    try:
        await consumer.start()
        return await ask_ends(consumer, partitions, by_fetch=await tells_low_ends(settings))
    finally:
        await consumer.stop()
