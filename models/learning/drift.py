"""Drift: do customers behave in another way than the model has learned?

Two signals are watched. How far an earlier hazard (`models.churn.lagged`) is off (an order came, less its chance) is
known once the short label is final; how many customers are active is known at once. Each has an ADWIN (Bifet, Gavaldà
2007; delta .002), which alone gives a false alarm now and then: only when both have moved in the same direction within
a few weeks is it an alarm; and only if customers are off from what such customers usually are
(`models.learning.records.usual`).

River's ADWIN cannot be saved as JSON. So it is fed with whole blocks, whose sums are kept as integers and fed again
after a restart; to one fed the sums of n values, ADWIN's bound is the one of the values themselves. From time to time
the older half is dropped and the rest fed to a new detector, at the same values whether restarted or not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from models.codec import State
from models.libraries import load

__all__ = ["Alarm", "Drift", "Move", "Signal"]

BLOCK = 32
"""Values of one sum."""

WINDOW = 512
"""Sums that a detector keeps at least, once it has had as many; at most twice as many."""

_UNIT = 512  # of a value within ±1: a sum of BLOCK fits into 16 bits
_DELTA = 0.002
_ALARMS = 50  # of the past that are kept


class Move(msgspec.Struct, frozen=True):
    """A signal has moved."""

    at: float  # event time at which it showed
    before: float  # its mean until then…
    after: float  # …and since

    @property
    def direction(self) -> int:
        """1 for more orders or activity than before, -1 for fewer."""
        return 1 if self.after > self.before else -1


class Alarm(msgspec.Struct, frozen=True):
    """Both signals agree that customers behave differently."""

    id: str  # the same in every replay
    at: float  # event time at which the second signal showed
    direction: int  # 1: more orders than before, -1: fewer
    error: Move  # of the hazard: an order came, less its chance
    activity: Move  # share of customers with an order in the week before they were seen

    @property
    def text(self) -> str:
        """What happened, for people."""
        more = "more" if self.direction > 0 else "fewer"
        return (
            f"customers order {'more' if self.direction > 0 else 'less'} than the models have learned: {more} were "
            f"active in their last week ({self.activity.before:.1%} before, {self.activity.after:.1%} since), and "
            f"{more} ordered than the hazard foresaw (off by {self.error.before:+.1%} before, "
            f"{self.error.after:+.1%} since)"
        )


class Signal(State):
    """ADWIN on a stream of values within ±1. The same values in the same order: the same state, restarted or not."""

    last: Move | None  # the latest move
    sum: int  # of the block that is being filled
    count: int  # of its values
    blocks: list[int]

    def __post_init__(self) -> None:
        self._adwin: Any = None  # made when it is needed, so that who only reads a signal need not load River

    @classmethod
    def new(cls) -> Signal:
        """Before the first value."""
        return cls(None, 0, 0, [])

    def update(self, value: float, at: float) -> Move | None:
        """Take one value; answer the move if it shows one.

        Args:
            value: within ±1; what lies beyond counts as 1.
            at: its event time.
        """
        self.sum += round(_UNIT * min(max(value, -1.0), 1.0))
        self.count += 1
        if self.count < BLOCK:
            return None
        block, self.sum, self.count = self.sum, 0, 0
        if self._adwin is None:
            self._adwin = _detector(self.blocks)
        self.blocks.append(block)
        self._adwin.update(block / _UNIT)
        if self._adwin.drift_detected:
            return self._moved(at)
        if len(self.blocks) >= 2 * WINDOW:
            self._start_from(WINDOW)
        return None

    def _moved(self, at: float) -> Move:
        since = min(max(int(self._adwin.width), 1), len(self.blocks) - 1)
        self.last = Move(at, _mean(self.blocks[:-since]), _mean(self.blocks[-since:]))
        self._start_from(since)
        return self.last

    def _start_from(self, newest: int) -> None:
        self.blocks = self.blocks[-newest:]
        self._adwin = _detector(self.blocks)

    @property
    def mean(self) -> float:
        """Mean of what is in the window."""
        return _mean(self.blocks)


class Drift(State):
    """Both signals together."""

    within: float
    """Seconds of event time between the two signals' moves for them to agree (the error shows a label horizon later
    than the activity), and after an alarm until the next in the same direction."""

    alarms: list[Alarm]  # the latest last
    error: Signal
    activity: Signal
    error_moved: Move | None  # moves that still wait for the other signal's
    activity_moved: Move | None

    @classmethod
    def new(cls, within: float) -> Drift:
        """Before anything was seen."""
        return cls(within, [], Signal.new(), Signal.new(), None, None)

    def erred(self, error: float, at: float) -> Alarm | None:
        """An order came (1) or not (0), less its chance; at the end of the label horizon."""
        move = self.error.update(error, at)
        if move is None:
            return None
        self.error_moved = move
        return self._agree(at)

    def seen(self, active: bool, at: float) -> Alarm | None:
        """A customer was seen, active in the week before or not."""
        move = self.activity.update(float(active), at)
        if move is None:
            return None
        self.activity_moved = move
        return self._agree(at)

    def withdraw(self, alarm: Alarm) -> None:
        """Forget the latest alarm: what moved has another reason."""
        self.alarms = [held for held in self.alarms if held != alarm]

    def _agree(self, at: float) -> Alarm | None:
        error, activity = self.error_moved, self.activity_moved
        if error is None or activity is None or error.direction != activity.direction:
            return None
        if not math.isfinite(at) or abs(error.at - activity.at) > self.within:
            return None
        self.error_moved = self.activity_moved = None
        last = self.alarms[-1] if self.alarms else None
        if last is not None and last.direction == error.direction and at - last.at < self.within:
            return None  # one change shows in several steps
        alarm = Alarm(f"drift:{at!r}:{error.direction}", at, error.direction, error, activity)
        self.alarms = [*self.alarms, alarm][-_ALARMS:]
        return alarm


def _detector(blocks: Sequence[int]) -> Any:
    adwin = load("river.drift").ADWIN(delta=_DELTA, clock=1, min_window_length=2, grace_period=5)  # all in blocks
    for block in blocks:
        adwin.update(block / _UNIT)
    return adwin


def _mean(blocks: list[int]) -> float:
    return sum(blocks) / (_UNIT * BLOCK * len(blocks)) if blocks else 0.0
