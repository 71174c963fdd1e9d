"""How the cost of a function grows with its input: processor time and memory at sizes n, 2n and 4n.

Much of it is spent within one call of C, in a regular expression or a copy, so time is what there is to count: that of
the thread alone, the least of some runs. What is linear costs four times as much at 4n, what is quadratic sixteen
times, and the bound lies between. A busy machine may make it wrong once, but not each time, and never makes quadratic
look linear: what looks too steep is measured again, by more runs.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

__all__ = ["assert_linear"]

STEEPEST = 9.0
"""Of the cost at 4n to that at n."""

RUNS = (2, 5, 10)
"""Of each size, try after try."""

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
        for runs in RUNS:
            seconds = [_seconds(work, given, runs) for given in inputs]
            if seconds[2] <= max(SHORTEST, STEEPEST * seconds[0]):
                break
        else:
            told = ", ".join(f"{1000 * value:.2f}" for value in seconds)
            pytest.fail(f"{told} ms for {n}, {2 * n}, {4 * n}")
    held = _bytes(work, inputs[2])
    if held > SMALLEST:
        least = _bytes(work, inputs[0])
        assert held <= STEEPEST * least, f"{least} and {held} bytes for {n} and {4 * n}"


def _seconds(work: Callable[[Any], object], given: Any, runs: int) -> float:
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
