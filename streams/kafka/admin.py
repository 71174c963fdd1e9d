"""Kafka from the outside, with kafka-python: topics, partitions, lag. What `rapport up` and `rapport doctor` need."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import (
    CoordinatorNotAvailableError,
    InvalidReplicationFactorError,
    KafkaError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    TopicAlreadyExistsError,
    UnknownBrokerIdError,
)
from kafka.protocol.consumer import OffsetSpec
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from plan import Plan
from profiles.errors import Misconfigured, WrongUse
from streams.kafka.admission import Unreachable
from streams.kafka.client import EMBEDDED, blocking_admin, blocking_consumer
from streams.kafka.topics import TopicSpec, topics
from streams.kafka.watermark import read_ends
from streams.settings import Settings

__all__ = [
    "STARTING",
    "Lag",
    "Log",
    "describe_log",
    "ensure_topics",
    "group_members",
    "lag",
    "topic_problems",
]

log = logging.getLogger(__name__)

_LEADERLESS = (LeaderNotAvailableError, NotLeaderForPartitionError, UnknownBrokerIdError)

_NO_ID = "00000000-0000-0000-0000-000000000000"
STARTING = 15.0
"""Seconds that a worker waits for a Kafka that does not answer when it starts."""

_VISIBLE = 15.0  # seconds until a topic just created must be seen; a broker answers before it shows it


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a group is behind in one topic."""

    topic: str
    records: int
    read: bool  # whether the group has committed anything there


@dataclass(frozen=True, slots=True)
class Log:
    """What Kafka says of itself: `cluster` and `topic:NAME` with their ids, and where each "topic/partition" ends."""

    ids: dict[str, str]
    ends: dict[str, int]  # empty for the embedded broker, whose answers may be too low


def ensure_topics(settings: Settings, plan: Plan) -> list[str]:
    """Create the topics that are missing; answer their names.

    Raises:
        Misconfigured: Kafka does not answer, or a topic has another number of partitions than is set.
        WrongUse: more copies are asked for than there are brokers.
    """
    wanted = topics(settings, plan)
    with _admin(settings, STARTING) as admin:
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


def describe_log(settings: Settings, names: Iterable[str], patience: float = 0.0) -> Log:
    """The ids and ends of topics; those that are missing, or have no ids (Kafka before 2.8), are left out.

    Args:
        settings: where Kafka is.
        names: of the topics.
        patience: seconds that a Kafka which does not answer is waited for.

    Raises:
        Misconfigured: Kafka does not answer.
    """
    with _admin(settings, patience) as admin:
        cluster = admin.describe_cluster().get("cluster_id")
        wanted = set(names)
        found = {topic["name"]: topic for topic in _describe(admin) if topic["name"] in wanted}
        ids = {f"topic:{name}": str(topic["topic_id"]) for name, topic in found.items()}
        ids = {"cluster": cluster or "", **ids}
        ends = {} if cluster == EMBEDDED else _ends(admin, found.values())
    return Log({name: id_ for name, id_ in ids.items() if id_ and id_ != _NO_ID}, ends)


def lag(settings: Settings, names: Sequence[str]) -> list[Lag]:
    """How many records of each topic the workers' group has not read yet."""
    answer = []
    consumer = blocking_consumer(settings, group=settings.worker_group)
    try:
        for name in names:
            partitions = [TopicPartition(name, number) for number in consumer.partitions_for_topic(name) or ()]
            ends = asyncio.run(read_ends(settings, partitions))
            starts = consumer.beginning_offsets(partitions)
            done = {tp: consumer.committed(tp) for tp in partitions}
            behind = sum(ends[tp] - (starts[tp] if done[tp] is None else done[tp]) for tp in partitions)
            answer.append(Lag(name, max(behind, 0), any(offset is not None for offset in done.values())))
    finally:
        consumer.close()
    return answer


def group_members(settings: Settings) -> list[str]:
    """The workers that Kafka knows of: members of the group. One that was killed is a member until its session ends.

    Raises:
        Misconfigured: Kafka does not answer.
    """
    with _admin(settings) as admin:
        group = _group(admin, settings.worker_group)
    return [f"{member['client_id']} on {member['client_host'].lstrip('/')}" for member in group["members"]]


@contextmanager
def _admin(settings: Settings, patience: float = 0.0) -> Iterator[KafkaAdminClient]:
    """An admin client; a Kafka that does not answer is waited for as long as `patience`, seconds."""
    deadline, told = time.monotonic() + patience, False
    while True:
        try:
            admin = blocking_admin(settings)
            break
        except Unreachable as error:
            if time.monotonic() > deadline:
                raise
            if not told:
                log.warning("%s; waiting %g s for it", error, patience)
            told = True
            time.sleep(0.3)
        except (KafkaError, OSError) as error:  # it has answered a moment ago
            raise Unreachable(
                f"Kafka does not answer at {settings.kafka} ({type(error).__name__}); start it, or set RAPPORT_KAFKA"
            ) from error
    try:
        yield admin
    finally:
        admin.close()


@retry(
    retry=retry_if_exception_type(CoordinatorNotAvailableError),  # a new Kafka first makes the topic of the groups
    stop=stop_after_delay(15),
    wait=wait_fixed(0.3),
    reraise=True,
)
def _group(admin: KafkaAdminClient, name: str) -> dict[str, Any]:
    found: dict[str, Any] = admin.describe_groups([name])[name]
    return found


def _create(admin: KafkaAdminClient, settings: Settings, specs: Sequence[TopicSpec]) -> None:
    new = [
        NewTopic(spec.name, spec.partitions, settings.replication, topic_configs=dict(spec.config)) for spec in specs
    ]
    try:
        admin.create_topics(new)
    except TopicAlreadyExistsError:
        log.info("another process created the topics at the same time")
    except InvalidReplicationFactorError as error:
        brokers = len(admin.describe_cluster()["brokers"])
        raise WrongUse(
            f"RAPPORT_REPLICATION={settings.replication} cannot be used; allowed: from 1 up to the number of brokers "
            f"of this Kafka, {brokers}"
        ) from error


def _describe(admin: KafkaAdminClient) -> list[dict[str, Any]]:
    return list(admin.describe_topics())


@retry(
    retry=retry_if_exception_type(_LEADERLESS),  # a Kafka that is starting first finds leaders for its partitions
    stop=stop_after_delay(15),
    wait=wait_fixed(0.3),
    reraise=True,
)
def _ends(admin: KafkaAdminClient, found: Iterable[dict[str, Any]]) -> dict[str, int]:
    places = [TopicPartition(topic["name"], number) for topic in found for number in range(len(topic["partitions"]))]
    answers = admin.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST)) if places else {}
    return {f"{place.topic}/{place.partition}": int(answer.offset) for place, answer in answers.items()}
