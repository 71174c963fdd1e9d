"""The profile runner: one writer per partition, from a fetched batch (or a due timer) to one atomic commit.

What a batch needs is read in one round trip and written in one. State, indexes, timers, outbox and the applied offset
move together, and only if the partition's version is still the one that was read; so whatever is killed, repeated,
paused or rebalanced, every record is applied exactly once. Outputs are produced from the outbox while the next batch
is being worked on, and leave it with the next commit.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

import msgspec
from aiokafka.structs import ConsumerRecord

from profiles.documents import encode_profile
from profiles.errors import Fenced
from profiles.store import Changes, Loaded, Store
from profiles.times import rfc3339
from profiles.types import ERASED, Event, Record
from streams.clock import Clock
from streams.kafka.outbox import Fetch, Marker, Outbox
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.retry import retrying
from streams.steps.schedule import is_due
from streams.steps.work import Work
from streams.worker.ticks import GRAIN, Tick, event_ticks, latest_event, whole_grains

__all__ = ["Behind", "ProfileRunner"]

log = logging.getLogger(__name__)

_DUE = 1000  # profiles whose timers are taken up at once

_decode = msgspec.msgpack.Decoder(Record).decode


class Behind(Exception):
    """The store has applied less than this worker had delivered (it was restored): read again from `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the store continues at offset {offset}")
        self.offset = offset


class _Partition:
    """What this worker holds of a partition between batches."""

    __slots__ = ("active", "delivering", "lock", "produced", "ready", "version")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.ready = False  # the outbox of whoever wrote before has been delivered
        self.produced = 0  # outbox entries up to this version have been produced
        self.version = 0  # of the latest commit here
        self.delivering: asyncio.Task[None] | None = None
        self.active = time.monotonic()  # of the last batch


class ProfileRunner:
    """Applies `profile.events` to profiles.

    Args:
        pipeline: see `streams.pipeline.profile_pipeline`.
        store: of the profiles.
        partitions: of `profile.events`.
        outbox: delivers what was committed.
        clock: what `now` is for live work.
        event_time: whether timers run on event time rather than on the clock.
        review: what is derived again when it is not the profile that has changed; the whole pipeline if not given.
    """

    def __init__(
        self,
        pipeline: Pipeline[Work],
        store: Store,
        partitions: int,
        outbox: Outbox,
        metrics: WorkerMetrics,
        clock: Clock,
        *,
        event_time: bool = False,
        review: Pipeline[Work] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._review = review or pipeline
        self._store = store
        self._count = partitions
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._event_time = event_time
        self._partitions: dict[int, _Partition] = {}  # all that ever were ours: deliveries may still be under way
        self._mine: list[int] = []
        self.watermark = 0.0  # latest event time this worker has applied anywhere

    def assigned(self, partitions: Sequence[int]) -> None:
        """The partitions that are this worker's now; each starts by delivering what its last writer left."""
        self._mine = list(partitions)
        for state in self._partitions.values():
            state.ready = False
            state.active = time.monotonic()

    @property
    def partitions(self) -> list[int]:
        """The partitions that are this worker's."""
        return list(self._mine)

    async def handle(self, partition: int, records: Sequence[ConsumerRecord], follows: int) -> None:
        """Apply a fetched batch.

        Args:
            partition: of `profile.events`.
            records: in offset order.
            follows: the offset that the batch continues from.

        Raises:
            Behind: the store has not applied what came before this batch.
        """
        state = self._partitions.setdefault(partition, _Partition())
        async with state.lock:
            state.active = time.monotonic()
            await self._until_committed(partition, state, records, follows)

    async def fire(self, partition: int, until: float) -> bool:
        """Fire the timers due up to a time; True if there may be more."""
        state = self._partitions.setdefault(partition, _Partition())
        async with state.lock:
            return await self._until_committed(partition, state, (), 0, until)

    async def review(self, partition: int, ids: list[str]) -> None:
        """Derive again what follows for some profiles from what is known of all customers together."""
        state = self._partitions.setdefault(partition, _Partition())
        async with state.lock:
            while not await self._reviewed(partition, state, ids):
                pass

    def idle(self, partition: int) -> float:
        """Seconds since the last batch of a partition."""
        return time.monotonic() - self._partitions.setdefault(partition, _Partition()).active

    async def _until_committed(
        self,
        partition: int,
        state: _Partition,
        records: Sequence[ConsumerRecord],
        follows: int,
        until: float | None = None,
    ) -> bool:
        while True:
            try:
                if not state.ready:
                    await self._recover(partition, state)
                more = await self._apply(partition, state, records, follows, until)
                if not (more and records):
                    return more
            except Fenced as fenced:
                # Either another worker has taken over, and then our partitions are about to be revoked, or our own
                # commit had reached the store and its answer was lost. Reading again tells: what is applied is applied.
                log.warning("%s", fenced)
                self._metrics.fenced()
                state.ready = False

    async def _reviewed(self, partition: int, state: _Partition, ids: list[str]) -> bool:
        """Whether the review was committed; if not, the partition has been read again and it is to be tried again."""
        try:
            if not state.ready:
                await self._recover(partition, state)
            loaded = await self._load(partition, ids, None)
            if loaded.version < state.version:
                await _set_back(state, loaded.version)
            work = Work(partition, loaded, self._count)
            now = whole_grains(max(self.watermark, work.watermark)) if self._event_time else self._clock.now()
            known = [profile for profile in work.profiles.values() if not profile.redirect and not is_due(profile, now)]
            work.begin(now, (), [profile for profile in known if not self._event_time or profile.updated <= now])
            await self._review.run(work)
            if work.changed:
                await self._commit(partition, state, work, None)
        except Fenced as fenced:
            log.warning("%s", fenced)
            self._metrics.fenced()
            state.ready = False
            return False
        return True

    @retrying
    async def _recover(self, partition: int, state: _Partition) -> None:
        await _finish(state)
        entries = await self._store.outbox(partition)
        if entries:
            held = await self._store.load(partition, ())
            outputs = [output for _, part in entries for output in part]
            await self._outbox.deliver(outputs, Marker.of(held), self._fetch_from(partition))
            state.produced = entries[-1][0]
            await self._store.clear_outbox(partition, state.produced)
        state.ready = True

    def _fetch_from(self, partition: int) -> Fetch:
        async def fetch(ids: list[str]) -> dict[str, bytes]:
            found = await self._store.fetch(partition, ids)
            return {id_: encode_profile(profile) for id_, profile in found.items()}

        return fetch

    async def _apply(
        self,
        partition: int,
        state: _Partition,
        raw: Sequence[ConsumerRecord],
        follows: int,
        until: float | None,
    ) -> bool:
        decoded = [_decode(record.value) for record in raw]
        horizon = until
        if self._event_time and until is None:
            horizon = latest_event(decoded, self.watermark)
        if self._event_time and horizon is not None:
            horizon = whole_grains(horizon)
        loaded = await self._load(partition, list({record.profile for record in decoded}), horizon)
        if loaded.version < state.version:
            await _set_back(state, loaded.version)
        if raw and loaded.applied + 1 < follows:
            raise Behind(loaded.applied + 1)
        waiting = [(at.offset, record) for record, at in zip(decoded, raw, strict=True) if at.offset > loaded.applied]
        more = len(loaded.due) >= _DUE
        if more:
            # Too many timers for one commit: fire the earliest before anything that is later.
            latest = loaded.due[-1][1]
            waiting, until = [], whole_grains(latest) + GRAIN if self._event_time else latest
        if not waiting and not loaded.due:
            return False
        work = Work(partition, loaded, self._count)
        _clear_tombstones(work)
        records = work.take(waiting, raw[-1].topic) if waiting else []
        await self._derive(work, records, until)
        applied = raw[-1].offset if waiting else None
        if work.changed or work.removed or applied is not None:
            await self._commit(partition, state, work, applied)
            self._observe(work, records)
        return more

    @retrying
    async def _load(self, partition: int, ids: list[str], due_by: float | None) -> Loaded:
        return await self._store.load(partition, ids, due_by=due_by, limit=_DUE)

    async def _derive(self, work: Work, records: Sequence[Record], until: float | None) -> None:
        if self._event_time:
            end = until if until is not None else latest_event(records, work.watermark)
            ticks = event_ticks(work, records, end)
        else:
            now = self._clock.now() if until is None else until
            work.watermark = latest_event(records, work.watermark)
            due = [work.profiles[id_] for id_, _ in work.loaded.due if id_ in work.profiles]
            ticks = iter((Tick(now, records, due),))
        for tick in ticks:
            work.begin(*tick)
            await self._pipeline.run(work)

    async def _commit(self, partition: int, state: _Partition, work: Work, applied: int | None) -> None:
        started = time.perf_counter()
        changes = work.changes(applied, state.produced)
        version = state.version = await self._write(partition, changes)
        self._metrics.committed(time.perf_counter() - started, len(work.changed))
        self.watermark = max(self.watermark, work.watermark)
        await _finish(state)
        if changes.outputs:
            at = work.loaded.applied if applied is None else applied
            marker = Marker(version, at, work.watermark, changes.origins, changes.ahead, changes.arrival_rates)
            state.delivering = asyncio.create_task(self._deliver(state, changes, marker))

    @retrying
    async def _write(self, partition: int, changes: Changes) -> int:
        return await self._store.commit(partition, changes)

    async def _deliver(self, state: _Partition, changes: Changes, marker: Marker) -> None:
        async def fetch(ids: list[str]) -> dict[str, bytes]:
            return {id_: changes.documents[id_] for id_ in ids if id_ in changes.documents}

        await self._outbox.deliver(changes.outputs, marker, fetch)
        state.produced = marker.version

    def _observe(self, work: Work, records: Sequence[Record]) -> None:
        now = self._clock.now()
        self._metrics.applied(
            [now - record.received for record in records if type(record) is Event],
            outcomes=work.outcomes,
            risks=[profile.score.risk for profile in work.changed.values() if profile.score is not None],
            alerts=[alert for _, alert in work.alerts.values()],
        )
        self._metrics.labelled(work.labels, [kind for kind, _, _ in work.outages])
        for kind, begin, end in work.outages:
            log.warning(
                "partition %d had no %s from %s to %s, which is unusual: labels over this time are dropped. If nothing "
                "was wrong, raise churn.outage in the plan",
                work.partition,
                kind,
                rfc3339(begin),
                rfc3339(end),
            )

    async def close(self) -> None:
        """Wait for what is being delivered."""
        for state in self._partitions.values():
            await _finish(state)


def _clear_tombstones(work: Work) -> None:
    """Nothing can be on its way any more to a customer who was erased so long ago."""
    over = [id_ for id_, _ in work.loaded.due if id_ in work.profiles and work.profiles[id_].redirect == ERASED]
    for id_ in over:
        del work.profiles[id_]
    work.removed += over
    work.loaded.due = [(id_, when) for id_, when in work.loaded.due if id_ in work.profiles]
    work.new_tombstones -= len(over)


async def _set_back(state: _Partition, version: int) -> None:
    """The store was restored and its versions begin again there: what was produced under later ones says nothing."""
    await _finish(state)
    state.version = version
    state.produced = min(state.produced, version)


async def _finish(state: _Partition) -> None:
    delivering, state.delivering = state.delivering, None
    if delivering is not None:
        await delivering
