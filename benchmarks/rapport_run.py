"""Running Rapport for a benchmark: topics, environment, and how far its worker has come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import httpx
from kafka import KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from redis import Redis

from benchmarks.meter import Mark, Meter
from benchmarks.servers import REPOSITORY
from plan import Plan, load_plan
from plan.fingerprint import fingerprint
from profiles.stores.sources import with_sources
from profiles.units import Pause, SourceStore
from streams.kafka.admin import ensure_topics
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, topic_name
from streams.settings import Settings

__all__ = ["Applied", "Prepared", "environment", "pause_sources", "prepare"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The plan, and its file."""

    plan: Plan
    path: Path


def prepare(settings: Settings) -> Prepared:
    """Load the repository's plan and create its topics."""
    path = REPOSITORY / "tracking_plan.yaml"
    plan = load_plan(path)
    ensure_topics(settings, plan)
    return Prepared(plan, path)


def environment(settings: Settings, plan: Path) -> dict[str, str]:
    """Settings as environment variables."""
    values = {}
    for name in Settings.model_fields:
        value = plan if name == "plan" else getattr(settings, name)
        if value is not None:
            values[f"RAPPORT_{name.upper()}"] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return values


def pause_sources(url: str, plan: Plan, *, paused: bool) -> None:
    """Pause all sources of a plan, or resume them.

    Args:
        url: of Redis.
        plan: that the workers have.
        paused: whether they are to be.
    """
    state = Pause(
        paused=paused,
        why="a benchmark waits for its worker to start",
        plan=fingerprint(plan),
        by="benchmark",
        retry=time.time() + 86_400,  # not by itself
    )

    async def write(store: SourceStore) -> None:
        for source in plan.sources:
            await store.write(source, state)

    asyncio.run(with_sources(url, write))


class Applied:
    """Watches workers through the store: what each partition says it has applied, against the end of its log.

    All sources are paused until the worker has its partitions and has loaded its models, as the usual script has
    before it reads. It began when it had produced its first neutral event, and has ended when every event has left
    ingest, the linker has decided all links, and all of `profile.events` has been applied.
    """

    def __init__(self, settings: Settings, plan: Plan, meter: Meter, events: int, ports: Sequence[int] = ()) -> None:
        self._url = settings.redis.get_secret_value()
        self._plan = plan
        self._meter = meter
        self._events = events
        self._redis = Redis.from_url(self._url)
        self._kafka = KafkaConsumer(bootstrap_servers=settings.kafka.split(","))
        self._metrics = [f"http://{settings.host}:{port}/metrics" for port in ports or [settings.metrics_port]]
        self._log = [
            TopicPartition(topic_name(settings, PROFILE_EVENTS), partition) for partition in range(settings.partitions)
        ]
        self._links = TopicPartition(topic_name(settings, IDENTITY_LINKS), 0)
        self._metas = [f"{{p{partition:03d}}}:meta" for partition in range(settings.partitions)] + ["{identity}:meta"]
        for topic in {tp.topic for tp in (*self._log, self._links)}:
            self._kafka.partitions_for_topic(topic)  # the client answers offsets only of topics that it knows
        self._applied = 0
        self._ready = False
        self.began: Mark | None = None
        self.ended: Mark | None = None

    def __enter__(self) -> Applied:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kafka.close()
        self._redis.close()

    def look(self) -> bool:
        """Whether all is applied. To be called often."""
        if not self._ready:
            self._meter.mark(0)
            self._ready = self._has_started()
            if self._ready:
                pause_sources(self._url, self._plan, paused=False)
            return False
        if self.began is None:
            if any(self._kafka.end_offsets(self._log).values()):
                self.began = self._meter.mark(0)
            else:
                self._meter.mark(0)
            return False
        applied = self._read_applied()
        if applied != self._applied:
            self._applied = applied
            self.ended = self._meter.mark(self._events)
            return False
        return applied > 0 and self._nothing_waits(applied)

    def _has_started(self) -> bool:
        """Whether the workers' metrics tell of the models, which one of them loads once it has its partitions."""
        try:
            return any("rapport_model_champion{" in text for text in self._texts())
        except httpx.TransportError:
            return False

    def _texts(self) -> list[str]:
        return [httpx.get(url, timeout=30).text for url in self._metrics]

    def _read_applied(self) -> int:
        with self._redis.pipeline(transaction=False) as pipeline:
            for meta in self._metas:
                pipeline.hget(meta, "applied")
            return sum(int(-1 if applied is None else applied) + 1 for applied in pipeline.execute())

    def _nothing_waits(self, applied: int) -> bool:
        ends = self._kafka.end_offsets([*self._log, self._links])
        if sum(ends.values()) != applied:
            return False
        return self._ingested() == self._events

    def _ingested(self) -> int:
        """Events that left ingest, as the worker's own metrics count them. Asked only when all else is done."""
        return sum(
            int(sample.value)
            for text in self._texts()
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "rapport_events_total"
        )
