"""The embedded broker tells its ends too low; what reads "up to now" reads all of it all the same."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import msgspec
import pytest
from aiokafka.structs import TopicPartition
from faust.types import TP
from kafka.admin import KafkaAdminClient, NewTopic

from console.local.embedded import Broker
from console.local.process import Reaper
from plan import load_plan
from profiles.stores.memory import MemoryLinkStore
from profiles.times import rfc3339
from profiles.types import Event, Profile, partition_of
from streams.dead_letters.newest import RejectedTail
from streams.dead_letters.rejections import Rejections, Wanted
from streams.history.outcome import rejections_of
from streams.identity.export import Exporter
from streams.identity.history import History
from streams.kafka.admin import lag
from streams.kafka.client import async_consumer
from streams.kafka.ends import KafkaEnds
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer, Row
from streams.kafka.topics import ALERTS, PROFILE_EVENTS, REJECTED, topic_name
from streams.records.rejected import Rejection
from streams.settings import Settings
from tests import REPOSITORY

PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
CUSTOMERS = [f"customer-{number}" for number in range(20)]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, reaper: Reaper) -> Iterator[Settings]:
    """An embedded broker with empty topics of rejections and events."""
    broker = Broker(tmp_path_factory.mktemp("embedded"), reaper=reaper)
    broker.start()
    broker.ready(30)
    settings = Settings(kafka=broker.bootstrap, partitions=4)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic(topic_name(settings, name), 4, 1) for name in (REJECTED, PROFILE_EVENTS, ALERTS)])
    admin.close()
    yield settings
    broker.stop()


async def produce(settings: Settings, rows: list[Row]) -> None:
    """All in one go, so that each partition gets one batch."""
    producer = BatchProducer(settings)
    try:
        await producer.produce(rows)
    finally:
        await producer.stop()


def test_rejections_are_all_listed(embedded: Settings) -> None:
    async def run() -> None:
        topic, began = topic_name(embedded, REJECTED), time.time()
        rejections = [
            Rejection(rfc3339(began), "check", "unplanned", "no", "web", "events.web", 0, number, b"{}", load="l")
            for number in range(40)
        ]
        await produce(embedded, [Row(topic, n % 4, None, each.encode()) for n, each in enumerate(rejections)])
        log = KafkaLog(embedded)
        assert len(await RejectedTail(log, embedded, PLAN).tail(100)) == 40
        assert len((await Rejections(log, embedded).survey(Wanted())).entries) == 40
        assert len((await Rejections(log, embedded).survey(Wanted(since=began - 1))).entries) == 40
        assert (await rejections_of(log, topic, {}, "l"))[0].total() == 40

    asyncio.run(run())


def test_who_asks_for_ends_is_answered_at_once(embedded: Settings) -> None:
    async def run() -> float:
        log, began = KafkaLog(embedded), time.monotonic()
        for _ in range(5):  # nothing is in it, so the last fetch of each connection is still waiting
            async with asyncio.timeout(10):
                assert sum(extent.end for extent in await log.extents(topic_name(embedded, ALERTS))) == 0
        return time.monotonic() - began

    assert asyncio.run(run()) < 10


def test_a_history_is_whole_and_so_is_what_waits(embedded: Settings) -> None:
    topic = topic_name(embedded, PROFILE_EVENTS)

    def events(home: str) -> list[Event]:
        names = [("user_id", home)]
        return [Event(home, f"{home}-{n}", "web", "page", "Home", "visit", 1e9 + n, 1e9, names) for n in range(3)]

    async def run() -> None:
        rows = [
            Row(topic, partition_of(home, 4), home.encode(), msgspec.msgpack.encode(each))
            for home in CUSTOMERS
            for each in events(home)
        ]
        await produce(embedded, rows)
        exporter = Exporter(History(KafkaLog(embedded), embedded), PLAN, MemoryLinkStore())
        for home in CUSTOMERS:
            found, missing = await exporter.events(Profile(home))
            assert (sorted(each.id for each in found), missing) == ([f"{home}-{n}" for n in range(3)], None)

        ends = KafkaEnds(embedded)
        at_once = await asyncio.gather(*(ends([TP(topic, number)]) for number in range(4)))
        await ends.stop()
        assert sum(end for told in at_once for end in told.values()) == 60

        consumer = async_consumer(embedded, group_id=embedded.worker_group)
        await consumer.start()
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.commit({TopicPartition(topic, 0): 1})
        await consumer.stop()

    asyncio.run(run())
    (told,) = lag(embedded, [topic])
    assert (told.records, told.read) == (59, True)
