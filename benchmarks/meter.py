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
    """Watches one process from outside.

    Args:
        pid: of the process, which was started just now.
    """

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.started = self._process.create_time()
        self.peak_rss = 0

    def mark(self, events: int) -> Mark:
        """Where it is now."""
        with self._process.oneshot():
            used = self._process.cpu_times()
            self.peak_rss = max(self.peak_rss, self._process.memory_info().rss)
        return Mark(time.time() - self.started, used.user + used.system, events)

    def terminate(self) -> None:
        """Ask the process to stop."""
        self._process.terminate()

    def watch(self, look: Callable[[], bool], what: str, *, every: float, timeout: float) -> None:
        """Look again and again until the answer is yes.

        Raises:
            RuntimeError: the process has ended, or it takes too long.
        """
        deadline = time.monotonic() + timeout
        while not look():
            if not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE:
                raise RuntimeError(f"the process has ended by itself while {what}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"still {what} after {timeout:g} s")
            time.sleep(every)
