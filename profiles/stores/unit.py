"""What every single-writer unit in Redis does in the same way: the fenced, atomic commit and its outbox."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import msgspec
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError
from redis.exceptions import TimeoutError as RedisTimeoutError

from profiles.errors import Fenced
from profiles.store import Output, new_nonce
from profiles.stores.connection import Client
from profiles.stores.indexes import Group
from profiles.stores.keys import Keys

__all__ = ["CHUNK", "Call", "RedisUnit", "commit_call", "committed", "lua", "or_raise"]

CHUNK = 2000
"""Arguments of one command inside a script; Lua's unpack takes some 8,000."""

Call = tuple[list[str], list[Any]]
"""Keys and arguments of a script."""

_STRIDE = {"HSET": 2, "ZADD": 2, "MOVED": 3}
_FIXED = 11  # arguments of the commit script before what is binary
_LOADS = 3  # a node may lose its scripts between two looks, but hardly again and again
_AWAY = (RedisConnectionError, RedisTimeoutError)

_pack = msgspec.msgpack.Encoder().encode
_decode_outputs = msgspec.msgpack.Decoder(list[Output]).decode


class RedisUnit:
    """What every single-writer unit does in the same way: the fenced, atomic commit and its outbox."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._commit_script = client.register_script(lua("commit"))

    async def close(self) -> None:
        """Release connections."""
        await self._client.aclose()

    async def _commit(
        self,
        keys: Keys,
        *,
        version: int,
        applied: int | None,
        watermark: float | None,
        produced: int,
        outputs: list[Output],
        groups: list[Group],
        nonce: str | None = None,
        own_nonce: str | None = None,
    ) -> int:
        names, args = commit_call(
            keys,
            version=version,
            applied=applied,
            watermark=watermark,
            produced=produced,
            outputs=outputs,
            groups=groups,
            nonce=nonce,
            own_nonce=own_nonce or new_nonce(),
        )
        return committed(keys, version, await self._commit_script(keys=names, args=args))

    async def _run_many(self, script: Any, calls: Sequence[Call]) -> list[Any]:
        """Run a script on several units in one round trip to each node; a refusal in the place of an answer.

        Raises:
            ConnectionError: as of a single call; some may have been carried out.
        """
        answers: list[Any] = [None] * len(calls)
        waiting = list(range(len(calls)))
        for _ in range(_LOADS):
            async with self._client.pipeline(transaction=False) as pipe:
                for place in waiting:
                    names, args = calls[place]
                    pipe.execute_command("EVALSHA", script.sha, len(names), *names, *args)
                for place, answer in zip(waiting, await pipe.execute(raise_on_error=False), strict=True):
                    answers[place] = answer
            if away := next((answer for answer in answers if isinstance(answer, _AWAY)), None):
                raise away  # one node of a cluster
            waiting = [place for place in waiting if isinstance(answers[place], NoScriptError)]
            if not waiting:
                break
            await self._client.script_load(script.script)
        return answers

    async def _outbox(self, keys: Keys) -> list[tuple[int, list[Output]]]:
        entries = await self._client.zrange(keys.outbox, 0, -1)
        parted = (entry.partition(b":") for entry in entries)
        return [(int(version), _decode_outputs(outputs)) for version, _, outputs in parted]

    async def _clear_outbox(self, keys: Keys, up_to: int) -> None:
        await self._client.zremrangebyscore(keys.outbox, "-inf", up_to)


def commit_call(
    keys: Keys,
    *,
    version: int,
    applied: int | None,
    watermark: float | None,
    produced: int,
    outputs: list[Output],
    groups: list[Group],
    nonce: str | None,
    own_nonce: str,
    marks: tuple[bytes, bytes, bytes] = (b"", b"", b""),
) -> Call:
    """One call of the commit script; see there for what each is."""
    names: dict[str, int] = {keys.meta: 1, keys.outbox: 2}
    binary: list[bytes] = []
    numbered: list[tuple[str, int, list[Any]]] = []
    for command, key, values in groups:
        number = names.setdefault(key, len(names) + 1)
        size = CHUNK - CHUNK % _STRIDE.get(command, 1)
        for start in range(0, len(values), size):
            part = values[start : start + size]
            numbered.append((command, number, _set_aside(part, binary) if command == "HSET" else part))
    args: list[Any] = [
        version,
        "" if applied is None else applied,
        "" if watermark is None else repr(watermark),
        produced,
        _pack(outputs) if outputs else "",
        _pack(numbered),
        *marks,
        "*" if nonce is None else nonce,
        own_nonce,
        *binary,
    ]
    return list(names), args


def committed(keys: Keys, version: int, answer: int) -> int:
    """The new version, from the script's answer."""
    if answer < 0:
        raise Fenced(f"{keys.tag} is no longer at version {version}: another writer has taken over")
    return answer


def or_raise(answer: Any) -> Any:
    """An answer that is none is raised."""
    if isinstance(answer, Exception):
        raise answer
    return answer


def _set_aside(values: list[Any], binary: list[bytes]) -> list[Any]:
    """The values with each bytes replaced by [its place among the arguments]: Lua's msgpack knows text only."""
    placed = []
    for value in values:
        if type(value) is bytes:
            binary.append(value)
            placed.append([_FIXED + len(binary)])
        else:
            placed.append(value)
    return placed


def lua(name: str) -> str:
    """The text of a script of this folder."""
    return files("profiles.stores").joinpath(f"{name}.lua").read_text()
