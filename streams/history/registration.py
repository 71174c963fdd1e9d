"""A load of history as the clock knows it: how far it has sent, and that it is alive.

The clock of all customers never passes what a running load has sent, so this may never say more than is in Kafka.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from profiles.clock import ClockStore, Load
from streams.clock import WALL, Clock
from streams.retry import retrying

__all__ = ["BEFORE", "Registration"]

log = logging.getLogger(__name__)

BEFORE = 1e-6
"""Seconds. Times are written to the microsecond: what happened this long before an event is surely before it."""

_BEAT = 1.0  # seconds between two signs of life


class Registration:
    """Keeps a load in the clock's store while it runs. Use it as an asynchronous context manager.

    Left without `finish`, the load stays there as running: the same load may take it up again, and the clock waits for
    it until it has given no sign of life for ten minutes.

    Args:
        store: of the clock.
        load: what is loaded. Known already, it is taken up where it was: it never takes back what it said was sent.
        clock: the wall clock.
        beat: seconds between two signs of life.
    """

    def __init__(self, store: ClockStore, load: Load, clock: Clock = WALL, *, beat: float = _BEAT) -> None:
        self._store = store
        self._clock = clock
        self._beat_every = beat
        self._load = load
        self._changed = asyncio.Lock()  # a sign of life must not overwrite what was told after it
        self._write = retrying(store.write_load)
        self._beats: asyncio.Task[None] | None = None

    @property
    def load(self) -> Load:
        """As it was last told."""
        return self._load

    async def __aenter__(self) -> Self:
        now = self._clock.now()
        known = (await retrying(self._store.loads)()).get(self._load.id)
        load = replace(self._load, begun=now)
        if known is not None and math.isfinite(known.sent):
            load = replace(load, begun=known.begun, sent=max(known.sent, load.sent))
        self._load = load
        await self._tell(ended=0.0)
        self._beats = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._beats is not None
        self._beats.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._beats

    async def advance(self, sent: float, done: int) -> None:
        """All events up to a time are in Kafka; `done` events are that so far."""
        await self._tell(sent=max(sent, self._load.sent), done=done)

    async def finish(self, done: int) -> None:
        """All are, `done` events: the clock need not wait for this load any more."""
        await self._tell(sent=math.inf, done=done, ended=self._clock.now())

    async def _tell(self, **changes: float) -> None:
        async with self._changed:
            self._load = replace(self._load, seen=self._clock.now(), **changes)
            await self._write(self._load)

    async def _beat(self) -> None:
        while not self._load.ended:
            await asyncio.sleep(self._beat_every)
            try:
                await self._tell()
            except Exception:
                log.exception("the load cannot say that it is alive")
