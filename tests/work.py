"""What something costs as numbers that a busy machine does not change: calls counted, and waiting without queueing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["Waiting", "calls"]

_SCHEDULED = Path("/proc/thread-self/schedstat")
"""Linux: nanoseconds that the thread ran, nanoseconds that it could have and had no processor, turns."""


def calls(work: Callable[[], object]) -> int:
    """How many functions are called by `work`, in Python and in C; the same in every run, whatever else runs."""
    count = 0

    def counted(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


class Waiting:
    """Seconds for which this thread waited inside of a `with`: neither running nor in the queue for a processor.

    Where the system does not tell (it is no Linux), all seconds count.
    """

    def __enter__(self) -> Waiting:
        self._began, self._busy = time.monotonic(), _busy()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._began - (_busy() - self._busy)


def _busy() -> float:
    try:
        ran, queued, _ = _SCHEDULED.read_text().split()
    except OSError:
        return 0.0
    return (int(ran) + int(queued)) / 1e9
