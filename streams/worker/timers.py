"""The timers: what is due fires, once nothing that may say otherwise still waits to be read."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

from streams.clock import Clock, ClockWatch
from streams.worker.profiles import ProfileRunner

__all__ = ["Backlog", "Timers"]

_IDLE = 2.0  # seconds without a batch after which a partition follows the event time of the others
_SETTLING = 5.0  # seconds after an assignment until the first fetches have told how far behind we are


class Backlog:
    """How many events wait to be read.

    Args:
        app: the Faust app, for its consumer.
        topics: real names of those that carry events: of the sources, and `profile.events`.
        batch: most records of a batch.
    """

    def __init__(self, app: Any, topics: set[str], batch: int) -> None:
        self._app = app
        self._topics = topics
        self._batch = batch

    def waiting(self) -> int:
        """The most events that wait in one partition, of those that are this worker's."""
        consumer = self._app.consumer
        return max((consumer.behind(tp) for tp in consumer.assignment() if tp.topic in self._topics), default=0)

    def is_busy(self) -> bool:
        """Whether more than a batch of events waits in some partition."""
        return self.waiting() > self._batch

    def is_long(self) -> bool:
        """Whether so many events wait in some partition that they cost less one partition at a time."""
        return self.waiting() > self._batch / 4


class Timers:
    """Fires the timers of a worker's partitions, on the clock that they run on.

    On the wall clock they wait while silence proves nothing: until a new assignment has told how much waits, while more
    than a batch waits, and while this machine's clock disagrees with Redis's.

    Args:
        profiles: whose timers they are.
        backlog: what waits.
        clock: the wall clock.
        event_time: whether timers run on event time rather than on the clock.
    """

    def __init__(self, profiles: ProfileRunner, backlog: Backlog, clock: Clock, *, event_time: bool) -> None:
        self._profiles = profiles
        self._backlog = backlog
        self._clock = clock
        self._event_time = event_time
        self._settled = math.inf  # monotonic
        self.watch = ClockWatch()

    def assigned(self) -> None:
        """Note that this worker has other partitions from now on."""
        self._settled = time.monotonic() + _SETTLING

    def now(self) -> float:
        """The time on the clock that timers run on."""
        return self._profiles.watermark if self._event_time else self._clock.now()

    def is_up_to_date(self) -> bool:
        """Whether silence proves something now."""
        if self._event_time:
            return not self._backlog.waiting()
        settled = time.monotonic() >= self._settled
        return settled and not self._backlog.is_busy() and self.watch.trusts(self._clock.now())

    async def fire(self) -> None:
        """Fire what is due in all partitions."""
        if self._event_time or self.is_up_to_date():
            await asyncio.gather(*(self._fire(partition) for partition in self._profiles.partitions))

    async def _fire(self, partition: int) -> None:
        until = self.now()
        if self._event_time and not (until and self._profiles.idle(partition) >= _IDLE and not self._backlog.waiting()):
            return
        while await self._profiles.fire_due(partition, until):
            pass
