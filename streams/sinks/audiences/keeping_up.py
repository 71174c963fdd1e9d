"""Keeping audiences as the store is: a look each so often, and at all customers once a day."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

import msgspec

from analysis.archive.folder import Folder
from models.durations import DAY
from plan import Plan
from profiles.errors import RapportError
from profiles.store import Reader
from profiles.stores import AWAY, Stores, open_stores
from streams.clock import Clock
from streams.settings import Settings
from streams.sinks.audiences.audience_metrics import AudienceMetrics
from streams.sinks.audiences.audience_writer import AudienceWriter, Written, audiences_folder
from streams.sinks.audiences.reconciling import Checked, check
from streams.sinks.audiences.versions import ROOT
from streams.sinks.whole import check_whole

__all__ = ["AudienceKeeper", "opened"]

log = logging.getLogger(__name__)

_AGAIN = 60.0  # seconds until a look that failed is tried again
_TROUBLE: tuple[type[Exception], ...] = (RapportError, OSError, *AWAY)
_CHECKED = f"{ROOT}/checked.json"


class _LastCheck(msgspec.Struct):
    at: float
    found: list[Checked] = []


class AudienceKeeper:
    """Keeps the tables of a plan.

    Args:
        stores: what is read.
        plan: with `audiences`.
        settings: with the folder.
        clock: says the time.

    Raises:
        Misconfigured: the plan or the settings name none.
    """

    def __init__(self, stores: Stores, plan: Plan, settings: Settings, clock: Clock) -> None:
        self._stores = stores
        self._plan = plan
        self._settings = settings
        self._clock = clock
        self._folder: Folder = audiences_folder(settings)
        self._reader: Reader = stores.reader
        self.writer = AudienceWriter(stores.reader, plan, self._folder, clock.now)

    async def write(self) -> list[Written]:
        """Write all tables whose segments have changed.

        Raises:
            Misconfigured: the store is not one that can be written from, as while it is rebuilt.
            RapportError, OSError: as `AudienceWriter.write`.
        """
        await self._fit()
        return [await self.writer.write(segment) for segment in self.writer.spec.segments]

    async def check(self) -> list[Checked]:
        """Compare all tables with all customers, and mend them; kept is when and what was found.

        Raises:
            Misconfigured, RapportError, OSError: as `write`.
        """
        await self._fit()
        found = await check(self.writer, self._reader)
        done = msgspec.json.encode(_LastCheck(self._clock.now(), found))
        await asyncio.to_thread(self._folder.replace, _CHECKED, done)
        return found

    def checked(self) -> float:
        """When that was last done, seconds; 0 for never."""
        try:
            return msgspec.json.decode(self._folder.read(_CHECKED), type=_LastCheck).at
        except (FileNotFoundError, msgspec.MsgspecError):
            return 0.0

    async def run(
        self, stop: asyncio.Event, metrics: AudienceMetrics, tell: Callable[[list[Written]], None] = lambda found: None
    ) -> None:
        """Look each so often until asked to stop. What fails is logged, counted and tried again.

        Args:
            stop: ends it, also in mid-write.
            metrics: of this process.
            tell: hears what became of each look.
        """
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                look = asyncio.create_task(self._look(metrics, tell))
                await asyncio.wait((look, stopping), return_when=asyncio.FIRST_COMPLETED)
                if not look.done():
                    look.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await look
                    return
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), look.result())
        finally:
            stopping.cancel()

    async def _look(self, metrics: AudienceMetrics, tell: Callable[[list[Written]], None]) -> float:
        """One look; answers the seconds until the next."""
        every = self.writer.spec.every
        try:
            if self._clock.now() - await asyncio.to_thread(self.checked) >= DAY:
                for each in await self.check():
                    metrics.wrong.labels(each.segment).inc(each.missing + each.extra + each.differing)
            found = await self.write()
        except _TROUBLE as error:
            metrics.failures.inc()
            log.warning("audiences: %s; it is tried again in %.0f s", error, min(_AGAIN, every))
            return min(_AGAIN, every)
        for written in found:
            metrics.members.labels(written.segment).set(written.rows)
        metrics.looked.set(self._clock.now())
        tell(found)
        return every

    async def _fit(self) -> None:
        """See that the store is whole and ours: from another one everybody would seem to have left.

        Raises:
            Misconfigured: it is not.
        """
        await check_whole(self._stores, self._plan, self._settings)


@contextlib.asynccontextmanager
async def opened(settings: Settings, plan: Plan, clock: Clock) -> AsyncIterator[AudienceKeeper]:
    """A keeper with stores of its own.

    Raises:
        Misconfigured: the plan or the settings name no audiences or no folder.
    """
    stores = open_stores(settings.redis.get_secret_value(), plan.namespace, settings.partitions)
    try:
        yield AudienceKeeper(stores, plan, settings, clock)
    finally:
        await stores.close()
