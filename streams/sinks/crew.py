"""Tasks that work together: one that fails ends all, and who is ended ends, though it did not hear it the first time.

`asyncio.TaskGroup` cancels each of its tasks once. A cancellation can get lost: the Kafka client swallows one that
comes while it connects or closes, and `asyncio.wait_for` of Python 3.11 one that comes together with what it waits for.
A task that lost the only one goes on for ever, and whoever waits for the group with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Self

__all__ = ["Crew", "end", "finish"]

_AGAIN = 1.0  # seconds until what was cancelled and goes on is cancelled again


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until all are done, whatever they come to; also while we are cancelled ourselves.

    Raises:
        asyncio.CancelledError: we were, meanwhile.
    """
    left = {task for task in tasks if not task.done()}
    cancelled: asyncio.CancelledError | None = None
    while left:
        for task in left:
            task.cancel()
        try:
            _, left = await asyncio.wait(left, timeout=_AGAIN)
        except asyncio.CancelledError as error:
            cancelled = error
            left = {task for task in left if not task.done()}
    if cancelled is not None:
        raise cancelled


async def finish(work: Coroutine[Any, Any, Any], seconds: float) -> None:
    """Do what is to be done at an end, for so long at most; also while we are cancelled.

    Raises:
        asyncio.CancelledError: we were, meanwhile.
        Exception: what it failed of.
    """
    task = asyncio.create_task(work)
    until = asyncio.get_running_loop().time() + seconds
    cancelled: asyncio.CancelledError | None = None
    while not task.done() and (left := until - asyncio.get_running_loop().time()) > 0:
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError as error:
            cancelled = error
    await end([task])
    if cancelled is not None:
        raise cancelled
    if not task.cancelled():
        task.result()


class Crew:
    """Tasks that end when the block does, which waits for `failed`."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        while self._tasks:  # what ends may begin another
            await end(list(self._tasks))
            await asyncio.sleep(0)  # they take themselves out

    def create_task(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin one more."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def failed(self) -> None:
        """Wait until one of them fails.

        Raises:
            Exception: what it failed of.
        """
        await asyncio.shield(self._failed)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._failed.done():
            self._failed.set_exception(error)
            self._failed.exception()  # looked at, should nobody wait any more
