"""A real collector for tests: uvicorn on a free port of 127.0.0.1, in front of a real Kafka."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import uvicorn
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import MetadataEmptyBrokerList
from prometheus_client import CollectorRegistry

from plan import Plan, load_plan
from streams.collector.app import Collector, create_collector
from streams.kafka.producer import KafkaProducer
from streams.kafka.topics import topic_name
from streams.metrics import CollectorMetrics
from streams.settings import Settings
from tests import REPOSITORY

__all__ = ["PLAN", "WEB", "Collecting", "Middleware", "collecting", "read_topic", "shipped_plan", "wait_until_ready"]

PLAN = REPOSITORY / "tracking_plan.yaml"
WEB = "dev-web-key"

Middleware = Callable[[Any], Any]


def shipped_plan() -> Plan:
    """The plan that Rapport ships, with its own write keys whatever the environment says."""
    return load_plan(PLAN, {})


class Collecting:
    """A running collector, and what has come out of it."""

    def __init__(self, url: str, settings: Settings, collector: Collector, registry: CollectorRegistry) -> None:
        self.url = url
        self.settings = settings
        self.collector = collector
        self.registry = registry

    def post(
        self, path: str = "/v1/batch", content: Any = None, *, key: str | None = WEB, **options: Any
    ) -> httpx.Response:
        """Send a body: bytes as they are, anything else as JSON. `key` goes as Basic authorization."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        auth = (key, "") if key is not None else None
        return httpx.post(self.url + path, content=body, auth=auth, timeout=30, **options)

    def events(self, source: str = "web") -> list[dict[str, Any]]:
        """The events on the source's topic, in the order they were written per sender."""
        return [json.loads(record.value) for record in read_topic(self.settings, f"events.{source}")]

    def rejected(self) -> list[dict[str, Any]]:
        """What is in events.rejected."""
        return [json.loads(record.value) for record in read_topic(self.settings, "events.rejected")]

    def written(self) -> int:
        """How many events the topic of the source web and events.rejected have ever held."""
        consumer = KafkaConsumer(bootstrap_servers=self.settings.kafka.split(","), enable_auto_commit=False)
        try:
            names = [topic_name(self.settings, base) for base in ("events.web", "events.rejected")]
            partitions = [TopicPartition(name, n) for name in names for n in consumer.partitions_for_topic(name) or ()]
            return sum(consumer.end_offsets(partitions).values())
        finally:
            consumer.close()

    def counted(self, name: str, **labels: str) -> float:
        """The value of a metric."""
        return self.registry.get_sample_value(name, labels) or 0.0


@contextlib.contextmanager
def collecting(
    settings: Settings,
    plan: Plan | None = None,
    *,
    timeout: float = 10.0,
    wrap: Middleware | None = None,
    **options: Any,
) -> Iterator[Collecting]:
    """Run a collector until the end of the block.

    Args:
        settings: Kafka and the topic prefix.
        plan: the shipped one if None.
        timeout: seconds it waits for Kafka.
        wrap: puts something in front of the application, e.g. a network that fails.
        options: further arguments of `Collector`.
    """
    registry = CollectorRegistry()
    collector = Collector(
        plan or shipped_plan(),
        KafkaProducer(settings, timeout=timeout),
        CollectorMetrics(registry),
        **{"rate_limit": settings.rate_limit, "rename": lambda base: topic_name(settings, base)} | options,
    )
    app = create_collector(collector)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(wrap(app) if wrap else app, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        _wait_until(lambda: server.started, 10)
        yield Collecting(url, settings, collector, registry)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()
        assert not thread.is_alive(), "the collector does not stop"


def read_topic(settings: Settings, base: str) -> list[Any]:
    """All records that are in a topic now."""
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.split(","), enable_auto_commit=False)
    try:
        topic = topic_name(settings, base)
        partitions = [TopicPartition(topic, number) for number in _numbers(consumer, topic)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        ends = consumer.end_offsets(partitions)
        records: list[Any] = []
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for batch in consumer.poll(timeout_ms=500).values():
                records.extend(batch)
        return records
    finally:
        consumer.close()


def _numbers(consumer: KafkaConsumer, topic: str) -> set[int]:
    """The numbers of a topic's partitions; a broker that has just been woken is not listed at once."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return set(consumer.partitions_for_topic(topic) or ())
        except MetadataEmptyBrokerList:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def wait_until_ready(running: Collecting, timeout: float = 60) -> None:
    """Wait until the collector has Kafka."""
    _wait_until(lambda: running.collector.producer.ready, timeout)


def _wait_until(true: Callable[[], bool], timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout:g} s"
        time.sleep(0.05)
