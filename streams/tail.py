"""The newest records of a topic, for people to look at."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from streams.producer import Unavailable
from streams.rejected import Rejection
from streams.settings import Settings
from streams.topics import REJECTED, topic_name

__all__ = ["RejectedTail"]

_LOOK_BACK = 200  # records of each partition that are looked through for those asked for
_PATIENCE = 5.0  # seconds
_decode = msgspec.json.Decoder(Rejection).decode


class RejectedTail:
    """Reads the end of `events.rejected`."""

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.kafka
        self._topic = topic_name(settings, REJECTED)
        self._partitions = settings.partitions

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """The latest rejected events, newest first, among the last 200 of each partition.

        Raises:
            Unavailable: Kafka does not answer.
        """
        consumer = AIOKafkaConsumer(bootstrap_servers=self._servers, enable_auto_commit=False)
        try:
            async with asyncio.timeout(_PATIENCE):
                await consumer.start()
                found = await self._read(consumer)
        except (TimeoutError, KafkaError) as error:
            raise Unavailable("Kafka does not answer") from error
        finally:
            await consumer.stop()
        wanted = [
            rejection
            for rejection in found
            if (source is None or rejection.source == source) and (reason is None or rejection.reason == reason)
        ]
        wanted.sort(key=lambda rejection: rejection.at, reverse=True)
        return [msgspec.to_builtins(rejection) for rejection in wanted[:limit]]

    async def _read(self, consumer: AIOKafkaConsumer) -> list[Rejection]:
        partitions = [TopicPartition(self._topic, number) for number in range(self._partitions)]
        consumer.assign(partitions)
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        waiting = {tp for tp in partitions if ends[tp] > starts[tp]}
        for tp in waiting:
            consumer.seek(tp, max(starts[tp], ends[tp] - _LOOK_BACK))
        found: list[Rejection] = []
        while waiting:
            for tp, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
                found += [_decode(record.value) for record in records]
                if records[-1].offset + 1 >= ends[tp]:
                    waiting.discard(tp)
        return found
