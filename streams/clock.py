"""The clocks that say what `now` is. Pure code gets the time as an argument; only the edges ask a clock.

`time.time` is called here and nowhere else in `streams/` (ruff's TID251 refuses it), so that whatever depends on the
time can be tested by giving it another clock.
"""

from __future__ import annotations

import logging
import time
from typing import Protocol

__all__ = ["WALL", "Clock", "ClockWatch", "SteppedClock", "WallClock"]

log = logging.getLogger(__name__)


class Clock(Protocol):
    """Answers the time, float seconds since the epoch."""

    def now(self) -> float:
        """The time."""
        ...


class WallClock:
    """The machine's clock, to the microsecond: what is told in RFC 3339 is then exactly what is held."""

    def now(self) -> float:
        return round(time.time(), 6)


WALL = WallClock()
"""The clock of what goes by real time whatever timers run on: receipts, notes of a replay, rounds of the census."""


class ClockWatch:
    """Whether a clock agrees with Redis's, which all workers share.

    A machine whose clock has jumped by a day would find everybody silent for a day. So timers wait while the two
    disagree: an alert that comes late is better than one that is wrong.
    """

    FURTHEST = 60.0
    """Seconds that they may be apart."""

    def __init__(self) -> None:
        self._agrees: bool | None = None  # not looked yet
        self._offset = 0.0  # of our clock to the monotonic one, when they agreed

    def trusts(self, now: float) -> bool:
        """Whether our clock agreed when it was last compared, and has not jumped since."""
        return bool(self._agrees) and abs(now - time.monotonic() - self._offset) <= self.FURTHEST

    def compare(self, before: float, theirs: float, took: float) -> None:
        """Look at the other clock; say so when ours begins or ceases to agree.

        Args:
            before: our clock when we asked.
            theirs: the answer.
            took: seconds it took on the monotonic clock, for ours may have jumped meanwhile.
        """
        after = before + took
        ahead = before - theirs if before > theirs else min(after - theirs, 0.0)
        agrees = abs(ahead) <= self.FURTHEST
        if not agrees and self._agrees is not False:
            log.error(
                "the clock of this machine is %.0f s %s Redis's: timers wait until they agree, so no alert about "
                "silence is raised; set the clocks of both machines (NTP)",
                abs(ahead), "ahead of" if ahead > 0 else "behind",
            )  # fmt: skip
        elif agrees and self._agrees is False:
            log.warning("the clock of this machine agrees with Redis's again; timers go on")
        self._agrees = agrees
        self._offset = after - time.monotonic()


class SteppedClock:
    """A clock that stands still until it is moved: for tests of silence."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds
