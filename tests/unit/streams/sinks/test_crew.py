"""Tasks that end together: whoever lost a cancellation is cancelled again."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from streams.sinks.crew import Crew, end, finish

pytestmark = pytest.mark.quick


async def deaf(times: int) -> None:
    """Loses so many cancellations, as the Kafka client does while it connects."""
    lost = 0
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            lost += 1
            if lost > times:
                raise


def test_what_lost_a_cancellation_is_cancelled_again():
    async def run():
        async with asyncio.timeout(60):
            async with Crew() as crew:
                tasks = [crew.create_task(deaf(times)) for times in (0, 1, 2)]
                await asyncio.sleep(0)
        assert all(task.cancelled() for task in tasks)

    asyncio.run(run())


def test_who_is_cancelled_ends_the_others_and_so_does_who_fails():
    async def run():
        tasks = []

        async def work(fails: bool):
            async with Crew() as crew:
                tasks.append(crew.create_task(deaf(1)))
                await asyncio.sleep(0)
                if fails:
                    crew.create_task(failing())
                await crew.failed()

        async def failing():
            raise ValueError("this")

        with pytest.raises(ValueError, match="this"):
            async with asyncio.timeout(60):
                await work(True)
        task = asyncio.create_task(work(False))
        await asyncio.sleep(0.01)
        for _ in range(3):  # somebody in a hurry
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(60):
                await task
        assert all(one.done() for one in tasks)
        assert len(tasks) == 2

    asyncio.run(run())


def test_what_is_to_be_done_at_an_end_is_done_while_it_is_cancelled_and_not_for_ever():
    async def run():
        done = []

        async def leave(seconds: float):
            await asyncio.sleep(seconds)
            done.append(seconds)

        task = asyncio.create_task(finish(leave(0.2), 5))
        for _ in range(3):
            await asyncio.sleep(0.01)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done == [0.2]
        began = asyncio.get_running_loop().time()
        await finish(leave(60), 0.1)
        assert asyncio.get_running_loop().time() - began < 5
        assert done == [0.2]

    asyncio.run(run())


def test_an_end_of_what_is_over_is_nothing():
    async def run():
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        with contextlib.suppress(asyncio.CancelledError):
            await end([task])

    asyncio.run(run())
