"""When a batch is looked at: the wall clock, or event time.

Live, a batch is one tick at the wall clock's now, and timers fire between batches. In a replay, a backtest and the
demo, time is what the events say: a batch may span weeks, in which customers fell silent, labels matured and alerts
were due. It is therefore cut where the watermark (the latest event time so far) passes from one grain of time into
the next, and what falls due in between fires in its place, so that the same history gives the same profiles, labels
and alerts, whatever the size of the batches.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from profiles.types import Event, Profile, Record
from streams.steps.work import Work

__all__ = ["GRAIN", "Tick", "event_ticks", "latest_event"]

GRAIN = 6 * 3600.0
"""Seconds of event time that are looked at together. A timer fires at most this much late in event time."""


class Tick(NamedTuple):
    """One look: at `now`, with these records, at these profiles whose timers are due."""

    now: float
    records: Sequence[Record]
    due: list[Profile]


def latest_event(records: Sequence[Record], watermark: float) -> float:
    """The watermark after these records."""
    return max((record.time for record in records if type(record) is Event), default=watermark)


def event_ticks(work: Work, records: Sequence[Record], until: float) -> Iterator[Tick]:
    """Cut a batch into ticks of event time. The caller handles each tick before it asks for the next.

    Args:
        work: its profiles' `wake_at`, and timers set while it runs, decide what falls due.
        records: in the order of the log.
        until: the time at which the batch ends: its watermark, or later when the partition is idle.
    """
    timers = _Timers(work)
    watermark = work.watermark
    run: list[Record] = []
    for record in records:
        time = record.time if type(record) is Event else watermark
        if run and _grain(max(time, watermark)) != _grain(watermark):
            yield from timers.fire(_grain(watermark) * GRAIN)
            yield Tick(watermark, run, [])
            run = []
        watermark = work.watermark = max(watermark, time)
        run.append(record)
    if run:
        yield from timers.fire(_grain(watermark) * GRAIN)
        yield Tick(watermark, run, [])
    work.watermark = max(watermark, until)
    yield from timers.fire(work.watermark)


def _grain(time: float) -> float:
    return time // GRAIN


class _Timers:
    """The profiles at hand, by when they are due. Timers that a tick has moved are noticed when they come up."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._heap = [(profile.wake_at, id_) for id_, profile in work.profiles.items() if profile.wake_at]
        heapq.heapify(self._heap)

    def fire(self, until: float) -> Iterator[Tick]:
        """What falls due up to a time, a grain at a time."""
        self._note_moved()
        while self._heap and self._heap[0][0] <= until:
            now = min(max((_grain(self._heap[0][0]) + 1) * GRAIN, self._heap[0][0]), until)
            due: dict[str, Profile] = {}
            while self._heap and self._heap[0][0] <= now:
                when, id_ = heapq.heappop(self._heap)
                profile = self._work.profiles.get(id_)
                if profile is not None and not profile.redirect and profile.wake_at == when:
                    due[id_] = profile
            if due:
                yield Tick(now, (), list(due.values()))
                self._note_moved()

    def _note_moved(self) -> None:
        """What the last tick touched has a new time."""
        for id_, profile in self._work.touched.items():
            if profile.wake_at and not profile.redirect:
                heapq.heappush(self._heap, (profile.wake_at, id_))
