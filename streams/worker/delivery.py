"""Delivery: what was committed goes out, while the next round is being worked on.

One delivery is under way at a time. What is committed meanwhile goes out together with the next; of a profile that
changed in several of those commits, only the newest document.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from profiles.store import Changes
from streams.kafka.outbox import Marker, Outbox

__all__ = ["Committed", "Delivery"]


@dataclass(frozen=True, slots=True)
class Committed:
    """One commit of a partition."""

    partition: int
    changes: Changes
    marker: Marker
    produced: Callable[[int, Mapping[str, tuple[int, int]]], None]  # hears that all up to a version is in Kafka: where


class Delivery:
    """Produces the outputs of commits, in their order.

    Args:
        outbox: produces them.
        failed: hears of the error that ended it. Nothing is delivered any more then.
    """

    def __init__(self, outbox: Outbox, failed: Callable[[Exception], None]) -> None:
        self._outbox = outbox
        self._failed = failed
        self._waiting: list[list[Committed]] = []  # by round
        self._running: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether all is delivered."""
        return self._running is None

    def add(self, commits: list[Committed]) -> None:
        """Take the commits of a round."""
        if commits:
            self._waiting.append(commits)
            if self._running is None:
                self._running = asyncio.create_task(self._run())

    async def room(self) -> None:
        """Wait while more than one round waits: a Kafka that is slow must not fill the memory."""
        while self._running is not None and len(self._waiting) > 1:
            await asyncio.wait([self._running], timeout=0.05)
            self._raise()

    async def finish(self) -> None:
        """Wait until all that was added is in Kafka."""
        while self._running is not None:
            await asyncio.wait([self._running])
            self._raise()

    def _raise(self) -> None:
        if self._running is not None and self._running.done():
            self._running.result()

    async def _run(self) -> None:
        try:
            while self._waiting:
                rounds, self._waiting = self._waiting, []
                commits = [commit for commits in rounds for commit in commits]
                told = await self._outbox.deliver_commits([(commit.changes, commit.marker) for commit in commits])
                for commit in commits:
                    commit.produced(commit.marker.version, told.get(commit.partition, {}))
        except Exception as error:
            self._failed(error)
            raise
        self._running = None
