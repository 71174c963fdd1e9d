"""The three contenders of benchmarks/throughput.py: each gets fresh topics, a fresh group and an empty Redis."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from kafka.admin import KafkaAdminClient
from pydantic import SecretStr
from redis import Redis

from benchmarks.load import make_topics, produce
from benchmarks.meter import Mark, Meter, Run
from benchmarks.rapport_run import Applied, environment, pause_sources, prepare
from benchmarks.sampled import Sampled
from benchmarks.servers import Servers, child, empty_redis, python
from benchmarks.workload import RawEvent
from console.local.process import free_port
from profiles.documents import decode_profile
from streams.settings import Settings

__all__ = ["Job", "frameworkless", "rapport", "usual"]

SOURCES = ("web", "app", "support", "purchase")
START_WITHIN = 60.0
WHOLE_PATH = "plan check, identity, profile, score with reasons, segments, alerts; atomic, exactly once"


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done, and where."""

    servers: Servers
    events: Sequence[RawEvent]
    partitions: int
    batch: int
    timeout: float  # seconds that one contender may take

    @property
    def logs(self) -> Path:
        """Where the contenders' output goes."""
        return self.servers.scratch / "contenders"


def rapport(job: Job, *, sampled: Sampled | None = None, workers: Sequence[str] = ("",)) -> Run:
    """`rapport work`, the command itself, from its start to the last event applied.

    Args:
        job: what is to be done.
        sampled: samples the worker, if there is one.
        workers: the part of the work that each does; "" for all.
    """
    prefix = _name("rapport") + "."
    settings = Settings(
        kafka=job.servers.kafka, redis=SecretStr(job.servers.redis), topic_prefix=prefix, group="work",
        partitions=job.partitions, log_level="warning", metrics_port=free_port(),
    )  # fmt: skip
    plan = prepare(settings)
    with _redis(job) as (redis, before), _removed(job, prefix):
        produce(job.servers.kafka, prefix, job.partitions, job.events)
        pause_sources(job.servers.redis, plan.plan, paused=True)
        ports = [settings.metrics_port, *(free_port() for _ in workers[1:])]
        variables = environment(settings, plan.path)
        with contextlib.ExitStack() as stack:
            processes = []
            for number, (part, port) in enumerate(zip(workers, ports, strict=True)):
                command = python("-m", "console", "work", *(["--only", part] if part else []))
                processes.append(
                    stack.enter_context(
                        child(
                            job.servers,
                            sampled.wrap(command) if sampled else command,
                            job.logs / f"rapport-{number}.log",
                            {**variables, "RAPPORT_METRICS_PORT": str(port)},
                        )
                    )
                )
            meter = Meter(*(sampled.child_of(one.pid) if sampled else one.pid for one in processes))
            with Applied(settings, plan.plan, meter, len(job.events), ports) as applied:
                meter.watch(applied.look, "applying events", every=0.1, timeout=job.timeout)
            meter.terminate()
            for process in processes:
                process.wait(60)
        after = _used(redis)
        profiles, notes = _inspect(redis, job.partitions)
    if notes["events_in_profiles"] != len(job.events):
        raise RuntimeError(f"{notes['events_in_profiles']} of {len(job.events)} events are in the profiles")
    assert applied.began is not None
    assert applied.ended is not None
    return Run(
        "rapport work", WHOLE_PATH, len(job.events), applied.began, applied.ended, meter.peak_rss,
        after - before, profiles, notes,
    )  # fmt: skip


def usual(job: Job) -> Run:
    """The usual script: see benchmarks/usual.py."""
    return _smaller(job, "usual", "the usual script", "Faust by event; GET, River predict, SET, ZADD; nothing else")


def frameworkless(job: Job) -> Run:
    """The frameworkless loop: see benchmarks/frameworkless.py."""
    return _smaller(job, "frameworkless", "frameworkless loop", "the usual script's job, by batches over aiokafka")


