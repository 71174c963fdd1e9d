"""Ends process groups when the process that started them is gone, however it went.

Run by its path, with nothing but the standard library. Reads lines from its standard input: `+PGID` to watch a
group, `-PGID` to forget it. The end of the input means that the parent is gone (a pipe closes with its owner,
SIGKILL included): what is still watched then gets SIGTERM and, after the grace, SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import BinaryIO

__all__ = ["main"]

GRACE = 3.0
"""Seconds between SIGTERM and SIGKILL."""


def main(lines: BinaryIO, grace: float = GRACE) -> None:
    """Watch until the input ends, then end every group that is still watched."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent's Ctrl-C is no reason to stop guarding it
    groups: set[int] = set()
    for line in lines:
        if line[:1] == b"+":
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    deadline = time.monotonic() + grace
    groups = {group for group in groups if _signal(group, signal.SIGTERM)}
    while groups and time.monotonic() < deadline:
        time.sleep(0.05)
        groups = {group for group in groups if _signal(group, 0)}
    for group in groups:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Send a signal to a process group; False when nobody is left in it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


if __name__ == "__main__":
    main(sys.stdin.buffer.raw if hasattr(sys.stdin.buffer, "raw") else sys.stdin.buffer)
