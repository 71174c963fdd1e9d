"""What comes in, minute by minute, told to all: what a worker has counted for its metrics, added up in the store.

Metrics are of one process, and are there once somebody scrapes them. A console that has just started, on another
machine, shows the last hour all the same. Nothing is counted for it on an event's way: now and then the difference to
what was told before is added to the minute that it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from profiles.units import SourceStore
from streams.clock import Clock

__all__ = ["Inflow"]


class Inflow:
    """Tells what came in.

    Args:
        store: of the sources.
        totals: answers what this process has counted since it began.
        clock: the wall clock.
    """

    def __init__(self, store: SourceStore, totals: Callable[[], Mapping[str, int]], clock: Clock) -> None:
        self._store = store
        self._totals = totals
        self._clock = clock
        self._told = dict(totals())  # a process that shares its number with one before goes on from what that had

    async def tell(self) -> None:
        """Add what has come since the last time."""
        totals = self._totals()
        new = {what: count - self._told.get(what, 0) for what, count in totals.items()}
        await self._store.count(int(self._clock.now() // 60), {what: count for what, count in new.items() if count > 0})
        self._told = dict(totals)
