"""Real Apache Kafka and real Redis for a benchmark: those named in the environment, Docker's, or local ones."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from redis import Redis

from console.local.process import Reaper
from profiles.errors import Misconfigured
from tests.servers import first_that_runs, kafka_candidates, redis_candidates
from tests.servers.given import describe_kafka

__all__ = ["REPOSITORY", "Servers", "child", "empty_redis", "python", "started"]

REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Servers:
    """Where they are."""

    kafka: str
    redis: str
    names: tuple[str, str]
    scratch: Path  # for logs; removed at the end
    reaper: Reaper


@contextlib.contextmanager
def started(keep_logs: Path | None = None) -> Iterator[Servers]:
    """Servers, stopped at the end if they are ours.

    Raises:
        Misconfigured: the only Kafka that runs here is the embedded broker, which is not what is to be measured.
    """
    with contextlib.ExitStack() as stack:
        scratch = keep_logs or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-benchmark-")))
        reaper = stack.enter_context(Reaper())
        which_kafka, kafka, _ = first_that_runs(kafka_candidates(), scratch / "kafka", reaper)
        stack.callback(kafka.stop)
        which_redis, redis, _ = first_that_runs(redis_candidates(), scratch / "redis", reaper)
        stack.callback(redis.stop)
        if (describe_kafka(kafka.bootstrap, timeout=10) or {}).get("cluster_id") == "tansu_cluster":
            raise Misconfigured(
                "benchmarks need Apache Kafka itself: install Java 17 and Maven, or Docker, or set RAPPORT_TEST_KAFKA"
            )
        redis_name = f"{which_redis.name} ({_version(redis.url)})"
        yield Servers(kafka.bootstrap, redis.url, (which_kafka.name, redis_name), scratch, reaper)


def empty_redis(url: str) -> Redis:
    """A client of the database at `url`, emptied."""
    client = Redis.from_url(url)
    client.flushdb()
    client.config_resetstat()
    return client


@contextlib.contextmanager
def child(
    servers: Servers, command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A child process, its output in `log`; gone afterwards. An error tells the end of its output."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment, "PYTHONPATH": str(REPOSITORY)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            start_new_session=True,
        )
    servers.reaper.watch(process.pid)
    try:
        yield process
    except RuntimeError as error:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        raise RuntimeError(f"{error}\n{tail}") from error
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        servers.reaper.forget(process.pid)


def python(*arguments: str) -> list[str]:
    """The command of a Python child process."""
    return [sys.executable, "-P", *arguments]


def _version(url: str) -> str:
    with Redis.from_url(url) as client:
        return f"Redis {client.info('server')['redis_version']}"
