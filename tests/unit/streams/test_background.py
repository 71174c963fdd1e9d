"""What takes seconds runs beside the loop, one thing at a time."""

from __future__ import annotations

import asyncio
import threading

from streams.background import in_background


def test_two_calls_never_run_at_a_time_and_the_loop_goes_on() -> None:
    """River's imports in two threads can end in a deadlock."""
    inside = threading.Lock()
    gate = threading.Event()

    def work(number: int) -> int:
        assert inside.acquire(blocking=False), "two at a time"
        gate.wait(10)
        inside.release()
        return number

    async def both() -> list[int]:
        waiting = asyncio.gather(in_background(work, 1), in_background(work, 2))
        await asyncio.sleep(0.05)
        gate.set()
        return list(await waiting)

    assert asyncio.run(both()) == [1, 2]
