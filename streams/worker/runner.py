"""Running a worker as a process of its own."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading

from faust.worker import Worker

from plan import Plan
from streams.settings import Settings
from streams.worker.worker import Only, create_worker

__all__ = ["collect_seldom", "run_worker"]

log = logging.getLogger(__name__)

_TO_LEAVE = 6.0  # seconds; container engines kill after ten


class _Worker(Worker):
    """Faust's process around an app, which leaves in time even if Kafka does not answer any more."""

    async def stop(self) -> None:
        """Finish what is under way and leave the group."""
        late = threading.Timer(_TO_LEAVE, self._leave)
        late.daemon = True
        late.start()
        await super().stop()

    def _leave(self) -> None:
        """End the process as if it had been killed."""
        log.warning(
            "not done %g s after being told to stop, as when Kafka does not answer: leaving; what is not acknowledged "
            "is read again",
            _TO_LEAVE,
        )
        logging.shutdown()
        os._exit(1 if self.crashed else 0)


def collect_seldom() -> None:
    """Let Python look for garbage when there is any.

    What was imported never becomes garbage, and a round makes a hundred thousand objects that all die together: to look
    for circles among them as often as Python does by default takes a fifth of the worker's time, and once or twice in a
    round still a twelfth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def run_worker(settings: Settings, plan: Plan, only: Only | None = None) -> int:
    """Run a worker, or only a part of one, until a signal comes; answer the exit status.

    Raises:
        WrongUse: the plan verifies user ids, and there is no key to do it with.
    """
    plan.trust.require_key()
    for source in plan.trust.undecided:
        log.warning(
            "the plan says not whether source %s is `public`: whoever has its key is believed, of everybody", source
        )
    collect_seldom()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    worker = _Worker(
        create_worker(settings, plan, only),
        loglevel=settings.log_level,
        redirect_stdouts=False,
        quiet=True,
        loop=loop,
        override_logging=False,
    )
    worker.spinner = None  # Faust's would steer a terminal, also where standard error is a file
    try:
        worker.execute_from_commandline()
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else 1
    return 0
