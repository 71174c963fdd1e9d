"""Commands that read, asked at the same moment by whomever: Redis is asked once for all of them.

A console answers many at a time, each with a few small reads. One after the other these would be as many round trips;
together they are one, and while it is under way the next ones gather.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable
from typing import Any, TypeAlias

from profiles.stores.connection import Client

__all__ = ["Together"]

_UNDER_WAY = 2  # round trips at a time

_Command: TypeAlias = tuple[str | bytes, ...]


class Together:
    """Asks Redis, on one node or a cluster.

    Args:
        client: of redis-py.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[_Command, list[asyncio.Future[Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, *command: str | bytes) -> Awaitable[Any]:
        """The answer to a command that only reads, as Redis gives it; of equal ones that wait, one is sent.

        Raises, when it is awaited:
            RedisError: as a client's own call would.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # of another one nobody is left who waits
            self._loop, self._waiting, self._tasks = loop, {}, set()
        if not self._waiting and len(self._tasks) < _UNDER_WAY:
            loop.call_soon(self._send)
        answer: asyncio.Future[Any] = loop.create_future()
        self._waiting.setdefault(command, []).append(answer)
        return answer

    def _send(self) -> None:
        if not self._waiting or self._loop is None or len(self._tasks) >= _UNDER_WAY:
            return
        asked, self._waiting = self._waiting, {}
        # In no context of those who ask: it is of several.
        task = self._loop.create_task(self._exchange(asked), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._send()

    async def _exchange(self, asked: dict[_Command, list[asyncio.Future[Any]]]) -> None:
        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for command in asked:
                    pipe.execute_command(*command)
                answers = await pipe.execute(raise_on_error=False)
        except BaseException as error:
            answers = [error] * len(asked)
            if not isinstance(error, Exception):
                raise
        finally:
            for waiting, answer in zip(asked.values(), answers, strict=True):
                for each in waiting:
                    if each.done():  # whoever asked is gone
                        continue
                    if isinstance(answer, BaseException):
                        each.set_exception(answer)
                    else:
                        each.set_result(answer)
