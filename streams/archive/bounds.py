"""Where the log begins and ends."""

from __future__ import annotations

from typing import NamedTuple

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from streams.kafka.client import async_admin
from streams.settings import Settings

__all__ = ["Bounds", "bounds"]


class Bounds(NamedTuple):
    """Of one partition."""

    first: int  # the oldest offset that Kafka still has
    end: int  # the offset that comes next


async def bounds(consumer: AIOKafkaConsumer, settings: Settings, topic: str) -> dict[int, Bounds]:
    """The bounds of every partition; none if the topic is missing. Assigns them to the consumer.

    Raises:
        KafkaError: Kafka does not answer.
    """
    admin = async_admin(settings)
    try:
        await admin.start()
        described = await admin.describe_topics()  # all: to ask for one could create it
    finally:
        await admin.close()
    found = [part["partition"] for each in described if each["topic"] == topic for part in each["partitions"]]
    tps = [TopicPartition(topic, partition) for partition in sorted(found)]
    if not tps:
        return {}
    consumer.assign(tps)
    starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
    return {tp.partition: Bounds(starts[tp], ends[tp]) for tp in tps}
