"""Profiles in Redis (6.2 or newer, one node or a cluster): the writer's side.

Redis is a view: all it holds comes back from Kafka. Every operation here touches one hash tag only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from redis.exceptions import RedisError

from profiles.documents import decode_profile
from profiles.errors import Fenced
from profiles.store import ArrivalRate, Changes, Loaded, Output, Standing
from profiles.stores.connection import Client, connect
from profiles.stores.indexes import Group, alert_groups, alert_of, counter_groups, document_groups, search_groups
from profiles.stores.keys import Keys
from profiles.stores.unit import CHUNK, Call, RedisUnit, commit_call, committed, lua, or_raise
from profiles.types import Profile, is_company

__all__ = ["RedisStore", "connect"]

_pack = msgspec.msgpack.Encoder().encode
_decode_marks = msgspec.msgpack.Decoder(dict[str, int]).decode
_decode_arrival_rates = msgspec.msgpack.Decoder(dict[str, ArrivalRate]).decode


class RedisStore(RedisUnit):
    """`profiles.store.Store` on Redis."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self._load_script = client.register_script(lua("load"))
        self._standing_script = client.register_script(lua("standing"))

    async def load(
        self, partition: int, ids: Sequence[str], *, due_by: float | None = None, limit: int = 1000
    ) -> Loaded:
        names, args = _load_call(partition, ids, due_by, limit)
        return _loaded(await self._load_script(keys=names, args=args))

    async def load_many(
        self, wanted: Sequence[tuple[int, Sequence[str], float | None]], *, limit: int = 1000
    ) -> list[Loaded]:
        calls = [_load_call(partition, ids, due_by, limit) for partition, ids, due_by in wanted]
        return [_loaded(or_raise(answer)) for answer in await self._run_many(self._load_script, calls)]

    async def fetch(self, partition: int, ids: Sequence[str]) -> dict[str, Profile]:
        if not ids:
            return {}
        keys = Keys.of(partition)
        found: dict[str, Profile] = {}
        for some, key in ((False, keys.profiles), (True, keys.companies)):
            asked = [id_ for id_ in ids if is_company(id_) is some]
            documents = await self._client.hmget(key, asked) if asked else []
            found |= {
                id_: decode_profile(id_, doc) for id_, doc in zip(asked, documents, strict=True) if doc is not None
            }
        return found

    async def commit(self, partition: int, changes: Changes) -> int:
        names, args = _changes_call(partition, changes)
        return committed(Keys.of(partition), changes.version, await self._commit_script(keys=names, args=args))

    async def commit_many(self, batch: Sequence[tuple[int, Changes]]) -> list[int | Exception]:
        calls = [_changes_call(partition, changes) for partition, changes in batch]
        answers: list[int | Exception] = []
        for (partition, changes), answer in zip(batch, await self._run_many(self._commit_script, calls), strict=True):
            try:
                answers.append(committed(Keys.of(partition), changes.version, or_raise(answer)))
            except (Fenced, RedisError) as error:
                answers.append(error)
        return answers

    async def applied(self, partitions: Iterable[int]) -> dict[int, int]:
        numbers = list(partitions)
        async with self._client.pipeline(transaction=False) as pipe:
            for number in numbers:
                pipe.hget(Keys.of(number).meta, "applied")
            answers = await pipe.execute()
        return {number: -1 if held is None else int(held) for number, held in zip(numbers, answers, strict=True)}

    async def told(self, partition: int) -> dict[str, int] | None:
        held = await self._client.hget(Keys.of(partition).meta, "told")
        return None if held is None else _decode_marks(held)

    async def standing(self, partitions: Iterable[int]) -> dict[int, Standing]:
        numbers = list(partitions)
        units = [Keys.of(number) for number in numbers]
        calls: list[Call] = [([keys.meta, keys.outbox, keys.timers], []) for keys in units]
        found: dict[int, Standing] = {}
        for number, answer in zip(numbers, await self._run_many(self._standing_script, calls), strict=True):
            version, applied, watermark, waiting, due, rates = or_raise(answer)
            found[number] = Standing(
                int(version),
                int(applied),
                float(watermark),
                waiting > 0,
                float(due),
                _decode_arrival_rates(rates) if rates else {},
            )
        return found

    async def with_open_alerts(self, partition: int) -> list[str]:
        keys = Keys.of(partition)
        alerts = await self._client.zrange(keys.alerts_in("open"), 0, -1)
        found: set[str] = set()
        for start in range(0, len(alerts), CHUNK):
            rows = await self._client.hmget(keys.alerts, alerts[start : start + CHUNK])
            found.update(alert_of(row)[0] for row in rows if row is not None)
        return sorted(found)

    async def outbox(self, partition: int) -> list[tuple[int, list[Output]]]:
        return await self._outbox(Keys.of(partition))

    async def clear_outbox(self, partition: int, up_to: int) -> None:
        await self._clear_outbox(Keys.of(partition), up_to)


def _load_call(partition: int, ids: Sequence[str], due_by: float | None, limit: int) -> Call:
    keys = Keys.of(partition)
    return [keys.meta, keys.profiles, keys.timers, keys.companies], [
        "" if due_by is None else repr(due_by),
        limit,
        _pack(ids),
    ]


def _loaded(answer: Sequence[Any]) -> Loaded:
    version, applied, watermark, due, found, origins, ahead, arrival_rates, nonce = answer
    return Loaded(
        int(version),
        int(applied),
        float(watermark),
        [(id_.decode(), float(when)) for id_, when in zip(due[::2], due[1::2], strict=True)],
        {(name := id_.decode()): decode_profile(name, doc) for id_, doc in zip(found[::2], found[1::2], strict=True)},
        _decode_marks(origins) if origins else {},
        _decode_marks(ahead) if ahead else {},
        _decode_arrival_rates(arrival_rates) if arrival_rates else {},
        nonce.decode(),
    )


def _changes_call(partition: int, changes: Changes) -> Call:
    keys = Keys.of(partition)
    return commit_call(
        keys,
        version=changes.version,
        applied=changes.applied,
        watermark=changes.watermark,
        produced=changes.produced,
        outputs=changes.outputs,
        groups=_groups(keys, changes),
        nonce=changes.nonce,
        own_nonce=changes.own_nonce,
        marks=(_pack(changes.origins), _pack(changes.ahead), _pack(changes.arrival_rates)),
    )


def _groups(keys: Keys, changes: Changes) -> list[Group]:
    groups = document_groups(keys, changes.profiles, changes.documents, changes.removed)
    groups += alert_groups(keys, changes.alerts, changes.alerts_gone)
    if changes.found or changes.unfound:
        groups += search_groups(keys, changes.found, changes.unfound)
    if changes.told:
        groups.append(("HSET", keys.meta, ["told", _pack(changes.told)]))
    if changes.tombstones:
        groups.append(("HINCRBY", keys.meta, ["tombstones", changes.tombstones]))
    for segment, id_, since in changes.entered:
        groups.append(("ZADD", keys.segment(segment), [since, id_]))
    for segment, id_ in changes.left:
        groups.append(("ZREM", keys.segment(segment), [id_]))
    for (day, segment, entered), number in changes.moved.items():
        groups.append(("MOVED", keys.moves(day), [day, f"{'+' if entered else '-'}{segment}", number]))
    groups += counter_groups(keys, changes.counted)
    return [group for group in groups if group[2]]
