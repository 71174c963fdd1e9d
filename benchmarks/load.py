"""Putting a workload on source topics, before anything is measured."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiokafka.partitioner import murmur2
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError

from benchmarks.workload import RawEvent
from streams.kafka.output import BatchProducer, Row
from streams.settings import Settings

__all__ = ["make_topics", "produce", "settle"]

_AT_ONCE = 20_000


def make_topics(kafka: str, names: Sequence[str], partitions: int) -> None:
    """Create topics."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.split(","))
    try:
        admin.create_topics([NewTopic(name, partitions, 1) for name in names])
    finally:
        admin.close()


def settle(kafka: str, names: Sequence[str]) -> None:
    """Wait until all partitions of new topics have leaders.

    Raises:
        TimeoutError: they have none after half a minute.
    """
    deadline = time.monotonic() + 30
    consumer = KafkaConsumer(bootstrap_servers=kafka.split(","))
    try:
        for name in names:
            while True:
                try:
                    consumer.end_offsets([TopicPartition(name, at) for at in consumer.partitions_for_topic(name) or ()])
                    break
                except (KafkaError, KeyError):
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"topic {name} has no leaders") from None
                    time.sleep(0.2)
    finally:
        consumer.close()


def produce(kafka: str, prefix: str, partitions: int, events: Sequence[RawEvent]) -> None:
    """Put events on the topics `<prefix>events.<source>`, partitioned by key as Kafka's clients do."""

    settle(kafka, sorted({f"{prefix}events.{event.source}" for event in events}))

    async def run() -> None:
        producer = BatchProducer(Settings(kafka=kafka))
        await producer.start()
        try:
            for start in range(0, len(events), _AT_ONCE):
                await producer.produce(
                    Row(f"{prefix}events.{event.source}", _partition(event.key, partitions), event.key, event.value)
                    for event in events[start : start + _AT_ONCE]
                )
        finally:
            await producer.stop()

    asyncio.run(run())


def _partition(key: bytes, partitions: int) -> int:
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
