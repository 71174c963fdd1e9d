"""Where the time goes: a process sampled by py-spy, its samples summed by function."""

from __future__ import annotations

import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.servers import REPOSITORY
from profiles.errors import Misconfigured

__all__ = ["Sampled"]


class Sampled:
    """Runs a Python process under py-spy.

    Args:
        out: file for the raw samples.

    Raises:
        Misconfigured: py-spy is not installed.
    """

    def __init__(self, out: Path) -> None:
        beside = Path(sys.executable).with_name("py-spy")
        found = str(beside) if beside.exists() else shutil.which("py-spy")
        if found is None:
            raise Misconfigured("--profile needs py-spy: pip install py-spy")
        # Only samples that hold the GIL: nearly all of a worker's CPU is Python, and waiting threads look busy else.
        self._command = [found, "record", "--gil", "--function", "--rate", "250", "--format", "raw"]
        self._command += ["--output", str(out), "--"]
        self._out = out

    def wrap(self, command: Sequence[str]) -> list[str]:
        """A command that runs `command` under py-spy."""
        return [*self._command, *command]

    def child_of(self, pid: int) -> int:
        """The process that py-spy samples."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if children := psutil.Process(pid).children():
                return int(children[0].pid)
            time.sleep(0.02)
        raise RuntimeError("py-spy has started nothing")

    def shares(self) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
        """(function, share of the samples) by own time and by time with all it calls, the largest first.

        Start-up is left out: stacks that import modules.
        """
        own: Counter[str] = Counter()
        total: Counter[str] = Counter()
        samples = 0
        for line in self._out.read_text().splitlines():
            stack, _, number = line.rpartition(" ")
            frames = [_short(frame) for frame in stack.split(";")]
            if any("importlib._bootstrap" in frame for frame in frames):
                continue
            count = int(number)
            samples += count
            own[frames[-1]] += count
            for frame in set(frames):
                total[frame] += count
        return (
            [(name, count / samples) for name, count in own.most_common()],
            [(name, count / samples) for name, count in total.most_common()],
        )


def _short(frame: str) -> str:
    """`function (path)`, the path cut to what is ours or the library's."""
    function, _, path = frame.partition(" (")
    path = path.rstrip(")").replace(f"{REPOSITORY}/", "")
    return f"{function} ({path.rpartition('site-packages/')[2]})"
