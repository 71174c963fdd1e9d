"""Profiles in Redis (6.2 or newer, one node or a cluster): the writer's side.

Redis is a view: all it holds comes back from Kafka. Every operation here touches one hash tag only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import msgspec

from profiles.documents import decode_profile
from profiles.errors import Fenced
from profiles.store import ArrivalRate, Changes, Loaded, Output
from profiles.stores.connection import Client, connect
from profiles.stores.indexes import Group, alert_groups, document_groups
from profiles.stores.keys import Keys
from profiles.types import Profile

__all__ = ["Client", "Group", "RedisStore", "RedisUnit", "connect", "lua"]

_CHUNK = 2000  # arguments of one command inside a script; Lua's unpack takes some 8,000

_pack = msgspec.msgpack.Encoder().encode
_decode_marks = msgspec.msgpack.Decoder(dict[str, int]).decode
_decode_arrival_rates = msgspec.msgpack.Decoder(dict[str, ArrivalRate]).decode
_decode_outputs = msgspec.msgpack.Decoder(list[Output]).decode

_STRIDE = {"HSET": 2, "ZADD": 2}


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
        marks: tuple[bytes, bytes, bytes] = (b"", b"", b""),
    ) -> int:
        names: dict[str, int] = {keys.meta: 1, keys.outbox: 2}
        binary: list[bytes] = []
        numbered: list[tuple[str, int, list[Any]]] = []
        for command, key, values in groups:
            number = names.setdefault(key, len(names) + 1)
            size = _CHUNK - _CHUNK % _STRIDE.get(command, 1)
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
            *binary,
        ]
        answer: int = await self._commit_script(keys=list(names), args=args)
        if answer < 0:
            raise Fenced(f"{keys.tag} is no longer at version {version}: another writer has taken over")
        return answer

    async def _outbox(self, keys: Keys) -> list[tuple[int, list[Output]]]:
        entries = await self._client.zrange(keys.outbox, 0, -1)
        parted = (entry.partition(b":") for entry in entries)
        return [(int(version), _decode_outputs(outputs)) for version, _, outputs in parted]

    async def _clear_outbox(self, keys: Keys, up_to: int) -> None:
        await self._client.zremrangebyscore(keys.outbox, "-inf", up_to)


class RedisStore(RedisUnit):
    """`profiles.store.Store` on Redis."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._load_script = client.register_script(lua("load"))

    async def load(
        self, partition: int, ids: Sequence[str], *, due_by: float | None = None, limit: int = 1000
    ) -> Loaded:
        keys = Keys.of(partition)
        version, applied, watermark, due, found, origins, ahead, arrival_rates = await self._load_script(
            keys=[keys.meta, keys.profiles, keys.timers],
            args=["" if due_by is None else repr(due_by), limit, _pack(ids)],
        )
        return Loaded(
            int(version),
            int(applied),
            float(watermark),
            [(id_.decode(), float(when)) for id_, when in zip(due[::2], due[1::2], strict=True)],
            {
                (name := id_.decode()): decode_profile(name, doc)
                for id_, doc in zip(found[::2], found[1::2], strict=True)
            },
            _decode_marks(origins) if origins else {},
            _decode_marks(ahead) if ahead else {},
            _decode_arrival_rates(arrival_rates) if arrival_rates else {},
        )

    async def fetch(self, partition: int, ids: Sequence[str]) -> dict[str, Profile]:
        if not ids:
            return {}
        found = await self._client.hmget(Keys.of(partition).profiles, list(ids))
        return {id_: decode_profile(id_, doc) for id_, doc in zip(ids, found, strict=True) if doc is not None}

    async def commit(self, partition: int, changes: Changes) -> int:
        keys = Keys.of(partition)
        return await self._commit(
            keys,
            version=changes.version,
            applied=changes.applied,
            watermark=changes.watermark,
            produced=changes.produced,
            outputs=changes.outputs,
            groups=_groups(keys, changes),
            marks=(_pack(changes.origins), _pack(changes.ahead), _pack(changes.arrival_rates)),
        )

    async def applied(self, partitions: Iterable[int]) -> dict[int, int]:
        answer = {}
        for partition in partitions:
            value = await self._client.hget(Keys.of(partition).meta, "applied")
            answer[partition] = -1 if value is None else int(value)
        return answer

    async def outbox(self, partition: int) -> list[tuple[int, list[Output]]]:
        return await self._outbox(Keys.of(partition))

    async def clear_outbox(self, partition: int, up_to: int) -> None:
        await self._clear_outbox(Keys.of(partition), up_to)


_FIXED = 9  # arguments of the commit script before what is binary


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


def _groups(keys: Keys, changes: Changes) -> list[Group]:
    groups = document_groups(keys, changes.profiles, changes.documents, changes.removed)
    groups += alert_groups(keys, changes.alerts, changes.alerts_gone)
    if changes.tombstones:
        groups.append(("HINCRBY", keys.meta, ["tombstones", changes.tombstones]))
    for segment, id_, since in changes.entered:
        groups.append(("ZADD", keys.segment(segment), [since, id_]))
    for segment, id_ in changes.left:
        groups.append(("ZREM", keys.segment(segment), [id_]))
    return [group for group in groups if group[2]]


def lua(name: str) -> str:
    """The text of a script of this folder."""
    return files("profiles.stores").joinpath(f"{name}.lua").read_text()
