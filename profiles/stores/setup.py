"""The installation, as Redis knows it: what may never change under the data, who is working, what is risky."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from typing import NamedTuple

from redis.exceptions import RedisError

from profiles.errors import Misconfigured
from profiles.stores.keys import SEGMENTS, SETUP, WORKERS
from profiles.stores.redis import Client, connect

__all__ = ["RedisFacts", "beat", "check_setup", "inspect_redis", "living_workers"]

OLDEST = (6, 2)
ALIVE = 15.0
"""Seconds without a sign after which a worker counts as gone."""


async def check_setup(client: Client, *, partitions: int, namespace: uuid.UUID, segments: Iterable[str]) -> None:
    """Record the partition count and the namespace, or check that they are what the data was written with.

    Raises:
        Misconfigured: they differ, Redis does not answer, or it is too old.
    """
    try:
        if problem := await _too_old(client):
            raise Misconfigured(problem)
        wanted = {"partitions": str(partitions), "namespace": namespace.hex}
        for name, value in wanted.items():
            await client.hsetnx(SETUP, name, value)
        held = {name.decode(): value.decode() for name, value in (await client.hgetall(SETUP)).items()}
        if names := list(segments):
            await client.sadd(SEGMENTS, *names)
    except RedisError as error:
        raise Misconfigured(
            f"Redis does not answer ({type(error).__name__}: {error}); start it, or set RAPPORT_REDIS"
        ) from error
    for name, value in wanted.items():
        if held[name] != value:
            raise Misconfigured(
                f"this Redis holds profiles written with {name}={held[name]}, but {value} is set. Set it back"
                + (" (RAPPORT_PARTITIONS)" if name == "partitions" else " (`namespace` in the tracking plan)")
                + ", or use another Redis"
            )


class RedisFacts(NamedTuple):
    """What a check-up finds."""

    version: str
    skew: float  # seconds that Redis's clock is ahead of ours
    profiles_written_with: dict[str, str]  # partitions, namespace
    workers: dict[str, float]  # living workers: seconds since the last sign of each
    problems: list[tuple[str, str]]  # (error or warning, what it is and what to do)


async def inspect_redis(url: str) -> RedisFacts:
    """A check-up of the Redis at a URL.

    Raises:
        Misconfigured: it does not answer.
    """
    client = connect(url, patient=False)
    try:
        ours = time.time()
        seconds, micros = await client.time()
        held = {name.decode(): value.decode() for name, value in (await client.hgetall(SETUP)).items()}
        version = (await client.info("server"))["redis_version"]
        workers = await living_workers(client)
        return RedisFacts(version, seconds + micros / 1e6 - ours, held, workers, await _problems(client))
    except (RedisError, OSError) as error:
        raise Misconfigured(
            f"Redis does not answer ({type(error).__name__}: {error}); start it, or set RAPPORT_REDIS"
        ) from error
    finally:
        await client.aclose()


async def beat(client: Client, worker: str) -> None:
    """A sign of life of a worker that has partitions. By Redis's clock, so that all machines agree."""
    seconds, _ = await client.time()
    await client.hset(WORKERS, worker, seconds)


async def living_workers(client: Client) -> dict[str, float]:
    """Workers heard of lately: seconds since the last sign of each."""
    seconds, _ = await client.time()
    signs = {name.decode(): seconds - float(at) for name, at in (await client.hgetall(WORKERS)).items()}
    if gone := [name for name, age in signs.items() if age > 3600]:
        await client.hdel(WORKERS, *gone)
    return {name: age for name, age in signs.items() if age <= ALIVE}


async def _problems(client: Client) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    if old := await _too_old(client):
        problems.append(("error", old))
    memory = await client.info("memory")
    policy = memory.get("maxmemory_policy", "noeviction")
    if memory.get("maxmemory") and policy != "noeviction":
        problems.append(("error", f"maxmemory-policy is {policy}: Redis would delete profiles; set it to noeviction"))
    persistence = await client.info("persistence")
    if not persistence.get("aof_enabled"):
        problems.append(
            ("warning", "the append-only file is off: a restart loses all since the last dump; set `appendonly yes`")
        )
    elif persistence.get("aof_last_write_status", "ok") != "ok":
        problems.append(("error", "Redis could not write its append-only file; is its disk full?"))
    return problems


async def _too_old(client: Client) -> str | None:
    version = (await client.info("server"))["redis_version"]
    parts = tuple(int(part) for part in version.split(".")[:2])
    return None if parts >= OLDEST else f"Redis {version} is too old; 6.2 or newer is needed"
