"""The clock as a worker follows it: how far events are let in, whether they are looked at at once, and what time it is.

`profiles/clock.py` says what the phases mean; `coordinator.py` moves them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from profiles.clock import ClockState, ClockStore
from streams.clock import Clock
from streams.retry import retrying

__all__ = ["FRESH", "OUTAGE", "ClockFollower"]

FRESH = 0.5
"""Seconds for which a worker acts upon what it knows of the clock."""

OUTAGE = 3600.0
"""Seconds without a worker after which what has come in meanwhile is gone through in steps."""

_IN_STEPS = frozenset({"filling", "firing", "arriving"})


class ClockFollower:
    """Knows the clock's state as of its last `refresh`.

    Args:
        store: of the clock.
        wall: the wall clock.
        state: to begin with.

    `moved` is called whenever the state has become another one.
    """

    def __init__(self, store: ClockStore, wall: Clock, state: ClockState | None = None) -> None:
        self._store = store
        self._wall = wall
        self.state = state or ClockState()
        self._stale = False  # it was live, but nobody has been there for so long that a backlog must be expected
        self._read = -math.inf if state is None else math.inf  # monotonic: when it was; inf: it is given
        self.moved: Callable[[], None] = lambda: None

    @property
    def live(self) -> bool:
        """Whether the watermark is the wall clock."""
        return self.state.phase == "live" and not self._stale

    @property
    def gate(self) -> float:
        """The time of the latest event that is let in; infinite when live."""
        if self.live:
            return math.inf
        return self.state.gate if self.state.phase in _IN_STEPS else -math.inf

    @property
    def fires(self) -> bool:
        """Whether timers up to the gate fire."""
        return self.state.phase in ("firing", "arriving")

    @property
    def watermark(self) -> float:
        """Up to when everybody has been looked at."""
        return self._wall.now() if self.live else self.state.watermark

    @property
    def behind(self) -> float:
        """Seconds that the watermark is behind the wall clock; 0 when live, and before there is any."""
        return max(self._wall.now() - self.watermark, 0.0) if self.watermark else 0.0

    def wall(self) -> float:
        """The wall clock."""
        return self._wall.now()

    def now(self) -> float:
        """The time as of which customers are looked at: the wall clock's when live, the gate's else."""
        return self.state.gate if self.state.phase in _IN_STEPS else self._wall.now()

    def look_at(self) -> float:
        """When those are looked at whom a batch only changes; if it is new: at the next gate, whichever that is."""
        return self.now() if self.live or self.state.phase in _IN_STEPS else 1.0

    @retrying
    async def join(self, now: float) -> None:
        """Begin to follow.

        Args:
            now: by a clock that all workers share: ours may be wrong.
        """
        asked = time.monotonic()
        state = await self._store.state()
        self._stale = state.phase == "live" and now - state.moved > OUTAGE
        await self.take(state)
        self._read = asked

    @retrying
    async def refresh(self) -> None:
        """Read where the clock stands."""
        asked = time.monotonic()
        await self.take(await self._store.state())
        self._read = asked

    async def fresh(self) -> None:
        """Read it again if what is known may be too old to act upon: this worker may have slept."""
        if time.monotonic() - self._read > FRESH:
            await self.refresh()

    async def take(self, state: ClockState) -> None:
        """Follow this state."""
        if (state.version, state.nonce) != (self.state.version, self.state.nonce):
            self._stale = self._stale and not self.state.version
            self.state = state
            self.moved()
