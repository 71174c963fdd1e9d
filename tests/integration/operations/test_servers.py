"""The servers do what Rapport builds on, and come back from what the fault tests do to them."""

from __future__ import annotations

import asyncio
import contextlib
import sysconfig
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata
from kafka.admin import KafkaAdminClient, NewTopic

from console.local.embedded import Broker, Redis, find_redis
from console.local.process import Reaper
from console.local.resp import RedisRefused, ask_redis
from profiles.errors import Misconfigured
from streams.settings import Settings
from tests.servers import (
    ApacheKafka,
    KafkaServer,
    RedisServer,
    first_that_runs,
    kafka_candidates,
    redis_candidates,
    shared_kafka,
)


def make_topic(bootstrap: str, partitions: int = 2) -> str:
    name = f"test-{uuid.uuid4().hex}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics(
            [
                NewTopic(
                    name=name,
                    num_partitions=partitions,
                    replication_factor=1,
                    topic_configs={"cleanup.policy": "compact"},
                )
            ]
        )
    finally:
        admin.close()
    return name


async def produce(bootstrap: str, topic: str, count: int, partition: int = 1) -> int:
    """One batch of records; returns the offset of the first."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=1_000_000)
    await producer.start()
    try:
        batch = producer.create_batch()
        for number in range(count):
            batch.append(key=b"k%d" % number, value=b"v%d" % number, timestamp=None, headers=[("rapport", b"1")])
        batch.close()
        return int((await (await producer.send_batch(batch, topic, partition=partition))).offset)
    finally:
        await producer.stop()


async def read(bootstrap: str, topic: str, count: int, partition: int = 1) -> list[tuple[int, bytes]]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition)])
        records: list[tuple[int, bytes]] = []
        deadline = time.monotonic() + 120
        while len(records) < count and time.monotonic() < deadline:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += [(record.offset, record.value) for record in batch]
        return records
    finally:
        await consumer.stop()


def test_batches_go_in_and_come_out(kafka: str) -> None:
    topic = make_topic(kafka)
    assert asyncio.run(produce(kafka, topic, 1000)) == 0
    assert asyncio.run(produce(kafka, topic, 500)) == 1000
    records = asyncio.run(read(kafka, topic, 1500))
    assert [offset for offset, _ in records] == list(range(1500))
    assert records[999][1] == b"v999"


def test_high_watermark_of_a_fetch_is_the_end(kafka: str) -> None:
    # The embedded broker's list-offsets answers the base of the last batch + 1; what a fetch says is right on both.
    topic = make_topic(kafka)
    asyncio.run(produce(kafka, topic, 100))

    async def highwater() -> int:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
        await consumer.start()
        try:
            partition = TopicPartition(topic, 1)
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            consumer.seek(partition, end - 1)
            await consumer.getmany(partition, timeout_ms=5000)
            return int(consumer.highwater(partition))
        finally:
            await consumer.stop()

    assert asyncio.run(highwater()) == 100


def test_compaction_is_kept_as_a_topic_setting(apache_kafka: str) -> None:
    from kafka.admin import ConfigResource, ConfigResourceType  # noqa: PLC0415

    topic = make_topic(apache_kafka)
    admin = KafkaAdminClient(bootstrap_servers=apache_kafka)
    try:
        for _ in range(100):  # a broker that has just heard of the topic may not know its settings yet
            described = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])["topic"][topic]
            if described:
                break
            time.sleep(0.1)
    finally:
        admin.close()
    assert described["cleanup.policy"]["value"] == "compact"


def test_a_killed_kafka_comes_back_with_everything(own_kafka: KafkaServer) -> None:
    if not isinstance(own_kafka, ApacheKafka):
        pytest.skip("the embedded broker is in memory")
    topic = make_topic(own_kafka.bootstrap)
    asyncio.run(produce(own_kafka.bootstrap, topic, 100))
    asyncio.run(commit(own_kafka.bootstrap, topic, 40))
    own_kafka.kill()
    own_kafka.start()
    own_kafka.ready(60)
    assert len(asyncio.run(read(own_kafka.bootstrap, topic, 100))) == 100
    assert asyncio.run(committed(own_kafka.bootstrap, topic)) == 40


def test_a_paused_kafka_acknowledges_nothing_until_it_goes_on(own_kafka: KafkaServer) -> None:
    topic = make_topic(own_kafka.bootstrap)

    async def scenario() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=own_kafka.bootstrap, acks="all", request_timeout_ms=20_000)
        await producer.start()
        try:
            await producer.send_and_wait(topic, b"before", key=b"k", partition=0)
            own_kafka.pause()
            waiting = asyncio.create_task(producer.send_and_wait(topic, b"while", key=b"k", partition=0))
            await asyncio.sleep(1)
            assert not waiting.done()
            own_kafka.resume()
            await asyncio.wait_for(waiting, 60)
        finally:
            own_kafka.resume()
            await producer.stop()

    asyncio.run(scenario())


def test_a_killed_redis_comes_back_with_everything(own_redis: RedisServer) -> None:
    ask_redis(own_redis.url, *(["SET", f"key{number}", "v"] for number in range(100)))
    # While an earlier write goes to the disk Redis keeps what it has answered to itself, for two seconds at most.
    with redis.Redis.from_url(own_redis.url) as client:
        while client.info("persistence")["aof_buffer_length"]:
            time.sleep(0.05)
    own_redis.kill()
    with pytest.raises(OSError):  # noqa: PT011  (refused or reset)
        ask_redis(own_redis.url, ["PING"])
    own_redis.start()
    own_redis.ready(10)
    assert ask_redis(own_redis.url, ["DBSIZE"]) == [100]


def test_redis_wants_its_password(own_redis: RedisServer) -> None:
    host = own_redis.url.rpartition("@")[2]
    with pytest.raises(RedisRefused, match="NOAUTH"):
        ask_redis(f"redis://{host}", ["DBSIZE"])
    with pytest.raises(RedisRefused):
        ask_redis(f"redis://:wrong@{host}", ["DBSIZE"])


def test_the_redis_of_the_package_serves_where_none_is_on_path(
    tmp_path: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_redis().is_relative_to(sysconfig.get_path("purelib"))
    server = Redis(tmp_path, reaper=reaper)
    server.start()
    server.ready(10)
    assert ask_redis(server.url, ["SET", "a", "1"], ["GET", "a"]) == ["OK", "1"]
    server.stop()


def test_a_server_that_cannot_start_says_why(tmp_path: Path, reaper: Reaper) -> None:
    first = Redis(tmp_path / "first", reaper=reaper)
    first.start()
    first.ready(10)
    second = Redis(tmp_path / "second", port=first.port, reaper=reaper)
    second.start()
    with pytest.raises(Misconfigured, match=r"(?s)the embedded Redis did not start: exit status 1.*in use"):
        second.ready(10)
    first.stop()


def test_settings_of_one_test_share_topics_and_database(make_settings: Callable[..., Settings]) -> None:
    one, two = make_settings(), make_settings(port=1234)
    assert (one.group, one.topic_prefix, one.redis) == (two.group, two.topic_prefix, two.redis)
    assert one.topic_prefix
    assert two.port == 1234


def test_the_environment_comes_first() -> None:
    assert kafka_candidates({"RAPPORT_TEST_KAFKA": "broker:9092"})[0].name.startswith("broker:9092")
    assert len(redis_candidates({"RAPPORT_TEST_REDIS": "redis://cache:6379/1"})) == 1


def test_the_embedded_broker_is_the_last_resort(tmp_path: Path, reaper: Reaper) -> None:
    candidates = kafka_candidates({"RAPPORT_TEST_SKIP_SERVERS": "docker,java"})
    candidate, server, reasons = first_that_runs(candidates, tmp_path, reaper)
    with contextlib.closing(contextlib.ExitStack()) as stack:
        stack.callback(server.stop)
        assert isinstance(server, Broker)
        assert candidate.name == "the embedded broker"
        assert not reasons
        topic = make_topic(server.bootstrap)
        asyncio.run(produce(server.bootstrap, topic, 10))
        assert len(asyncio.run(read(server.bootstrap, topic, 10))) == 10


def test_what_cannot_start_is_passed_over_with_its_reason(tmp_path: Path, reaper: Reaper) -> None:
    broken = kafka_candidates({"RAPPORT_TEST_KAFKA": "127.0.0.1:1"})[0]
    impatient = type(broken)(broken.name, broken.make, start_within=0.1)
    embedded = kafka_candidates({"RAPPORT_TEST_SKIP_SERVERS": "docker,java"})
    _, server, reasons = first_that_runs([impatient, *embedded], tmp_path, reaper)
    assert isinstance(server, Broker)
    assert "nothing answers on 127.0.0.1:1" in reasons[0]
    server.stop()


def test_one_server_serves_all_processes_of_a_run_until_the_last_leaves(tmp_path: Path) -> None:
    """Each with a reaper of its own: that of who started it must not end it for the others."""
    started: list[Broker] = []
    mine, others = Reaper(), Reaper()

    def start() -> KafkaServer:
        started.append(Broker(tmp_path / str(len(started)), reaper=mine))
        started[-1].start()
        started[-1].ready(30)
        return started[-1]

    with others, contextlib.ExitStack() as last:
        with mine, shared_kafka(tmp_path, mine, start) as first:
            second = last.enter_context(shared_kafka(tmp_path, others, start))
        assert first.bootstrap == second.bootstrap
        assert started[0].answers()
    assert started[0].process.wait(10)
    with Reaper() as mine, shared_kafka(tmp_path, mine, start) as third:
        assert [started[1]] == started[1:] == [third]
    assert started[1].process.wait(10)


async def commit(bootstrap: str, topic: str, offset: int) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 1)
        consumer.assign([partition])
        await consumer.commit({partition: OffsetAndMetadata(offset, "")})
    finally:
        await consumer.stop()


async def committed(bootstrap: str, topic: str) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=topic, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topic, 1)
        consumer.assign([partition])
        return int(await consumer.committed(partition))
    finally:
        await consumer.stop()
