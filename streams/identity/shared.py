"""One reading of the log for all splits that wait: what a history costs is how much there is to read, not for whom.

Anybody can have identities moved with the key of a public source. So what waits for those alone is read by one reader,
that rests between readings for a multiple of what the last one took: its part of the time is bounded, whoever asks how
often.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from profiles.types import Event
from streams.identity.history import Cutovers, History, Incomplete

__all__ = ["REST", "SharedHistory"]

REST = 3.0
"""How many times as long as a reading for public sources alone took there is no other."""


class _Wanted(NamedTuple):
    cutovers: Cutovers
    patient: bool
    answer: asyncio.Future[list[Event]]


class SharedHistory:
    """Reads the histories of several splits at once.

    Args:
        history: of all homes.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._waiting: list[_Wanted] = []
        self._reader: asyncio.Task[None] | None = None
        self._rested = 0.0  # by the loop: when it may be read again for public sources alone
        self._hurry = asyncio.Event()

    async def before(self, cutovers: Cutovers, *, patient: bool) -> list[Event]:
        """Every event that came to these homes before their cutovers, once.

        Args:
            cutovers: of homes that nobody else asks for.
            patient: a public source wants it, which waits until it may.

        Raises:
            Incomplete: not all of them can be read any more.
            Unavailable: Kafka does not answer.
        """
        wanted = _Wanted(cutovers, patient, asyncio.get_running_loop().create_future())
        self._waiting.append(wanted)
        if not patient:
            self._hurry.set()
        if self._reader is None:
            self._reader = asyncio.create_task(self._read(), name="shared history")
        try:
            return await wanted.answer
        finally:
            if wanted in self._waiting:
                self._waiting.remove(wanted)

    async def close(self) -> None:
        """Read no more."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                if all(wanted.patient for wanted in self._waiting):
                    self._hurry.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(max(0.0, self._rested - loop.time())):
                            await self._hurry.wait()
                taken, self._waiting = self._waiting, []
                started = loop.time()
                await self._answer(taken)
                if all(wanted.patient for wanted in taken):
                    self._rested = loop.time() + REST * (loop.time() - started)
        finally:
            self._reader = None

    async def _answer(self, taken: Sequence[_Wanted]) -> None:
        try:
            every = {home: at for wanted in taken for home, at in wanted.cutovers.items()}
            events = await self._history.before(every)
        except Exception as error:
            if type(error) is Incomplete and len(taken) > 1:  # perhaps not of all of them
                for wanted in taken:
                    await self._answer([wanted])
                return
            for wanted in taken:
                if not wanted.answer.done():
                    wanted.answer.set_exception(error)
            return
        for wanted in taken:
            if not wanted.answer.done():
                wanted.answer.set_result([event for event in events if event.profile in wanted.cutovers])
