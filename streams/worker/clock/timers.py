"""The timers: what is due fires, once nothing that may say otherwise still waits to be read."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from streams.clock import ClockWatch
from streams.worker.clock.follower import ClockFollower
from streams.worker.profiles import ProfileRunner

__all__ = ["Backlog", "Timers"]

_SETTLING = 5.0  # seconds after an assignment until the first fetches have told how far behind we are

_STALE = 4  # times as much may wait elsewhere: what is told of it is older


class Backlog:
    """How many events wait to be read.

    Args:
        app: the Faust app, for its consumer.
        topics: real names of those that carry events: of the sources, and `profile.events`.
        batch: most records of a batch.

    `elsewhere` is the most that waits in a source partition that another worker reads, as of some seconds ago.
    """

    def __init__(self, app: Any, topics: set[str], batch: int) -> None:
        self._app = app
        self._topics = topics
        self._batch = batch
        self.elsewhere = 0

    def waiting(self) -> int:
        """The most events that wait in one partition, of those that are this worker's."""
        consumer = self._app.consumer
        return max((consumer.behind(tp) for tp in consumer.mine if tp.topic in self._topics), default=0)

    def is_busy(self) -> bool:
        """Whether more than a batch of events waits in some partition."""
        return self.waiting() > self._batch or self.elsewhere > _STALE * self._batch


class Timers:
    """Fires the timers of a worker's partitions.

    Live, they wait while silence proves nothing: until a new assignment has told how much waits, while more than a
    batch waits, and while this machine's clock disagrees with Redis's. Otherwise the clock's gate says what fires; and
    that waits while workers are given another plan, for a minute of ours may be a year of the history.

    Args:
        profiles: whose timers they are.
        backlog: what waits.
        clock: whether it is live, and the gate.
        held: whether some rules are held that will not be in a minute.
    """

    def __init__(
        self, profiles: ProfileRunner, backlog: Backlog, clock: ClockFollower, held: Callable[[], bool] = lambda: False
    ) -> None:
        self._profiles = profiles
        self._backlog = backlog
        self._clock = clock
        self._held = held
        self._settled = math.inf  # monotonic
        self._arrived = 0.0  # the gate at which this worker has arrived
        self.watch = ClockWatch()

    def assigned(self) -> None:
        """Note that this worker has other partitions from now on."""
        self._settled = time.monotonic() + _SETTLING
        self._arrived = 0.0

    def is_up_to_date(self) -> bool:
        """Whether silence proves something now."""
        settled = time.monotonic() >= self._settled and not self._backlog.is_busy()
        return self._clock.live and settled and self.watch.trusts(self._clock.wall())

    async def fire_live(self) -> None:
        """Fire what is due by the wall clock."""
        while self.is_up_to_date() and await self._profiles.fire(self._clock.wall()):
            pass

    async def fire_gate(self) -> None:
        """Fire what is due up to the gate, if it is time, and leave nothing undelivered."""
        state = self._clock.state
        if not self._clock.fires or self._held():
            return
        while self._clock.fires and not self._held() and await self._profiles.fire(state.gate):
            pass
        if state.phase == "arriving" and self._arrived != state.gate and await self._profiles.arrive(state.gate):
            self._arrived = state.gate
