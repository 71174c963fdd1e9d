"""The states of sources in memory."""

from __future__ import annotations

from collections.abc import Sequence

from profiles.stores.sources import summed
from profiles.units import Aside, Pause

__all__ = ["MemorySourceStore"]


class MemorySourceStore:
    """Which sources are paused."""

    def __init__(self) -> None:
        self._states: dict[str, Pause] = {}
        self._asides: dict[str, Sequence[Aside]] = {}

    async def states(self) -> dict[str, Pause]:
        return dict(self._states)

    async def paused(self) -> dict[str, str]:
        return {source: pause.why for source, pause in self._states.items() if pause.paused}

    async def write(self, source: str, pause: Pause) -> None:
        self._states[source] = pause

    async def put_aside(self, worker: str, senders: Sequence[Aside], now: float) -> None:
        self._asides[worker] = senders

    async def asides(self, now: float) -> list[Aside]:
        return summed((aside for senders in self._asides.values() for aside in senders), now)
