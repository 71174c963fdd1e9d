"""How the cost of a function grows with its input: processor time and memory at sizes n, 2n and 4n.

Time is that of the thread alone, the least of several runs, so that a busy machine does not count; what is linear costs
four times as much at 4n, what is quadratic sixteen times, and the bound lies between.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

__all__ = ["assert_linear"]

STEEPEST = 9.0
"""Of the cost at 4n to that at n."""

SHORTEST = 2e-3
"""Seconds below which nothing is told of growth: no outsider can buy anything with it."""

SMALLEST = 256 * 1024
"""The same of bytes."""

LONGEST = 2.0
"""Seconds that no input may take."""


def assert_linear(work: Callable[[Any], object], make: Callable[[int], Any], n: int) -> None:
    """Fail where work on an input of four times the size takes far more than four times the time or memory."""
    inputs = [make(n * times) for times in (1, 2, 4)]
    work(inputs[0])  # what is worked out once, and kept
    if _seconds(work, inputs[2], runs=1) > SHORTEST:
        seconds = [_seconds(work, given) for given in inputs]
        told = ", ".join(f"{1000 * value:.2f}" for value in seconds)
        assert seconds[2] <= max(SHORTEST, STEEPEST * seconds[0]), f"{told} ms for {n}, {2 * n}, {4 * n}"
    held = _bytes(work, inputs[2])
    if held > SMALLEST:
        least = _bytes(work, inputs[0])
        assert held <= STEEPEST * least, f"{least} and {held} bytes for {n} and {4 * n}"


def _seconds(work: Callable[[Any], object], given: Any, runs: int = 5) -> float:
    least = LONGEST
    gc.disable()  # it goes through all there is, now and then
    try:
        for _ in range(runs):
            began = time.thread_time()
            work(given)
            taken = time.thread_time() - began
            assert taken < LONGEST, f"{taken:.1f} s"
            least = min(least, taken)
    finally:
        gc.enable()
    return least


def _bytes(work: Callable[[Any], object], given: Any) -> int:
    tracemalloc.start()
    try:
        work(given)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
