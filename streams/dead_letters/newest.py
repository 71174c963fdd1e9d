"""The newest of `events.rejected`, for people to look at: masked, and without what a replay has put back."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from plan import Plan
from streams.dead_letters.masking import Masker
from streams.kafka.client import async_consumer
from streams.kafka.producer import Unavailable
from streams.kafka.topics import REJECTED, topic_name
from streams.records.rejected import Rejection, ReplayNote, is_note, told
from streams.settings import Settings

__all__ = ["RejectedTail"]

_LOOK_BACK = 200  # records of each partition that are looked through for those asked for
_PATIENCE = 5.0  # seconds
_decode = msgspec.json.Decoder(Rejection).decode
_decode_note = msgspec.json.Decoder(ReplayNote).decode


class RejectedTail:
    """Reads the end of `events.rejected`.

    Args:
        settings: where Kafka is.
        plan: says what of an event is personal.
    """

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings = settings
        self._topic = topic_name(settings, REJECTED)
        self._partitions = settings.partitions
        self._masker = Masker(plan)

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """The latest rejected events, newest first, among the last 200 records of each partition.

        Raises:
            Unavailable: Kafka does not answer.
        """
        consumer = async_consumer(self._settings)
        try:
            async with asyncio.timeout(_PATIENCE):
                await consumer.start()
                records = await self._read(consumer)
        except (TimeoutError, KafkaError) as error:
            raise Unavailable("Kafka does not answer") from error
        finally:
            await consumer.stop()
        put_back = {
            position for record in records if is_note(record.headers) for position in _decode_note(record.value).done
        }
        wanted = [
            (position, rejection)
            for record in records
            if not is_note(record.headers)
            and (position := f"{record.partition}:{record.offset}") not in put_back
            and (rejection := _decode(record.value))
            and (source is None or rejection.source == source)
            and (reason is None or rejection.reason == reason)
        ]
        wanted.sort(key=lambda found: found[1].at, reverse=True)
        return [
            told(position, rejection) | {"event": self._masker.event(rejection.source, rejection.payload)}
            for position, rejection in wanted[:limit]
        ]

    async def _read(self, consumer: AIOKafkaConsumer) -> list[ConsumerRecord]:
        partitions = [TopicPartition(self._topic, number) for number in range(self._partitions)]
        consumer.assign(partitions)
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        waiting = {tp for tp in partitions if ends[tp] > starts[tp]}
        for tp in waiting:
            consumer.seek(tp, max(starts[tp], ends[tp] - _LOOK_BACK))
        found: list[ConsumerRecord] = []
        while waiting:
            for tp, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
                found += records
                if records[-1].offset + 1 >= ends[tp]:
                    waiting.discard(tp)
        return found
