"""The census store in memory, over the partitions of a profile store in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from profiles.store import Output
from profiles.stores.memory.profiles import MemoryStore
from profiles.stores.memory.unit import MemoryUnit
from profiles.units import CensusState, Count

__all__ = ["MemoryCensusStore"]


class MemoryCensusStore(MemoryUnit):
    """Reads profiles in pages, keeps summaries and findings."""

    def __init__(self, profiles: MemoryStore) -> None:
        super().__init__("the census")
        self._profiles = profiles
        self._counts: dict[int, Count] = {}
        self._state = CensusState()

    async def page(self, partition: int, cursor: int, least: int) -> tuple[int, list[tuple[str, bytes]]]:
        found = self._profiles.customers(partition)
        following = cursor + least
        return (following if following < len(found) else 0), found[cursor:following]

    async def size(self, partitions: Iterable[int]) -> int:
        return sum(self._profiles.living(partition) for partition in partitions)

    async def watermarks(self, partitions: Iterable[int]) -> dict[int, float]:
        return {number: self._profiles.partition(number).watermark for number in partitions}

    async def rounds(self, partitions: Iterable[int]) -> dict[int, int]:
        return {number: self._counts[number].round if number in self._counts else 0 for number in partitions}

    async def counts(self, partitions: Iterable[int]) -> dict[int, Count | None]:
        return {number: self._counts.get(number) for number in partitions}

    async def count(self, partition: int, count: Count) -> None:
        self._counts[partition] = count

    async def head(self) -> tuple[int, int, float]:
        return self._state.round, self._state.merged, self._state.border

    async def findings(self) -> bytes | None:
        return self._state.findings

    async def state(self) -> CensusState:
        return dataclasses.replace(self._state, version=self._version, nonce=self._nonce)

    async def commit(self, state: CensusState, outputs: list[Output]) -> int:
        version = self._advance(state.version, outputs, 0, state.nonce)
        findings = self._state.findings if state.findings is None else state.findings
        self._state = dataclasses.replace(state, findings=findings)
        return version
