"""Drift: do customers behave in another way than the model has learned?

Two signals are watched. How far an earlier hazard (`models.churn.lagged`) is off (an order came, less its chance) is
known once the short label is final; how many customers are active is known at once. Each has an ADWIN (Bifet, Gavaldà
2007; delta .002), which alone gives a false alarm now and then: only when both have moved in the same direction within
a few weeks is it an alarm.

River's ADWIN cannot be saved as JSON. So it is fed with whole blocks, whose sums are kept as integers and fed again
after a restart; to one fed the sums of n values, ADWIN's bound is the one of the values themselves. From time to time
the older half is dropped and the rest fed to a new detector, at the same values whether restarted or not.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from river.drift import ADWIN

from models.durations import WEEK
from profiles.errors import Misconfigured

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


class Signal:
    """ADWIN on a stream of values within ±1. The same values in the same order: the same state, restarted or not."""

    def __init__(self) -> None:
        self.last: Move | None = None  # the latest move
        self._sum = self._count = 0  # of the block that is being filled
        self._blocks: list[int] = []
        self._adwin = _detector(())

    def update(self, value: float, at: float) -> Move | None:
        """Take one value; answer the move if it shows one.

        Args:
            value: within ±1; what lies beyond counts as 1.
            at: its event time.
        """
        self._sum += round(_UNIT * min(max(value, -1.0), 1.0))
        self._count += 1
        if self._count < BLOCK:
            return None
        block, self._sum, self._count = self._sum, 0, 0
        self._blocks.append(block)
        self._adwin.update(block / _UNIT)
        if self._adwin.drift_detected:
            return self._moved(at)
        if len(self._blocks) >= 2 * WINDOW:
            self._start_from(WINDOW)
        return None

    def _moved(self, at: float) -> Move:
        since = min(max(int(self._adwin.width), 1), len(self._blocks) - 1)
        self.last = Move(at, _mean(self._blocks[:-since]), _mean(self._blocks[-since:]))
        self._start_from(since)
        return self.last

    def _start_from(self, newest: int) -> None:
        self._blocks = self._blocks[-newest:]
        self._adwin = _detector(self._blocks)

    @property
    def mean(self) -> float:
        """Mean of what is in the window."""
        return _mean(self._blocks)

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        blocks = base64.b64encode(np.array(self._blocks, dtype="<i2").tobytes()).decode()
        last = msgspec.to_builtins(self.last)
        return {"sum": self._sum, "count": self._count, "blocks": blocks, "last": last, "mean": self.mean}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Signal:
        """The signal whose `state` this is.

        Raises:
            Misconfigured: it is not whole.
        """
        signal = cls()
        try:
            signal._sum, signal._count = int(state["sum"]), int(state["count"])
            signal._blocks = np.frombuffer(base64.b64decode(state["blocks"]), dtype="<i2").tolist()
            signal.last = msgspec.convert(state["last"], Move | None)
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"the state of the drift detection is damaged: {error!r}") from error
        signal._adwin = _detector(signal._blocks)
        return signal


class Drift:
    """Both signals together.

    Args:
        within: seconds of event time between the two signals' moves for them to agree (the error shows a label
            horizon later than the activity), and after an alarm until the next in the same direction.
    """

    def __init__(self, within: float = 6 * WEEK) -> None:
        self.within = within
        self.alarms: list[Alarm] = []  # the latest last
        self._error, self._activity = Signal(), Signal()
        self._erred: Move | None = None  # moves that still wait for the other signal's
        self._stirred: Move | None = None

    def erred(self, error: float, at: float) -> Alarm | None:
        """An order came (1) or not (0), less its chance; at the end of the label horizon."""
        move = self._error.update(error, at)
        if move is None:
            return None
        self._erred = move
        return self._agree(at)

    def seen(self, active: bool, at: float) -> Alarm | None:
        """A customer was seen, active in the week before or not."""
        move = self._activity.update(float(active), at)
        if move is None:
            return None
        self._stirred = move
        return self._agree(at)

    def _agree(self, at: float) -> Alarm | None:
        error, activity = self._erred, self._stirred
        if error is None or activity is None or error.direction != activity.direction:
            return None
        if not math.isfinite(at) or abs(error.at - activity.at) > self.within:
            return None
        self._erred = self._stirred = None
        last = self.alarms[-1] if self.alarms else None
        if last is not None and last.direction == error.direction and at - last.at < self.within:
            return None  # one change shows in several steps
        alarm = Alarm(f"drift:{at!r}:{error.direction}", at, error.direction, error, activity)
        self.alarms = [*self.alarms, alarm][-_ALARMS:]
        return alarm

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        return {
            "error": self._error.state(),
            "activity": self._activity.state(),
            "erred": msgspec.to_builtins(self._erred),
            "stirred": msgspec.to_builtins(self._stirred),
            "alarms": msgspec.to_builtins(self.alarms),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], within: float = 6 * WEEK) -> Drift:
        """The drift whose `state` this is.

        Raises:
            Misconfigured: it is not whole.
        """
        drift = cls(within)
        try:
            drift._error, drift._activity = Signal.from_state(state["error"]), Signal.from_state(state["activity"])
            drift._erred = msgspec.convert(state["erred"], Move | None)
            drift._stirred = msgspec.convert(state["stirred"], Move | None)
            drift.alarms = msgspec.convert(state["alarms"], list[Alarm])
        except (KeyError, TypeError, ValueError, msgspec.MsgspecError) as error:
            raise Misconfigured(f"the state of the drift detection is damaged: {error!r}") from error
        return drift


def _detector(blocks: list[int] | tuple[()]) -> ADWIN:
    adwin = ADWIN(delta=_DELTA, clock=1, min_window_length=2, grace_period=5)  # all in blocks
    for block in blocks:
        adwin.update(block / _UNIT)
    return adwin


def _mean(blocks: list[int]) -> float:
    return sum(blocks) / (_UNIT * BLOCK * len(blocks)) if blocks else 0.0
