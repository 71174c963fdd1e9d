"""Which servers the tests use: the chain, best first."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from console.local.embedded import Broker, Redis, find_redis
from console.local.process import Reaper
from tests.servers.apache import VERSION, ApacheKafka, why_no_kafka
from tests.servers.containers import KAFKA_IMAGE, REDIS_IMAGE, ContainerKafka, ContainerRedis, why_no_docker
from tests.servers.given import GivenKafka, GivenRedis, KafkaServer, RedisServer

__all__ = ["Candidate", "first_that_runs", "kafka_candidates", "local_kafka", "redis_candidates"]

Kind = TypeVar("Kind", KafkaServer, RedisServer)


@dataclass(frozen=True)
class Candidate(Generic[Kind]):
    """A server that the tests could use."""

    name: str
    make: Callable[[Path, Reaper], Kind]
    start_within: float = 30.0


def kafka_candidates(environ: Mapping[str, str] = os.environ) -> list[Candidate[KafkaServer]]:
    """The Kafkas that may be used here, best first; never empty."""
    if given := environ.get("RAPPORT_TEST_KAFKA"):
        return [Candidate(f"{given} (RAPPORT_TEST_KAFKA)", lambda _data, _reaper: GivenKafka(given))]
    skipped = environ.get("RAPPORT_TEST_SKIP_SERVERS", "").split(",")
    found: list[Candidate[KafkaServer]] = []
    if "docker" not in skipped and why_no_docker() is None:
        found.append(Candidate(f"Docker, {KAFKA_IMAGE}", lambda _data, _reaper: ContainerKafka(), 120))
    return found + local_kafka(environ)


def local_kafka(environ: Mapping[str, str] = os.environ) -> list[Candidate[KafkaServer]]:
    """The Kafkas that run as a child process here, best first."""
    found: list[Candidate[KafkaServer]] = []
    if "java" not in environ.get("RAPPORT_TEST_SKIP_SERVERS", "").split(",") and why_no_kafka() is None:
        found.append(
            Candidate(f"Apache Kafka {VERSION}, local Java", lambda data, reaper: ApacheKafka(data, reaper=reaper), 60)
        )
    return [*found, Candidate("the embedded broker", lambda data, reaper: Broker(data, reaper=reaper))]


def redis_candidates(environ: Mapping[str, str] = os.environ) -> list[Candidate[RedisServer]]:
    """The Redis servers that may be used here, best first; never empty."""
    if given := environ.get("RAPPORT_TEST_REDIS"):
        return [Candidate("RAPPORT_TEST_REDIS", lambda _data, _reaper: GivenRedis(given))]
    found: list[Candidate[RedisServer]] = []
    if "docker" not in environ.get("RAPPORT_TEST_SKIP_SERVERS", "").split(",") and why_no_docker() is None:
        found.append(Candidate(f"Docker, {REDIS_IMAGE}", lambda _data, _reaper: ContainerRedis(), 120))
    return [*found, Candidate(str(find_redis()), lambda data, reaper: Redis(data, reaper=reaper))]


def first_that_runs(
    candidates: list[Candidate[Kind]], data_dir: Path, reaper: Reaper
) -> tuple[Candidate[Kind], Kind, list[str]]:
    """Start the first candidate that can be started; also returns why the ones before it could not.

    Raises:
        RuntimeError: none of them starts.
    """
    reasons: list[str] = []
    for number, candidate in enumerate(candidates):
        server: Kind | None = None
        try:
            server = candidate.make(data_dir / str(number), reaper)
            server.start()
            server.ready(candidate.start_within)
        except Exception as error:  # whatever it is: the next one is tried, and the reason is printed
            reasons.append(f"{candidate.name}: {error}")
            if server is not None:
                server.stop()
        else:
            return candidate, server, reasons
    raise RuntimeError("no server could be started:\n" + "\n".join(reasons))
