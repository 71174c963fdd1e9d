"""The states of sources in memory."""

from __future__ import annotations

from profiles.units import Pause

__all__ = ["MemorySourceStore"]


class MemorySourceStore:
    """Which sources are paused."""

    def __init__(self) -> None:
        self._states: dict[str, Pause] = {}

    async def states(self) -> dict[str, Pause]:
        return dict(self._states)

    async def paused(self) -> dict[str, str]:
        return {source: pause.why for source, pause in self._states.items() if pause.paused}

    async def write(self, source: str, pause: Pause) -> None:
        self._states[source] = pause
