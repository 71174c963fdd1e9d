"""Whether a Redis is fit to hold profiles: its version, what it allows us, that it forgets nothing by itself."""

from __future__ import annotations

import logging
from typing import Any, Literal, NamedTuple

from redis.exceptions import NoPermissionError, NoScriptError, ResponseError

from profiles.errors import Misconfigured
from profiles.stores.connection import Client, on_each_master
from profiles.stores.keys import ASIDE, CENSUS, CLOCK, IDENTITY, LEARNER, SETUP, SOURCES, Keys
from profiles.stores.trouble import answering, explain

__all__ = ["Problem", "redis_problems", "redis_version", "require_healthy"]

log = logging.getLogger(__name__)

OLDEST = (6, 2)

_COMMANDS = {
    "HGET": ("f",), "HMGET": ("f",), "HGETALL": (), "HKEYS": (), "HLEN": (), "HEXISTS": ("f",), "HSCAN": ("0",),
    "HSET": ("f", "v"), "HSETNX": ("f", "v"), "HDEL": ("f",), "HINCRBY": ("f", "1"),
    "ZADD": ("1", "m"), "ZREM": ("m",), "ZRANGE": ("0", "1"), "ZREVRANGE": ("0", "1"), "ZRANGEBYSCORE": ("0", "1"),
    "ZREMRANGEBYSCORE": ("0", "1"), "ZREMRANGEBYRANK": ("0", "1"), "ZCARD": (), "ZCOUNT": ("0", "1"),
    "ZMSCORE": ("m",), "ZSCAN": ("0",), "SADD": ("m",), "SMEMBERS": (), "DEL": (), "UNLINK": (),
}  # fmt: skip
"""Command → its arguments behind the key, in an example that is queued and never carried out."""

_ELSEWHERE = (IDENTITY.meta, LEARNER.meta, CENSUS.meta, CLOCK.meta, SOURCES, ASIDE, SETUP)
"""A key of each kind beside the partitions."""


class Problem(NamedTuple):
    """What is wrong with Redis, and what to do."""

    verdict: Literal["warning", "error"]
    message: str


async def require_healthy(client: Client, *, require_aof: bool = False) -> None:
    """Log what is doubtful about Redis.

    Args:
        require_aof: refuse a Redis without an append-only file rather than warn.

    Raises:
        Misconfigured: it would lose profiles, or does not answer.
    """
    with answering():
        problems = await redis_problems(client, require_aof=require_aof)
    for problem in problems:
        if problem.verdict == "warning":
            log.warning("%s", problem.message)
    if errors := [problem.message for problem in problems if problem.verdict == "error"]:
        raise Misconfigured("\n".join(errors))


async def redis_problems(client: Client, *, require_aof: bool = False) -> list[Problem]:
    """All that is wrong with a Redis, or with any master of a cluster."""
    if (refused := await _refused(client)) is not None:
        return [Problem("error", explain(refused))]
    try:
        servers = await on_each_master(client, "INFO", "server")
        memories = await on_each_master(client, "INFO", "memory")
        disks = await on_each_master(client, "INFO", "persistence")
    except ResponseError as error:
        if not _forbidden(error):
            raise
        return [_hidden(require_aof)]
    problems = []
    for node, server in servers.items():
        problems += _too_old(node, server["redis_version"])
        problems += _evicts(node, memories[node])
        problems += _forgets(node, disks[node], await _saves(client, node), require_aof)
    return problems


async def redis_version(client: Client) -> str:
    """The version, of the oldest node of a cluster; "unknown" where somebody else runs it and does not say."""
    try:
        servers = await on_each_master(client, "INFO", "server")
    except ResponseError as error:
        if not _forbidden(error):
            raise
        return "unknown"
    return min((str(server["redis_version"]) for server in servers.values()), key=_parts)


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _too_old(node: str, version: str) -> list[Problem]:
    if _parts(version) >= OLDEST:
        return []
    return [Problem("error", f"{node} {version} is too old; 6.2 or newer is needed")]


def _evicts(node: str, memory: dict[str, Any]) -> list[Problem]:
    policy = memory.get("maxmemory_policy", "noeviction")
    if not memory.get("maxmemory") or policy == "noeviction":
        return []
    return [
        Problem(
            "error",
            f"maxmemory-policy of {node} is {policy}: when it is full it would delete profiles and nobody would know. "
            "Set it: CONFIG SET maxmemory-policy noeviction (and in redis.conf); workers wait when it is full",
        )
    ]


def _forgets(node: str, disk: dict[str, Any], saves: str | None, require_aof: bool) -> list[Problem]:
    if disk.get("aof_enabled"):
        if disk.get("aof_last_write_status", "ok") == "ok":
            return []
        return [Problem("error", f"{node} cannot write its append-only file: is its disk full? Make room there")]
    lost = "all since its last dump" if saves else "every profile"
    if saves is None:
        lost = "all that it has not dumped"
    return [
        Problem(
            "error" if require_aof else "warning",
            f"the append-only file of {node} is off: a restart of it loses {lost}. Set `appendonly yes` (CONFIG SET "
            "appendonly yes, and in redis.conf)"
            + ("; RAPPORT_REQUIRE_AOF is set" if require_aof else "; RAPPORT_REQUIRE_AOF=true makes this an error"),
        )
    ]


def _hidden(require_aof: bool) -> Problem:
    return Problem(
        "error" if require_aof else "warning",
        "Redis does not let us look at its settings (INFO is forbidden): see to it yourself that maxmemory-policy is "
        "noeviction and that it keeps an append-only file" + ("; RAPPORT_REQUIRE_AOF is set" if require_aof else ""),
    )


async def _saves(client: Client, node: str) -> str | None:
    """When it dumps itself, "" for never, None if it does not say, as where somebody else runs it."""
    try:
        answer = (await on_each_master(client, "CONFIG GET", "save"))[node]
    except ResponseError as error:
        if not _forbidden(error):
            raise
        return None
    held = {_text(name): _text(value) for name, value in dict(answer).items()}
    return held.get("save")


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _forbidden(error: ResponseError) -> bool:
    return isinstance(error, NoPermissionError) or "unknown command" in str(error).lower()


async def _refused(client: Client) -> ResponseError | None:
    """The first command or key that this user is not allowed; None if it may all.

    Every command is queued in a transaction whose last one is wrong, so that Redis checks all and carries out none.
    """
    key = Keys.of(0).meta
    async with client.pipeline(transaction=True) as pipe:
        for command, arguments in _COMMANDS.items():
            pipe.execute_command(command, key, *arguments)
        pipe.execute_command("HSET", key)
        try:
            await pipe.execute()
        except NoPermissionError as error:
            return error
        except ResponseError:
            pass  # that of the wrong one
    risk = Keys.of(0).risk
    harmless = [("ZINTER", "1", risk), ("EVALSHA", "0" * 40, "1", risk)]
    for asked in (*harmless, *(("HGET", other, "f") for other in _ELSEWHERE)):
        try:
            await client.execute_command(*asked)
        except NoPermissionError as error:
            return error
        except NoScriptError:
            pass
    return None
