"""The census in Redis: each partition's summary under its own hash tag, and what all of them come to under another."""

from __future__ import annotations

from collections.abc import Iterable

from profiles.store import Output
from profiles.stores.keys import CENSUS, Keys
from profiles.stores.unit import RedisUnit
from profiles.units import CensusState, Count

__all__ = ["RedisCensusStore"]

_ALL = ("version", "round", "opened", "merged", "customers", "findings", "border", "nonce")


class RedisCensusStore(RedisUnit):
    """`profiles.units.CensusStore` on Redis."""

    async def page(self, partition: int, cursor: int, least: int) -> tuple[int, list[tuple[str, bytes]]]:
        following, found = await self._client.hscan(Keys.of(partition).profiles, cursor=cursor, count=least)
        return int(following), [(id_.decode(), document) for id_, document in found.items()]

    async def size(self, partitions: Iterable[int]) -> int:
        async with self._client.pipeline(transaction=False) as pipe:
            for partition in partitions:
                keys = Keys.of(partition)
                pipe.hlen(keys.profiles)
                pipe.hget(keys.meta, "tombstones")
            counts = await pipe.execute()
        return int(sum(counts[::2])) - sum(int(gone or 0) for gone in counts[1::2])

    async def watermarks(self, partitions: Iterable[int]) -> dict[int, float]:
        async with self._client.pipeline(transaction=False) as pipe:
            numbers = list(partitions)
            for partition in numbers:
                pipe.hget(Keys.of(partition).meta, "watermark")
            return {number: float(held or 0.0) for number, held in zip(numbers, await pipe.execute(), strict=True)}

    async def rounds(self, partitions: Iterable[int]) -> dict[int, int]:
        async with self._client.pipeline(transaction=False) as pipe:
            numbers = list(partitions)
            for partition in numbers:
                pipe.hget(Keys.of(partition).census, "round")
            return {number: int(held or 0) for number, held in zip(numbers, await pipe.execute(), strict=True)}

    async def counts(self, partitions: Iterable[int]) -> dict[int, Count | None]:
        found: dict[int, Count | None] = {}
        for partition in partitions:
            round_, summary = await self._client.hmget(Keys.of(partition).census, ["round", "summary"])
            found[partition] = None if summary is None else Count(int(round_), summary)
        return found

    async def count(self, partition: int, count: Count) -> None:
        mapping = {"round": count.round, "summary": count.summary}
        await self._client.hset(Keys.of(partition).census, mapping=mapping)

    async def head(self) -> tuple[int, int, float]:
        round_, merged, border = await self._client.hmget(CENSUS.meta, ["round", "merged", "border"])
        return int(round_ or 0), int(merged or 0), float(border or 0.0)

    async def findings(self) -> bytes | None:
        answer: bytes | None = await self._client.hget(CENSUS.meta, "findings")
        return answer

    async def state(self) -> CensusState:
        version, round_, opened, merged, customers, findings, border, nonce = await self._client.hmget(
            CENSUS.meta, _ALL
        )
        return CensusState(
            version=int(version or 0),
            round=int(round_ or 0),
            opened=float(opened or 0.0),
            merged=int(merged or 0),
            customers=int(customers or 0),
            findings=findings,
            border=float(border or 0.0),
            nonce=(nonce or b"").decode(),
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        return await self._outbox(CENSUS)

    async def clear_outbox(self, up_to: int) -> None:
        await self._clear_outbox(CENSUS, up_to)

    async def commit(self, state: CensusState, outputs: list[Output]) -> int:
        values = ["round", state.round, "opened", repr(state.opened), "merged", state.merged]
        values += ["customers", state.customers, "border", repr(state.border)]
        if state.findings is not None:
            values += ["findings", state.findings]
        return await self._commit(
            CENSUS,
            version=state.version,
            applied=None,
            watermark=None,
            produced=0,
            outputs=outputs,
            groups=[("HSET", CENSUS.meta, values)],
            nonce=state.nonce,
        )
