"""The clock in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from profiles.clock import LOADS_KEPT, ClockState, Head, Late, Load
from profiles.stores.memory.unit import MemoryUnit

__all__ = ["MemoryClockStore"]

_NEW = ClockState()


class MemoryClockStore(MemoryUnit):
    """Where the clock stands, and what holds it back."""

    def __init__(self, state: ClockState = _NEW) -> None:
        super().__init__("the clock")
        self._state = state
        self._heads: dict[str, Head] = {}
        self._loads: dict[str, Load] = {}
        self._late: dict[str, Late] = {}

    async def state(self) -> ClockState:
        return msgspec.structs.replace(self._state, nonce=self._nonce)

    async def commit(self, state: ClockState) -> ClockState:
        version = self._advance(state.version, [], 0, state.nonce)
        self._state = msgspec.structs.replace(state, version=version, nonce=self._nonce)
        return self._state

    async def heads(self) -> dict[str, Head]:
        return dict(self._heads)

    async def report(self, heads: Mapping[str, Head]) -> None:
        for place, head in heads.items():
            held = self._heads.get(place)
            if held is None or held.done <= head.done:
                self._heads[place] = head

    async def loads(self) -> dict[str, Load]:
        return dict(self._loads)

    async def write_load(self, load: Load) -> None:
        self._loads[load.id] = load
        ended = sorted((load.ended, load.id) for load in self._loads.values() if load.ended > 0)
        for _, id_ in ended[:-LOADS_KEPT]:
            del self._loads[id_]

    async def late(self) -> dict[str, Late]:
        return dict(self._late)

    async def note_late(self, source: str, times: Iterable[float], now: float) -> None:
        came = list(times)
        if not came:
            return
        held = self._late.get(source, Late(0, came[0], now))
        self._late[source] = Late(held.count + len(came), min(held.oldest, *came), max(held.last, now))
