"""Producing by batches on a real Kafka: in order whatever happens to the broker, and no retry of what cannot pass."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from profiles.errors import Misconfigured
from streams.kafka.output import BatchProducer, Row
from streams.settings import Settings
from tests.servers import KafkaServer

ROWS = 2000


def make_topic(bootstrap: str, **configs: str) -> str:
    name = f"test-{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1, topic_configs=configs)])
    finally:
        admin.close()
    return name


def produce(bootstrap: str, rows: list[Row]) -> None:
    async def run() -> None:
        producer = BatchProducer(Settings(kafka=bootstrap))
        try:
            await producer.produce(rows)
        finally:
            await producer.stop()

    asyncio.run(run())


def first_arrivals(bootstrap: str, topic: str, partition: int) -> list[int]:
    """Numbers of the rows, each where it arrived for the first time."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        end = consumer.end_offsets([place])[place]
        found: dict[int, None] = {}
        while consumer.position(place) < end:
            for record in consumer.poll(500).get(place, ()):
                found.setdefault(int(record.key))
        return list(found)
    finally:
        consumer.close()


def test_rows_of_a_partition_never_overtake_each_other(own_kafka: KafkaServer) -> None:
    """Many batches for two partitions while the broker is killed and comes back."""
    topic = make_topic(own_kafka.bootstrap)
    rows = [Row(topic, number % 2, b"%d" % number, b"x" * 20_000) for number in range(ROWS)]

    async def run() -> None:
        producer = BatchProducer(Settings(kafka=own_kafka.bootstrap))
        await producer.produce(rows[:2])
        sending = asyncio.create_task(producer.produce(rows))
        await asyncio.sleep(0.1)
        assert not sending.done()
        await asyncio.to_thread(own_kafka.kill)
        await asyncio.to_thread(own_kafka.start)
        await sending
        await producer.stop()

    asyncio.run(run())
    for partition in range(2):
        assert first_arrivals(own_kafka.bootstrap, topic, partition) == list(range(partition, ROWS, 2))


def test_what_kafka_refuses_for_good_is_an_error(apache_kafka: str) -> None:
    topic = make_topic(apache_kafka, **{"max.message.bytes": "1000"})
    begun = time.monotonic()
    with pytest.raises(Misconfigured, match="for its size"):
        produce(apache_kafka, [Row(topic, 0, b"1", b"x" * 5000)])
    assert time.monotonic() - begun < 10
