"""Where `now` comes from. Pure code gets the time as an argument; only the edges ask a clock."""

from __future__ import annotations

import time
from typing import Protocol

__all__ = ["Clock", "SteppedClock", "WallClock"]


class Clock(Protocol):
    """Answers the time, float seconds since the epoch."""

    def now(self) -> float:
        """The time."""
        ...


class WallClock:
    """The machine's clock."""

    def now(self) -> float:
        return time.time()


class SteppedClock:
    """A clock that stands still until it is moved: for tests of silence."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds
