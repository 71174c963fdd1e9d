"""The installation, as Redis knows it: what may never change under the data, who is working, what is risky."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from profiles.errors import Misconfigured
from profiles.identity.secrets import fingerprint
from profiles.stores.connection import Client, connect, reached
from profiles.stores.health import Problem, redis_problems, redis_version
from profiles.stores.keys import SEGMENTS, SETUP, WORKERS
from profiles.stores.trouble import answering

__all__ = [
    "FORMAT", "OTHER_FORMAT", "OTHER_KEY", "PII_KEY", "REBUILDING",
    "RedisFacts", "beat", "check_setup", "inspect_redis", "is_other_format", "living_workers",
]  # fmt: skip

FORMAT = "3"
"""Of what Redis holds. Format 1, which no setup names, kept links beside the identities that they link; 2 had no lists
of alerts by state."""

OTHER_FORMAT = (
    "this Redis was written by another version of Rapport, in another format. Stop all workers and run "
    "`rapport rebuild --replace`, which writes it anew from Kafka, or use an empty Redis"
)

PII_KEY = "pii_key"
"""Field of the setup that holds the fingerprint of the key."""

OTHER_KEY = (
    "the identities in this Redis were hashed with another key, so nobody would be recognised. Set RAPPORT_PII_KEY "
    "back to what it was (leave it out if it was not set), or use another Redis"
)

REBUILDING = "rebuilding"
"""Field of the setup that is there until a rebuild is complete."""

_FORMAT = "format"

ALIVE = 15.0
"""Seconds without a sign after which a worker counts as gone."""


async def check_setup(
    client: Client, *, partitions: int, namespace: uuid.UUID, pii_key: bytes, segments: Iterable[str]
) -> None:
    """Record format, partitions, namespace and the key's fingerprint, or check that the data was written with them.

    Raises:
        Misconfigured: they differ, a rebuild is not complete, or Redis does not answer.
    """
    with answering():
        if await client.hexists(SETUP, REBUILDING):
            raise Misconfigured(
                "a rebuild of this Redis is under way or was broken off: let it finish, or run `rapport rebuild "
                "--replace` again"
            )
        if is_other_format(_texts(await client.hgetall(SETUP))):
            raise Misconfigured(OTHER_FORMAT)
        # The format first: whoever finds the others without it has found an earlier version's.
        wanted = {_FORMAT: FORMAT, "partitions": str(partitions), "namespace": namespace.hex}
        wanted[PII_KEY] = fingerprint(pii_key)
        for name, value in wanted.items():
            await client.hsetnx(SETUP, name, value)
        held = _texts(await client.hgetall(SETUP))
        if names := list(segments):
            await client.sadd(SEGMENTS, *names)
    for name, value in wanted.items():
        if held[name] != value:
            if name == PII_KEY:
                raise Misconfigured(OTHER_KEY)
            raise Misconfigured(
                f"this Redis holds profiles written with {name}={held[name]}, but {value} is set. Set it back"
                + (" (RAPPORT_PARTITIONS)" if name == "partitions" else " (`namespace` in the tracking plan)")
                + ", or use another Redis"
            )


def is_other_format(written_with: Mapping[str, str]) -> bool:
    """Whether a Redis with this setup was written in another format than this version's."""
    return "partitions" in written_with and written_with.get(_FORMAT) != FORMAT


class RedisFacts(NamedTuple):
    """What a check-up finds."""

    version: str
    reached: str  # in words: with or without TLS, as which user
    skew: float  # seconds that Redis's clock is ahead of ours
    profiles_written_with: dict[str, str]  # format, partitions, namespace, PII_KEY
    workers: dict[str, float]  # living workers: seconds since the last sign of each
    problems: list[Problem]


async def inspect_redis(url: str, *, require_aof: bool = False) -> RedisFacts:
    """A check-up of the Redis at a URL.

    Raises:
        Misconfigured: it does not answer, or does not let us in.
    """
    client = connect(url, retrying=False)
    try:
        with answering():
            ours = time.time()
            seconds, micros = await client.time()
            held = _texts(await client.hgetall(SETUP))
            workers = await living_workers(client)
            problems = await redis_problems(client, require_aof=require_aof)
            return RedisFacts(
                await redis_version(client), reached(url), seconds + micros / 1e6 - ours, held, workers, problems
            )
    finally:
        await client.aclose()


async def beat(client: Client, worker: str) -> float:
    """A sign of life of a worker that has partitions; answers the time by Redis's clock, so that all machines agree."""
    seconds, micros = await client.time()
    await client.hset(WORKERS, worker, seconds)
    return float(seconds + micros / 1e6)


async def living_workers(client: Client) -> dict[str, float]:
    """Workers heard of lately: seconds since the last sign of each."""
    seconds, _ = await client.time()
    signs = {name.decode(): seconds - float(at) for name, at in (await client.hgetall(WORKERS)).items()}
    if gone := [name for name, age in signs.items() if age > 3600]:
        await client.hdel(WORKERS, *gone)
    return {name: age for name, age in signs.items() if age <= ALIVE}


def _texts(held: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in held.items()}
