"""When something is tried again: the schedule of a message, and what a sink that fails is spared. Pure."""

from __future__ import annotations

import hashlib
from collections import deque

from streams.sinks.kinds.kind import Pace

__all__ = ["SCHEDULE", "Breaker", "Pacer", "wait_after"]

SCHEDULE = (0.0, 5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Seconds before each attempt: ten over three days."""

_JITTER = 0.1  # at most so much more, of each wait

GIVES_UP = 3 * 86_400.0
"""Seconds after which a sink whose every attempt has failed is told nothing any more."""


def wait_after(id_: str, tries: int) -> float | None:
    """Seconds to wait after so many attempts of a message have failed; None if that was the last. Many that failed
    together are not tried again together."""
    if tries >= len(SCHEDULE):
        return None
    share = int.from_bytes(hashlib.sha256(f"{id_} {tries}".encode()).digest()[:4], "big") / 2**32
    return SCHEDULE[tries] * (1 + _JITTER * share)


class Breaker:
    """Spares a sink that fails: after twenty failures in a row only one attempt a minute is made, until one succeeds.

    Args:
        failing: since when it fails, as it was noted last; 0: it works.
    """

    FAILURES = 20
    PROBE = 60.0
    """Seconds between two attempts while it is open."""

    def __init__(self, failing: float = 0.0) -> None:
        self.failing = failing
        self._failures = self.FAILURES if failing else 0
        self._until = 0.0  # nothing is tried before

    @property
    def is_open(self) -> bool:
        """Whether it failed so often that it is spared."""
        return self._failures >= self.FAILURES

    def wait(self, now: float, under_way: int) -> float:
        """Seconds until the next attempt may be made; 0 for at once."""
        if self.is_open and under_way:
            return self.PROBE  # one at a time
        return max(self._until - now, 0.0)

    def succeeded(self) -> None:
        """An attempt arrived."""
        self._failures, self.failing, self._until = 0, 0.0, 0.0

    def failed(self, now: float) -> None:
        """An attempt failed."""
        self._failures += 1
        self.failing = self.failing or now
        if self.is_open:
            self._until = max(self._until, now + self.PROBE)

    def pause(self, until: float) -> None:
        """The service asks to be left alone until then."""
        self._until = max(self._until, until)


class Pacer:
    """Keeps to a pace.

    Args:
        pace: at most so many starts in so many seconds.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._starts: deque[float] = deque(maxlen=pace.number)

    def wait(self, now: float) -> float:
        """Seconds until the next may start; 0 for at once."""
        if len(self._starts) < self._pace.number:
            return 0.0
        return max(self._starts[0] + self._pace.seconds - now, 0.0)

    def start(self, now: float) -> None:
        """One starts."""
        self._starts.append(now)
