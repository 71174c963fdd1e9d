"""The installation, as Redis knows it: what may never change under the data, who is working, what is risky."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from profiles.errors import Misconfigured
from profiles.identity.secrets import fingerprint
from profiles.stores.connection import Client, connect, reached
from profiles.stores.health import Problem, redis_problems, redis_version
from profiles.stores.keys import MEMBERS, PLAN_RULES, PLANS, SEGMENTS, SETUP, WORKERS
from profiles.stores.trouble import answering
from profiles.units import PlanRules, PlanSign, PlansInUse

__all__ = [
    "FORMAT", "OTHER_FORMAT", "OTHER_KEY", "PII_KEY", "REBUILDING",
    "RedisFacts", "beat", "check_setup", "forget_member", "forget_plan", "inspect_redis", "is_other_format",
    "living_workers", "plans_in_use", "show_plan", "show_sign",
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
"""Seconds without a sign after which a worker counts as gone. A sign may be as far ahead of Redis's clock: that of a
replica that has become the master may be behind."""

_FORGOTTEN = 3600.0  # …and after which nothing is known of it any more
_REMEMBERED = 20  # plans that nobody has any more: one that comes back is no new one

_encode = msgspec.json.encode
_sign_of = msgspec.json.Decoder(PlanSign).decode
_rules_of = msgspec.json.Decoder(PlanRules).decode


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
    plans: PlansInUse


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
            plans = await plans_in_use(client)
            skew = seconds + micros / 1e6 - ours
            return RedisFacts(await redis_version(client), reached(url), skew, held, workers, problems, plans)
    finally:
        await client.aclose()


async def is_rebuilding(client: Client) -> bool:
    """Whether a rebuild is under way, or was broken off."""
    return bool(await client.hexists(SETUP, REBUILDING))


async def beat(client: Client, worker: str) -> float:
    """A sign of life of a worker that has partitions; answers the time by Redis's clock, so that all machines agree."""
    seconds, micros = await client.time()
    await client.hset(WORKERS, worker, seconds)
    return float(seconds + micros / 1e6)


async def show_sign(client: Client, group: str, member: str) -> dict[str, int]:
    """Count one more sign of life of a member of a consumer group, "" for none; answers the counts of all."""
    if member:
        await client.hincrby(f"{MEMBERS}:{group}", member, 1)
    return {name.decode(): int(count) for name, count in (await client.hgetall(f"{MEMBERS}:{group}")).items()}


async def forget_member(client: Client, group: str, member: str) -> None:
    """Forget the signs of a member."""
    await client.hdel(f"{MEMBERS}:{group}", member)


async def living_workers(client: Client) -> dict[str, float]:
    """Workers heard of lately: seconds since the last sign of each."""
    seconds, _ = await client.time()
    signs = {name.decode(): seconds - float(at) for name, at in (await client.hgetall(WORKERS)).items()}
    if gone := [name for name, age in signs.items() if age > _FORGOTTEN]:
        await client.hdel(WORKERS, *gone)
    return {name: age for name, age in signs.items() if abs(age) <= ALIVE}


async def show_plan(client: Client, process: str, plan: str, rules: PlanRules, *, decides: bool, began: float) -> float:
    """A sign of life of a process with its plan, and what the plan decides.

    Args:
        client: of Redis.
        process: its name.
        plan: the fingerprint.
        rules: of the plan.
        decides: whether the process moves customers into segments.
        began: when it first showed it; 0: now.

    Returns:
        When it first showed it, by Redis's clock.
    """
    seconds, micros = await client.time()
    now = float(seconds + micros / 1e6)
    began = began or now
    # The rules first: whoever sees the process can look them up.
    await client.hsetnx(PLAN_RULES, plan, _encode(msgspec.structs.replace(rules, first=now)))
    sign = PlanSign(plan=plan, version=rules.version, began=began, seen=now, decides=decides)
    await client.hset(PLANS, process, _encode(sign))
    return began


async def plans_in_use(client: Client) -> PlansInUse:
    """The plans of living processes, and what they decide."""
    seconds, micros = await client.time()
    now = float(seconds + micros / 1e6)
    signs = {name.decode(): _sign_of(value) for name, value in (await client.hgetall(PLANS)).items()}
    rules = {name.decode(): _rules_of(value) for name, value in (await client.hgetall(PLAN_RULES)).items()}
    if gone := [name for name, sign in signs.items() if now - sign.seen > _FORGOTTEN]:
        await client.hdel(PLANS, *gone)
    known = {sign.plan for sign in signs.values()}
    unused = sorted((plan for plan in rules if plan not in known), key=lambda plan: rules[plan].first)
    if unused := unused[:-_REMEMBERED]:
        await client.hdel(PLAN_RULES, *unused)
    return PlansInUse(now, {name: sign for name, sign in signs.items() if abs(now - sign.seen) <= ALIVE}, rules)


async def forget_plan(client: Client, process: str) -> None:
    """A process that ends has no plan any more, so nobody need wait until it counts as gone."""
    await client.hdel(PLANS, process)


def _texts(held: Mapping[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in held.items()}
