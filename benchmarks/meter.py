"""What a process uses while it works: wall clock, CPU, memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import psutil

__all__ = ["Mark", "Meter", "Run"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a process was at one moment."""

    wall: float  # seconds since the process was started
    cpu: float  # seconds of CPU, user and system, that it has used by then
    events: int


@dataclass(frozen=True, slots=True)
class Run:
    """One contender's figures."""

    name: str
    does: str
    events: int
    began: Mark  # start-up was over: the first events were being worked on
    ended: Mark  # the last event was applied
    peak_rss: int  # bytes
    redis_bytes: int  # that its data take in Redis
    profiles: int  # customers' documents
    notes: dict[str, Any]

    @property
    def events_per_second(self) -> float:
        """Throughput, start-up left out."""
        return (self.ended.events - self.began.events) / (self.ended.wall - self.began.wall)

    @property
    def cpu_per_million(self) -> float:
        """CPU seconds per million events, start-up left out."""
        return (self.ended.cpu - self.began.cpu) / (self.ended.events - self.began.events) * 1e6

    @property
    def cpu_per_million_with_start(self) -> float:
        """CPU seconds per million events, with the start-up of this one run spread over its events."""
        return self.ended.cpu / self.ended.events * 1e6

    @property
    def bytes_per_profile(self) -> float:
        """Bytes in Redis for each customer, indexes and all else included."""
        return self.redis_bytes / max(self.profiles, 1)

    def as_json(self) -> dict[str, Any]:
        """Everything, for `--json`."""
        figures = (
            "events_per_second", "cpu_per_million", "cpu_per_million_with_start", "bytes_per_profile",
        )  # fmt: skip
        return {**asdict(self), **{name: round(getattr(self, name), 3) for name in figures}}


class Meter:
    """Watches processes that work together from outside.

    Args:
        pids: of the processes, which were started just now.
    """

    def __init__(self, *pids: int) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]
        self.started = min(process.create_time() for process in self._processes)
        self.peak_rss = 0  # of all together

    def mark(self, events: int) -> Mark:
        """Where it is now."""
        cpu, rss = 0.0, 0
        for process in self._processes:
            with process.oneshot():
                used = process.cpu_times()
                cpu += used.user + used.system
                rss += process.memory_info().rss
        self.peak_rss = max(self.peak_rss, rss)
        return Mark(time.time() - self.started, cpu, events)

    def terminate(self) -> None:
        """Ask the processes to stop."""
        for process in self._processes:
            process.terminate()

    def watch(self, look: Callable[[], bool], what: str, *, every: float, timeout: float) -> None:
        """Look again and again until the answer is yes.

        Raises:
            RuntimeError: a process has ended, or it takes too long.
        """
        deadline = time.monotonic() + timeout
        while not look():
            if any(not one.is_running() or one.status() == psutil.STATUS_ZOMBIE for one in self._processes):
                raise RuntimeError(f"a process has ended by itself while {what}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"still {what} after {timeout:g} s")
            time.sleep(every)
