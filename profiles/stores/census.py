"""The census in Redis: each partition's summary under its own hash tag, and what all of them come to under another.

A summary is written whole or not at all, with the number of the census (the *round*) it belongs to, so that nobody ever
reads half a census. Findings have one writer at a time, fenced by their version like every unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from profiles.store import Output
from profiles.stores.keys import CENSUS, Keys
from profiles.stores.redis import Unit

__all__ = ["CensusState", "CensusStore", "Count"]

_ALL = ("version", "round", "opened", "merged", "customers", "findings")


@dataclass(frozen=True, slots=True)
class CensusState:
    """Where the census is."""

    version: int = 0  # of the unit; grows with every commit
    round: int = 0  # of the census under way, or the last one; 0 before the first
    opened: float = 0.0  # when that began
    merged: int = 0  # the last round that has findings
    customers: int = 0  # that those are about
    findings: bytes | None = None  # JSON; see models.population.findings


@dataclass(frozen=True, slots=True)
class Count:
    """What a partition has counted last."""

    round: int
    summary: bytes  # msgpack; see models.population.census


class CensusStore(Unit):
    """Reads profiles in pages, keeps summaries and findings."""

    async def page(self, partition: int, cursor: int, least: int) -> tuple[int, list[tuple[str, bytes]]]:
        """The profiles (id, document) of a partition from a cursor on, and the next cursor; 0 begins and ends.

        Everybody who is there from beginning to end comes at least once, some perhaps twice (as Redis scans).
        """
        following, found = await self._client.hscan(Keys.of(partition).profiles, cursor=cursor, count=least)
        return int(following), [(id_.decode(), document) for id_, document in found.items()]

    async def size(self, partitions: Iterable[int]) -> int:
        """How many profiles there are, tombstones left out."""
        async with self._client.pipeline(transaction=False) as pipe:
            for partition in partitions:
                keys = Keys.of(partition)
                pipe.hlen(keys.profiles)
                pipe.hget(keys.meta, "tombstones")
            counts = await pipe.execute()
        return int(sum(counts[::2])) - sum(int(gone or 0) for gone in counts[1::2])

    async def watermarks(self, partitions: Iterable[int]) -> dict[int, float]:
        """The latest event time that each partition has applied; 0 for none."""
        async with self._client.pipeline(transaction=False) as pipe:
            numbers = list(partitions)
            for partition in numbers:
                pipe.hget(Keys.of(partition).meta, "watermark")
            return {number: float(held or 0.0) for number, held in zip(numbers, await pipe.execute(), strict=True)}

    async def rounds(self, partitions: Iterable[int]) -> dict[int, int]:
        """The round of each partition's summary; 0 for none."""
        async with self._client.pipeline(transaction=False) as pipe:
            numbers = list(partitions)
            for partition in numbers:
                pipe.hget(Keys.of(partition).census, "round")
            return {number: int(held or 0) for number, held in zip(numbers, await pipe.execute(), strict=True)}

    async def counts(self, partitions: Iterable[int]) -> dict[int, Count | None]:
        """The summary of each partition; None for one that was never counted."""
        found: dict[int, Count | None] = {}
        for partition in partitions:
            round_, summary = await self._client.hmget(Keys.of(partition).census, ["round", "summary"])
            found[partition] = None if summary is None else Count(int(round_), summary)
        return found

    async def count(self, partition: int, count: Count) -> None:
        """Write a partition's summary in the place of the one before."""
        mapping = {"round": count.round, "summary": count.summary}
        await self._client.hset(Keys.of(partition).census, mapping=mapping)

    async def head(self) -> tuple[int, int]:
        """(the round under way, the last one that has findings): all that is asked every second."""
        round_, merged = await self._client.hmget(CENSUS.meta, ["round", "merged"])
        return int(round_ or 0), int(merged or 0)

    async def findings(self) -> bytes | None:
        """JSON of what the last census came to; None before the first."""
        answer: bytes | None = await self._client.hget(CENSUS.meta, "findings")
        return answer

    async def state(self) -> CensusState:
        """All of it."""
        version, round_, opened, merged, customers, findings = await self._client.hmget(CENSUS.meta, _ALL)
        return CensusState(
            int(version or 0), int(round_ or 0), float(opened or 0.0), int(merged or 0), int(customers or 0), findings
        )

    async def outbox(self) -> list[tuple[int, list[Output]]]:
        """What was committed but perhaps not produced."""
        return await self._outbox(CENSUS)

    async def clear_outbox(self, up_to: int) -> None:
        """Forget outbox entries up to a version."""
        await self._clear_outbox(CENSUS, up_to)

    async def commit(self, state: CensusState, outputs: list[Output]) -> int:
        """Write the state in the place of the one of `state.version`; answer the new version.

        Raises:
            Fenced: another worker has written since.
        """
        values = ["round", state.round, "opened", repr(state.opened), "merged", state.merged]
        values += ["customers", state.customers]
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
        )
