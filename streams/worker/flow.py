"""How much is on its way: what waits in `profile.events`, whoever works on it.

Live, nobody may have to wait behind a burst that has nothing to do with him. So what is not yet there waits where it
stands in nobody's way: merges in `identity.links`, events of a flood in the partitions of the source's topic that they
flood. Not live, nobody waits for anything, and there is no bound.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from faust.types import TP

from profiles.store import Store
from streams.kafka.ends import Ends
from streams.retry import retrying

__all__ = ["MERGES", "MOST", "Flow"]

MOST = 2000
"""Records that wait in `profile.events` when ingest lets in no more of a flood, at most…"""

MERGES = 200
"""…and requests of `identity.links` that are decided before what came of those before is applied."""

_AHEAD = 0.4  # seconds of work that may wait, by how fast it was done lately
_LEAST = 1000  # records that may: with less, what is done in a second is bound by the turns that it takes
_LATELY = 0.3  # weight of the latest look in the rate

_LOOK = 0.01  # seconds between two looks while somebody waits


class Flow:
    """Knows what waits in `profile.events`.

    Args:
        places: its partitions, by number.
        ends: where they end.
        profiles: say how far each is applied.
        live: whether the clock is.

    `is_over` says whether to wait no longer: partitions are about to change hands.
    """

    def __init__(self, places: Sequence[TP], ends: Ends, profiles: Store, live: Callable[[], bool]) -> None:
        self._places = places
        self._ends = ends
        self._profiles = profiles
        self._live = live
        self.is_over: Callable[[], bool] = lambda: False
        self._known = 0  # records that waited when that was asked last
        self._since = 0  # …that were let in since
        self._rate = MOST / _AHEAD  # records that are applied in a second
        self._seen = (0.0, 0)  # when that was looked at last (monotonic), and how many were applied

    def add(self, records: int) -> None:
        """Note that so many records more are in `profile.events`."""
        self._since += records

    async def room(self) -> int | None:
        """How many records may be added now; None for any number. Asks only when it might be none."""
        if not self._live():
            return None
        if self._known + self._since >= self._most():
            applied = await self._applied()
            ends = await self._ends(self._places)
            self._known = sum(max(ends[tp] - 1 - applied[tp], 0) for tp in self._places)
            self._since = 0
        return max(self._most() - self._known - self._since, 0)

    def merges(self) -> int:
        """How many requests may be decided before it is waited until what comes of them is applied."""
        return max(MERGES * self._most() // MOST, MERGES // 2) if self._live() else MERGES

    def _most(self) -> int:
        return max(min(int(self._rate * _AHEAD), MOST), _LEAST)

    async def until_applied(self) -> None:
        """Wait until all that is in `profile.events` now is applied; not at all when the clock is not live."""
        if not self._live():
            return
        ends = await self._ends(self._places)
        while self._live() and not self.is_over():
            applied = await self._applied()
            if all(applied[tp] + 1 >= ends[tp] for tp in self._places):
                return
            await asyncio.sleep(_LOOK)

    @retrying
    async def _applied(self) -> dict[TP, int]:
        applied = await self._profiles.applied([tp.partition for tp in self._places])
        self._note_rate(sum(applied.values()))
        return {tp: applied[tp.partition] for tp in self._places}

    def _note_rate(self, applied: int) -> None:
        now, (when, before) = time.monotonic(), self._seen
        if when and applied > before and now - when >= _AHEAD / 2:
            self._rate += _LATELY * ((applied - before) / (now - when) - self._rate)
        if not when or now - when >= _AHEAD / 2:
            self._seen = (now, applied)
