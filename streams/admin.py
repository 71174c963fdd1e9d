"""Kafka from the outside, with kafka-python: topics, partitions, lag. What `rapport up` and `rapport doctor` need."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import KafkaError, TopicAlreadyExistsError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from profiles.errors import Misconfigured
from streams.plan import Plan
from streams.settings import Settings
from streams.topics import TopicSpec, topics

__all__ = ["Lag", "ensure_topics", "lag", "topic_problems"]

log = logging.getLogger(__name__)

_VISIBLE = 15.0  # seconds until a topic just created must be seen; a broker answers before it shows it


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind in one topic."""

    topic: str
    records: int
    read: bool  # whether the group has committed anything there


def ensure_topics(settings: Settings, plan: Plan) -> list[str]:
    """Create the topics that are missing; answer their names.

    Raises:
        Misconfigured: Kafka does not answer, or a topic has another number of partitions than is set.
    """
    wanted = topics(settings, plan)
    with _admin(settings) as admin:
        there = set(admin.list_topics())
        missing = [spec for spec in wanted if spec.name not in there]
        if missing:
            _create(admin, settings, missing)
    deadline = time.monotonic() + _VISIBLE
    while problems := topic_problems(settings, plan):
        if not missing or time.monotonic() > deadline:
            raise Misconfigured("\n".join(problems))
        time.sleep(0.1)
    return [spec.name for spec in missing]


def topic_problems(settings: Settings, plan: Plan) -> list[str]:
    """What is wrong with the topics, each with what to do."""
    problems = []
    with _admin(settings) as admin:
        found = {topic["name"]: len(topic["partitions"]) for topic in _describe(admin)}
    for spec in topics(settings, plan):
        count = found.get(spec.name)
        if count is None:
            problems.append(f"topic {spec.name} is missing; `rapport up` and `rapport work` create it")
        elif count != spec.partitions:
            problems.append(
                f"topic {spec.name} has {count} partitions, but {spec.partitions} are set: set RAPPORT_PARTITIONS="
                f"{count} if that is what it had when it was created; otherwise delete the topic and start again"
            )
    return problems


def lag(settings: Settings, names: Sequence[str]) -> list[Lag]:
    """How many records of each topic the workers' group has not read yet."""
    answer = []
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka.split(","), group_id=settings.worker_group, enable_auto_commit=False
    )
    try:
        for name in names:
            partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
            ends = consumer.end_offsets(partitions)
            starts = consumer.beginning_offsets(partitions)
            done = {tp: consumer.committed(tp) for tp in partitions}
            behind = sum(ends[tp] - (starts[tp] if done[tp] is None else done[tp]) for tp in partitions)
            answer.append(Lag(name, max(behind, 0), any(offset is not None for offset in done.values())))
    finally:
        consumer.close()
    return answer


@contextmanager
def _admin(settings: Settings) -> Iterator[KafkaAdminClient]:
    try:
        admin = _connect(settings.kafka)
    except (KafkaError, OSError) as error:
        raise Misconfigured(
            f"Kafka does not answer at {settings.kafka} ({type(error).__name__}); start it, or set RAPPORT_KAFKA"
        ) from error
    try:
        yield admin
    finally:
        admin.close()


@retry(
    retry=retry_if_exception_type((KafkaError, OSError)),
    stop=stop_after_delay(15),
    wait=wait_fixed(0.3),
    reraise=True,
)
def _connect(servers: str) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=servers.split(","))


def _create(admin: KafkaAdminClient, settings: Settings, specs: Sequence[TopicSpec]) -> None:
    new = [
        NewTopic(spec.name, spec.partitions, settings.replication, topic_configs=dict(spec.config)) for spec in specs
    ]
    try:
        admin.create_topics(new)
    except TopicAlreadyExistsError:
        log.info("another process created the topics at the same time")


def _describe(admin: KafkaAdminClient) -> list[dict[str, Any]]:
    return list(admin.describe_topics())
