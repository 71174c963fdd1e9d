"""Replays that people ask for from the console: one at a time, each with what it did, so that a page can show it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec

from plan import Plan
from profiles.errors import RapportError
from streams.clock import WALL, Clock
from streams.dead_letters.candidates import Chosen, Reread, unread
from streams.dead_letters.rejections import Rejections, Wanted
from streams.dead_letters.replay import Replay, Result, run_replay
from streams.kafka.output import Produces
from streams.kafka.reader import Log
from streams.settings import Settings

__all__ = ["ReplayDesk", "ReplayJob"]

log = logging.getLogger(__name__)

_REMEMBERED = 20  # replays, those of which the end was told among them


class ReplayJob(msgspec.Struct):
    """A replay that somebody asked for."""

    id: str
    by: str
    began: float  # seconds
    dry_run: bool
    wanted: Wanted
    state: Literal["running", "done", "failed"] = "running"
    ended: float = 0.0
    done: int = 0  # offsets read of…
    of: int = 0  # …what is read at the moment
    doing: str = ""  # what that is
    problem: str = ""  # why it failed
    result: Result | None = None


class ReplayDesk:
    """Carries out replays.

    Args:
        log: that has the topics.
        settings: the topics' prefix, and where Kafka is.
        plan: as the workers have it.
        producer: to the topics; None for one on Kafka for each replay.
        clock: the wall clock.
        reread: makes events of what other services had sent.
    """

    def __init__(
        self,
        log: Log,
        settings: Settings,
        plan: Plan,
        producer: Produces | None = None,
        clock: Clock = WALL,
        reread: Reread = unread,
    ) -> None:
        self._log = log
        self._settings = settings
        self._plan = plan
        self._producer = producer
        self._clock = clock
        self._reread = reread
        self._jobs: deque[ReplayJob] = deque(maxlen=_REMEMBERED)
        self._tasks: set[asyncio.Task[None]] = set()
        self._one = asyncio.Lock()

    def jobs(self) -> list[ReplayJob]:
        """The latest that were asked for here, the latest first."""
        return list(reversed(self._jobs))

    async def ask(self, wanted: Wanted, by: str, *, dry_run: bool, wait: float) -> ReplayJob:
        """Put back what is wanted and passes now, or only say what would happen; answers after `wait` s."""
        job = ReplayJob(uuid.uuid4().hex, by, self._clock.now(), dry_run, wanted)
        self._jobs.append(job)
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(task), wait)
        return job

    async def stop(self) -> None:
        """Break off what is under way. It can be asked for again, and goes on where it was."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, job: ReplayJob) -> None:
        def show(what: str) -> Callable[[int, int], object]:
            def tell(done: int, of: int) -> None:
                job.doing, job.done, job.of = what, done, of

            return tell

        try:
            async with self._one:
                rejections = Rejections(self._log, self._settings, show)
                chosen = Chosen(rejections, self._settings, self._plan, job.wanted, reread=self._reread)
                job.result = await self._replay(chosen, show, dry_run=job.dry_run)
            job.state = "done"
        except RapportError as error:
            job.state, job.problem = "failed", str(error)
        except Exception:
            log.exception("a replay that %s asked for went wrong", job.by or "somebody")
            job.state, job.problem = "failed", "it went wrong; the console's log says how"
        finally:
            job.ended = self._clock.now()

    async def _replay(
        self, chosen: Chosen, show: Callable[[str], Callable[[int, int], object]], *, dry_run: bool
    ) -> Result:
        if self._producer is None:
            return await run_replay(
                self._log, self._settings, self._plan, chosen, show, dry_run=dry_run, accept_gaps=False
            )
        replay = Replay(self._log, self._producer, self._settings, self._plan, show, clock=self._clock)
        return await replay.run(chosen, dry_run=dry_run)
