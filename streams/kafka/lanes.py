"""Batches side by side: those of one lane in order, different lanes at the same time.

A batch spends most of its time waiting for Redis and Kafka. Were an agent to finish each before it takes the next,
sixteen partitions would wait for one another. So an agent only sorts batches into lanes, and what has come together
in a lane while it was busy is handled as one: the busier it is, the larger its batches.

Every batch costs some milliseconds beside its records. So while events wait that nobody will see in time anyhow, lanes
take turns: that brings their batches to several times the size, and what waits is done sooner.

A batch is acknowledged when it is done, not when the agent takes the next.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Hashable
from contextlib import nullcontext
from typing import Any

from streams.kafka.transport import Batch

__all__ = ["Handle", "Lanes"]

_CAPACITY = 32  # batches in all lanes; beyond it the agent waits, and Faust pauses the partitions behind it

_AT_ONCE = 4  # lanes at work while events are up to date

Handle = Callable[[list[Batch]], Awaitable[None]]


class Lanes:
    """Sorts the batches of one agent.

    Args:
        handle: takes the batches of a lane, in order; must not raise.
        lane: which lane a batch belongs to.
        most: records that are handled as one.
        behind: whether so much waits that lanes are to take turns.
    """

    def __init__(
        self, handle: Handle, lane: Callable[[Batch], Hashable], most: int, behind: Callable[[], bool]
    ) -> None:
        self._handle = handle
        self._lane = lane
        self._most = most
        self._behind = behind
        self._waiting: defaultdict[Hashable, deque[Any]] = defaultdict(deque)  # Faust events
        self._running: dict[Hashable, asyncio.Task[None]] = {}
        self._room = asyncio.Semaphore(_CAPACITY)
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._turn = asyncio.Lock()

    async def put(self, event: Any) -> None:
        """Take a batch, as the Faust event that brought it; returns when there is room for another."""
        await self._room.acquire()
        lane = self._lane(event.value)
        self._waiting[lane].append(event)
        if lane not in self._running:
            self._running[lane] = asyncio.create_task(self._run(lane))

    async def _run(self, lane: Hashable) -> None:
        waiting = self._waiting[lane]
        try:
            while waiting:
                async with self._at_once, self._turn if self._behind() else nullcontext():
                    events = self._together(waiting)
                    await self._handle([event.value for event in events])
                for event in events:
                    event.ack()
                    self._room.release()
        finally:
            del self._running[lane]

    def _together(self, waiting: deque[Any]) -> list[Any]:
        events = [waiting.popleft()]
        records = len(events[0].value.records)
        while waiting and records + len(waiting[0].value.records) <= self._most:
            events.append(waiting.popleft())
            records += len(events[-1].value.records)
        return events
