"""How far an installation has come, and everything that it holds in the end; read from Kafka and Redis directly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from redis import Redis, RedisCluster
from redis.cluster import ClusterNode
from redis.exceptions import RedisClusterException, RedisError

from plan import Plan
from profiles.clock import Head
from profiles.identity.links import decode_linked
from profiles.stores.keys import CLOCK, CLOCK_HEADS, IDENTITY, IDENTITY_MAP, Keys
from profiles.types import Identity
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, topic_name
from streams.settings import Settings
from tests.integration.faults.oracle import Stored

__all__ = ["Progress", "Watch"]

decode_head = msgspec.msgpack.Decoder(Head).decode


class Progress:
    """One look."""

    __slots__ = ("applied", "waiting")

    def __init__(self, applied: int, waiting: int) -> None:
        self.applied = applied  # records of `profile.events` and of `identity.links`, by what the store says
        self.waiting = waiting  # records that are not done anywhere on the way

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Progress) and (self.applied, self.waiting) == (other.applied, other.waiting)

    __hash__ = None  # type: ignore[assignment]  # looks are compared, never kept in sets


class Watch:
    """Looks at one installation from outside, with clients of its own."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self._settings = settings
        self._partitions = range(settings.partitions)
        self._sources = {name: topic_name(settings, source.topic) for name, source in plan.sources.items()}
        self._events = topic_name(settings, PROFILE_EVENTS)
        self._links = topic_name(settings, IDENTITY_LINKS)
        self.redis = _connect(settings.redis.get_secret_value())
        self._consumer = self._connect()

    def close(self) -> None:
        """Disconnect."""
        self._consumer.close()
        self.redis.close()

    def applied(self) -> dict[str, int]:
        """How many records each unit of the store has applied."""
        with self.redis.pipeline(transaction=False) as pipeline:
            for partition in self._partitions:
                pipeline.hget(Keys.of(partition).meta, "applied")
            pipeline.hget(IDENTITY.meta, "applied")
            found = pipeline.execute()
        names = [*(str(partition) for partition in self._partitions), "links"]
        return {name: int(-1 if offset is None else offset) + 1 for name, offset in zip(names, found, strict=True)}

    def until_live(self, timeout: float) -> None:
        """Wait until the clock is live: what is of now is let in only then."""
        deadline = time.monotonic() + timeout
        while b'"phase":"live"' not in (self.redis.hget(CLOCK.meta, "state") or b""):
            assert time.monotonic() < deadline, "the clock does not become live"
            time.sleep(0.1)

    def until_told(self, timeout: float) -> None:
        """Wait until the clock has been told that all source partitions are read to their ends."""
        places = [TopicPartition(topic, number) for topic in self._sources.values() for number in self._partitions]
        deadline = time.monotonic() + timeout
        while True:
            heads = {name.decode(): decode_head(head) for name, head in self.redis.hgetall(CLOCK_HEADS).items()}
            unread = {
                f"{place.topic}/{place.partition}": end
                for place, end in self._consumer.end_offsets(places).items()
                if end
            }
            if all(name in heads and heads[name].done >= end for name, end in unread.items()):
                return
            assert time.monotonic() < deadline, f"the clock has heard of {heads}, but the ends are {unread}"
            time.sleep(0.2)

    def look(self) -> Progress | None:
        """How far all is; None while a server does not answer."""
        try:
            applied = self.applied()
            raw = [TopicPartition(topic, number) for topic in self._sources.values() for number in self._partitions]
            own = {TopicPartition(self._events, number): applied[str(number)] for number in self._partitions}
            own[TopicPartition(self._links, 0)] = applied["links"]
            ends = self._consumer.end_offsets([*raw, *own])
            waiting = sum(max(ends[place] - (self._consumer.committed(place) or 0), 0) for place in raw)
            waiting += sum(max(ends[place] - done, 0) for place, done in own.items())
            waiting += self.redis.hlen(f"{IDENTITY.tag}:splitting")  # no record waits for those, but customers do
        except (RedisError, RedisClusterException, KafkaError, AssertionError):
            self._consumer.close()
            self._consumer = self._connect()
            self.redis.close()
            self.redis = _connect(self._settings.redis.get_secret_value())
            return None
        return Progress(sum(applied.values()), waiting)

    def sources(self) -> dict[str, list[Stored]]:
        """Every record of every source topic."""
        return {name: list(self._read(topic)) for name, topic in self._sources.items()}

    def values(self, base: str) -> list[bytes]:
        """The values of a topic's records."""
        return [record.value for record in self.records(base) if record.value is not None]

    def records(self, base: str) -> list[Stored]:
        """A topic's records, those of one partition in order."""
        return list(self._read(topic_name(self._settings, base)))

    def documents(self) -> dict[str, bytes]:
        """Every document of a customer or a company, as the store holds it."""
        found: dict[str, bytes] = {}
        for partition in self._partitions:
            for held in (Keys.of(partition).profiles, Keys.of(partition).companies):
                found |= {id_.decode(): document for id_, document in self.redis.hscan_iter(held, count=1000)}
        return found

    def mapping(self) -> dict[Identity, str]:
        """Which profile each linked identity belongs to."""
        mapping: dict[Identity, str] = {}
        for name, id_ in self.redis.hscan_iter(IDENTITY_MAP, count=1000):
            kind, _, value = name.decode().partition("\0")
            mapping[kind, value] = id_.decode()
        return mapping

    def linked(self) -> dict[str, list[Identity]]:
        """The linked identities of each profile that has any."""
        found = self.redis.hgetall(IDENTITY.profiles)
        return {id_.decode(): decode_linked(raw).identities for id_, raw in found.items()}

    def _connect(self) -> KafkaConsumer:
        while True:
            try:
                return KafkaConsumer(
                    bootstrap_servers=self._settings.kafka, group_id=self._settings.worker_group,
                    enable_auto_commit=False, request_timeout_ms=20_000,
                )  # fmt: skip
            except KafkaError:
                time.sleep(0.5)

    def _read(self, topic: str) -> Iterator[Stored]:
        """A topic's records, those of one partition in order."""
        consumer = KafkaConsumer(
            bootstrap_servers=self._settings.kafka, enable_auto_commit=False, max_poll_records=5000,
            max_partition_fetch_bytes=8 * 1024 * 1024,
        )  # fmt: skip
        try:
            places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
            ends = consumer.end_offsets(places)
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            while any(consumer.position(place) < end for place, end in ends.items()):
                for records in consumer.poll(1000).values():
                    for record in records:
                        if record.offset < ends[TopicPartition(record.topic, record.partition)]:
                            yield Stored(
                                record.topic, record.partition, record.offset, record.timestamp, record.value,
                                record.headers,
                            )  # fmt: skip
        finally:
            consumer.close()


def _connect(url: str) -> Any:
    """A client of one node, or of a cluster."""
    if not url.startswith("redis+cluster:"):
        return Redis.from_url(url, socket_timeout=20.0)
    who, _, hosts = url.partition("@")
    nodes = [ClusterNode(host, int(port)) for host, _, port in (one.partition(":") for one in hosts.split(","))]
    return RedisCluster(startup_nodes=nodes, password=who.rpartition(":")[2], socket_timeout=20.0)
