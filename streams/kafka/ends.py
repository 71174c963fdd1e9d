"""The ends of partitions, asked again and again through one connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import nullcontext

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.types import TP
from tenacity import retry, retry_if_exception_type, wait_exponential

from streams.kafka.client import async_consumer
from streams.kafka.watermark import SHORT_WAIT_MS, ask_ends, tells_low_ends
from streams.settings import Settings

__all__ = ["Ends", "KafkaEnds"]

Ends = Callable[[Collection[TP]], Awaitable[dict[TP, int]]]
"""Answers the offset after the last record of each partition."""


class KafkaEnds:
    """Asks Kafka where partitions end.

    Args:
        settings: where it is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: AIOKafkaConsumer | None = None
        self._by_fetch = False
        self._connecting = asyncio.Lock()
        self._asking = asyncio.Lock()

    @retry(retry=retry_if_exception_type(KafkaError), wait=wait_exponential(multiplier=0.1, max=5))
    async def __call__(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The offset after the last record of each partition. A Kafka that is away is waited for."""
        consumer = await self._connected()
        tps = {TopicPartition(*tp): tp for tp in partitions}
        async with self._asking if self._by_fetch else nullcontext():  # assigned the partitions of one at a time
            ends = await ask_ends(consumer, tps, by_fetch=self._by_fetch)
        return {tps[tp]: int(end) for tp, end in ends.items()}

    async def _connected(self) -> AIOKafkaConsumer:
        async with self._connecting:  # several ask at once after the start: one connection for all
            if self._consumer is None:
                self._by_fetch = await tells_low_ends(self._settings)
                consumer = async_consumer(self._settings, fetch_max_wait_ms=SHORT_WAIT_MS)
                await consumer.start()
                self._consumer = consumer
            return self._consumer

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()