def _smaller(job: Job, module: str, name: str, does: str) -> Run:
    prefix = _name(module) + "."
    topics = [f"{prefix}events.{source}" for source in SOURCES]
    make_topics(job.servers.kafka, topics, job.partitions)
    with _redis(job) as (redis, before), _removed(job, prefix):
        produce(job.servers.kafka, prefix, job.partitions, job.events)
        log = job.logs / f"{module}.log"
        variables = {
            "BENCH_KAFKA": job.servers.kafka, "BENCH_REDIS": job.servers.redis, "BENCH_TOPICS": ",".join(topics),
            "BENCH_GROUP": f"{prefix}group", "BENCH_EVENTS": str(len(job.events)), "BENCH_BATCH": str(job.batch),
        }  # fmt: skip
        with child(job.servers, python("-m", f"benchmarks.{module}"), log, variables) as process:
            meter = Meter(process.pid)
            told: dict[str, Any] = {}

            def look() -> bool:
                meter.mark(0)
                for line in re.findall(r'{"(?:began|ended)": {.*}}', log.read_text()):
                    told.update(json.loads(line))
                return "ended" in told

            meter.watch(look, "applying events", every=0.1, timeout=job.timeout)
            began, ended = (
                Mark(told[what]["at"] - meter.started, told[what]["cpu"], events)
                for what, events in (("began", 0), ("ended", len(job.events)))
            )
        after = _used(redis)
        profiles = int(redis.dbsize()) - 1
    return Run(name, does, len(job.events), began, ended, meter.peak_rss, after - before, profiles, {})


def _name(contender: str) -> str:
    return f"bench-{time.time_ns():x}-{contender}"


@contextlib.contextmanager
def _redis(job: Job) -> Iterator[tuple[Redis, int]]:
    """An empty Redis, and the bytes it uses."""
    client = empty_redis(job.servers.redis)
    try:
        yield client, _used(client)
    finally:
        client.flushdb()
        client.close()


def _used(redis: Redis) -> int:
    return int(redis.info("memory")["used_memory"])


@contextlib.contextmanager
def _removed(job: Job, prefix: str) -> Iterator[None]:
    """Remove the contender's topics afterwards."""
    try:
        yield
    finally:
        admin = KafkaAdminClient(bootstrap_servers=job.servers.kafka.split(","))
        try:
            admin.delete_topics([topic for topic in admin.list_topics() if topic.startswith(prefix)])
        finally:
            admin.close()


def _inspect(redis: Redis, partitions: int) -> tuple[int, dict[str, Any]]:
    """What the profiles hold, and where the bytes are."""
    live = tombstones = events = document_bytes = 0
    segments: Counter[str] = Counter()
    scored = alerts = 0
    for partition in range(partitions):
        for raw_id, raw in redis.hscan_iter(f"{{p{partition:03d}}}:profiles", count=1000):
            profile = decode_profile(raw_id.decode(), raw)
            if profile.redirect:
                tombstones += 1
                continue
            live += 1
            document_bytes += len(raw)
            events += sum(activity.count for activity in profile.activity.values())
            segments.update(list(profile.segments))
            scored += profile.score is not None
            alerts += len(profile.alerts)
    by_key: Counter[str] = Counter()
    for key in redis.scan_iter(count=1000):
        unit, _, kind = key.decode().partition(":")
        kind = "segments" if kind.startswith("segment:") else kind
        by_key[kind if unit.startswith("{p") else f"{unit}:{kind}"] += int(redis.memory_usage(key, samples=0) or 0)
    return live, {
        "events_in_profiles": events,
        "tombstones": tombstones,
        "scored": scored,
        "alerts": alerts,
        "segments": dict(segments.most_common()),
        "document_bytes": round(document_bytes / max(live, 1)),
        "redis_bytes_by_key": dict(by_key.most_common()),
        "example_document": _example(redis, partitions),
    }


def _example(redis: Redis, partitions: int) -> dict[str, int]:
    """Bytes of the parts of a document, the mean over the first partition's."""
    parts: Counter[str] = Counter()
    count = 0
    for raw_id, raw in redis.hscan_iter(f"{{p{partitions - 1:03d}}}:profiles", count=1000):
        profile = decode_profile(raw_id.decode(), raw)
        if not profile.redirect:
            count += 1
            for name in type(profile).__struct_fields__:
                parts[name] += len(msgspec.msgpack.encode(getattr(profile, name)))
    return {name: round(size / max(count, 1)) for name, size in parts.most_common()}
