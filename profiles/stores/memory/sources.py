"""The states of sources in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from profiles.stores.sources import resumed, summed, waiting
from profiles.units import MINUTES_KEPT, Aside, Lag, Pause

__all__ = ["MemorySourceStore"]


class MemorySourceStore:
    """Which sources are paused."""

    def __init__(self) -> None:
        self._states: dict[str, Pause] = {}
        self._asides: dict[str, Sequence[Aside]] = {}
        self._minutes: dict[int, Counter[str]] = {}
        self._lags: dict[str, Lag] = {}

    async def states(self) -> dict[str, Pause]:
        return dict(self._states)

    async def paused(self) -> dict[str, str]:
        return {source: pause.why for source, pause in self._states.items() if pause.paused}

    async def write(self, source: str, pause: Pause) -> None:
        self._states[source] = pause

    async def resume(self, source: str, now: float, by: str) -> Pause | None:
        pause = self._states.get(source)
        if pause is None or not pause.paused:
            return None
        self._states[source] = resumed(pause, now, by)
        return pause

    async def put_aside(self, worker: str, senders: Sequence[Aside], now: float) -> None:
        self._asides[worker] = senders

    async def asides(self, now: float) -> list[Aside]:
        return summed((aside for senders in self._asides.values() for aside in senders), now)

    async def count(self, minute: int, counts: Mapping[str, int]) -> None:
        self._minutes = {kept: held for kept, held in self._minutes.items() if kept > minute - MINUTES_KEPT}
        self._minutes.setdefault(minute, Counter()).update(counts)

    async def counts(self, minutes: Sequence[int]) -> list[dict[str, int]]:
        return [dict(self._minutes.get(minute, {})) for minute in minutes]

    async def tell_lag(self, worker: str, lag: Mapping[str, int], now: float) -> None:
        self._lags[worker] = Lag(at=now, waiting=dict(lag))

    async def lags(self, now: float) -> dict[str, int]:
        return waiting(self._lags.values(), now)
