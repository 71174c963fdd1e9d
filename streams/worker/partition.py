"""One partition of the profiles, as its one writer holds it: load, commit, and the delivery of what was committed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from profiles.documents import encode_profile
from profiles.errors import Fenced
from profiles.store import Changes, Loaded, Store
from streams.kafka.outbox import Marker, Outbox
from streams.metrics import WorkerMetrics
from streams.retry import retrying
from streams.steps.work import Work

__all__ = ["MOST_DUE", "PartitionWriter"]

log = logging.getLogger(__name__)

MOST_DUE = 1000
"""Most profiles whose timers fire in one commit."""

Answer = TypeVar("Answer")


class PartitionWriter:
    """Reads and writes one partition.

    Only one coroutine at a time may do so: it holds `lock`.

    Args:
        number: of the partition.
        count: how many partitions there are.
        store: of the profiles.
        outbox: delivers what was committed.
        metrics: of the worker.
    """

    __slots__ = (
        "_count", "_delivering", "_metrics", "_nonce", "_outbox", "_produced", "_ready", "_store", "_version", "active",
        "lock", "number",
    )  # fmt: skip

    def __init__(self, number: int, count: int, store: Store, outbox: Outbox, metrics: WorkerMetrics) -> None:
        self.number = number
        self.lock = asyncio.Lock()
        self.active = time.monotonic()  # when the last batch came
        self._count = count
        self._store = store
        self._outbox = outbox
        self._metrics = metrics
        self._ready = False  # the outbox of whoever wrote before has been delivered
        self._produced = 0  # outbox entries up to this version have been produced
        self._version = 0  # of the latest commit, here or before…
        self._nonce = ""  # …and what tells it from others of that number
        self._delivering: asyncio.Task[None] | None = None

    def assigned(self) -> None:
        """Begin by delivering what the last writer left, whoever that was."""
        self._ready = False
        self.active = time.monotonic()

    async def until_committed(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make attempts until one is not fenced, and answer what that one answers; each loads what it needs."""
        while True:
            try:
                if not self._ready:
                    await self._recover()
                return await attempt()
            except Fenced as fenced:
                # Either another worker has taken over, and then our partitions are about to be revoked, or our own
                # commit had reached the store and its answer was lost. Reading again tells: what is applied is applied.
                log.warning("%s", fenced)
                self._metrics.fenced()
                self._ready = False

    async def load(self, ids: Iterable[str], due_by: float | None = None) -> Work:
        """Read these profiles, and those with a timer due at or before a time: the first `MOST_DUE` of them.

        Raises:
            Fenced: somebody else has written meanwhile, whose outputs have to be delivered before ours; or the store
                was set back.
        """
        loaded = await self._read(list(ids), due_by)
        if (loaded.version, loaded.nonce) != (self._version, self._nonce):
            # What we send would overtake what they sent, which would then be taken for a repeat. Or the store was set
            # back, and counts its versions again from there: what was produced under later ones says nothing.
            raise Fenced(f"partition {self.number} was written by somebody else, or set back, since {self._version}")
        return Work(self.number, loaded, self._count)

    async def commit(self, work: Work, applied: int | None = None) -> None:
        """Write what a batch or its timers changed, and begin to deliver it.

        Args:
            work: loaded here, and taken through the steps.
            applied: offset of the last record that is in it; None for timers.

        Raises:
            Fenced: the partition has been written since `work` was loaded; nothing was written now.
        """
        started = time.perf_counter()
        changes = work.changes(applied, self._produced)
        version = self._version = await self._write(changes)
        self._nonce = changes.own_nonce
        self._metrics.committed(time.perf_counter() - started, len(work.changed))
        await self.finish()
        if changes.outputs:
            at = work.loaded.applied if applied is None else applied
            marker = Marker(version, at, work.watermark, changes.origins, changes.ahead, changes.arrival_rates)
            self._delivering = asyncio.create_task(self._deliver(changes, marker))

    async def finish(self) -> None:
        """Wait for what is being delivered."""
        delivering, self._delivering = self._delivering, None
        if delivering is not None:
            await delivering

    @retrying
    async def _recover(self) -> None:
        """Deliver what the last writer has committed and perhaps not produced."""
        await self.finish()
        held = await self._store.load(self.number, ())
        entries = await self._store.outbox(self.number)
        if entries:
            outputs = [output for _, part in entries for output in part]
            await self._outbox.deliver(outputs, Marker.of(held), self._documents_now)
            await self._store.clear_outbox(self.number, entries[-1][0])
        self._version = self._produced = held.version
        self._nonce = held.nonce
        self._ready = True

    async def _documents_now(self, ids: list[str]) -> dict[str, bytes]:
        found = await self._store.fetch(self.number, ids)
        return {id_: encode_profile(profile) for id_, profile in found.items()}

    @retrying
    async def _read(self, ids: list[str], due_by: float | None) -> Loaded:
        return await self._store.load(self.number, ids, due_by=due_by, limit=MOST_DUE)

    @retrying
    async def _write(self, changes: Changes) -> int:
        return await self._store.commit(self.number, changes)

    async def _deliver(self, changes: Changes, marker: Marker) -> None:
        async def committed(ids: list[str]) -> dict[str, bytes]:
            return {id_: changes.documents[id_] for id_ in ids if id_ in changes.documents}

        await self._outbox.deliver(changes.outputs, marker, committed)
        self._produced = marker.version
