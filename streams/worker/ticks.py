"""When a batch is looked at: the wall clock, or event time.

Live, a batch is one tick at the wall clock's now, and timers fire between batches. In a replay, a backtest and the
demo, time is what the events say: a batch may span weeks, in which customers fell silent, labels matured and alerts
were due. There every event is looked at at the watermark (the latest event time so far) that it brought, and what
falls due in between fires in its place, so that the same log gives the same profiles, labels and alerts, whatever the
size of the batches.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from profiles.types import Event, Profile, Record
from streams.steps.work import Work

__all__ = ["GRAIN", "Tick", "event_ticks", "latest_event", "whole_grains"]

GRAIN = 6 * 3600.0
"""Seconds of event time that are looked at together. A timer fires at most this much late in event time."""


class Tick(NamedTuple):
    """One look: at these records, and at these profiles whose timers are due.

    `now` is when; for the profiles in `times`, it is what stands there.
    """

    now: float
    records: Sequence[Record]
    due: Sequence[Profile] = ()
    times: Mapping[str, float] = {}


def latest_event(records: Sequence[Record], watermark: float) -> float:
    """The watermark after these records."""
    return max([watermark, *(record.time for record in records if type(record) is Event)])


def whole_grains(time: float) -> float:
    """The time up to which timers fire: the last border between grains."""
    return time // GRAIN * GRAIN


def event_ticks(work: Work, records: Sequence[Record], until: float) -> Iterator[Tick]:
    """Cut a batch into ticks of event time. The caller handles each tick before it asks for the next.

    Args:
        work: its profiles' `scheduled_at`, and timers set while it runs, decide what falls due.
        records: in the order of the log.
        until: the time at which the batch ends: its watermark, or later when the partition is idle.
    """
    timers = _Timers(work)
    run: list[Record] = []
    times: dict[str, float] = {}
    for record in records:
        watermark = max(work.watermark, record.time) if type(record) is Event else work.watermark
        if run and (record.profile in times or whole_grains(watermark) != whole_grains(work.watermark)):
            yield Tick(work.watermark, run, times=times)
            run, times = [], {}
        yield from timers.fire(whole_grains(watermark))
        work.watermark = watermark
        run.append(record)
        times[record.profile] = watermark
    if run:
        yield Tick(work.watermark, run, times=times)
    work.watermark = max(work.watermark, until)
    yield from timers.fire(whole_grains(work.watermark))


class _Timers:
    """The profiles at hand, by when they are due. Timers that a tick has moved are noticed when they come up."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._heap = [(profile.scheduled_at, id_) for id_, profile in work.profiles.items() if profile.scheduled_at]
        heapq.heapify(self._heap)
        self._fired = 0.0

    def fire(self, until: float) -> Iterator[Tick]:
        """What falls due up to a border between grains, a grain at a time."""
        if until <= self._fired:
            return
        self._fired = until
        self._note_moved()
        while self._heap and self._heap[0][0] <= until:
            now = -(-self._heap[0][0] // GRAIN) * GRAIN  # the border at or after it
            due: dict[str, Profile] = {}
            while self._heap and self._heap[0][0] <= now:
                when, id_ = heapq.heappop(self._heap)
                profile = self._work.profiles.get(id_)
                if profile is not None and not profile.redirect and profile.scheduled_at == when:
                    due[id_] = profile
            if due:
                yield Tick(now, (), list(due.values()))
                self._note_moved()

    def _note_moved(self) -> None:
        """What the ticks so far touched has a new time."""
        for id_, profile in self._work.changed.items():
            if profile.scheduled_at and not profile.redirect:
                heapq.heappush(self._heap, (profile.scheduled_at, id_))
