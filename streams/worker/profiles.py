"""The profile runner: from a fetched batch of `profile.events`, or from due timers, to one atomic commit.

What a batch needs is read in one round trip and written in one (`streams/worker/partition.py`). State, indexes, timers,
outbox and the applied offset move together, and only if the partition's version is still the one that was read; so
whatever is killed, repeated, paused or rebalanced, every record is applied exactly once. Outputs are produced from the
outbox while the next batch is being worked on, and leave it with the next commit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from aiokafka.structs import ConsumerRecord

from profiles.store import Store
from profiles.times import rfc3339
from profiles.types import ERASED, Event, Record
from streams.clock import Clock
from streams.kafka.outbox import Outbox
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.records.happened import read_record
from streams.steps.schedule import is_due
from streams.steps.work import Work
from streams.worker.partition import MOST_DUE, PartitionWriter
from streams.worker.ticks import GRAIN, Tick, event_ticks, latest_event, whole_grains

__all__ = ["Behind", "ProfileRunner"]

log = logging.getLogger(__name__)


class Behind(Exception):
    """The store has applied less than this worker had delivered (it was restored): read again from `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the store continues at offset {offset}")
        self.offset = offset


class ProfileRunner:
    """Applies `profile.events` to profiles.

    Args:
        pipeline: see `streams.pipeline.profile_pipeline`.
        review: see `streams.pipeline.review_pipeline`.
        store: of the profiles.
        partitions: of `profile.events`.
        outbox: delivers what was committed.
        metrics: of the worker.
        clock: what `now` is for live work.
        event_time: whether timers run on event time rather than on the clock.
    """

    def __init__(
        self,
        pipeline: Pipeline[Work],
        review: Pipeline[Work],
        store: Store,
        partitions: int,
        outbox: Outbox,
        metrics: WorkerMetrics,
        clock: Clock,
        *,
        event_time: bool,
    ) -> None:
        self._pipeline = pipeline
        self._review = review
        self._open = partial(PartitionWriter, count=partitions, store=store, outbox=outbox, metrics=metrics)
        self._metrics = metrics
        self._clock = clock
        self._event_time = event_time
        self._writers: dict[int, PartitionWriter] = {}  # of all that ever were ours: some may still deliver
        self._mine: list[int] = []
        self.watermark = 0.0  # latest event time this worker has applied anywhere

    def assigned(self, partitions: Sequence[int]) -> None:
        """The partitions that are this worker's now; each starts by delivering what its last writer left."""
        self._mine = list(partitions)
        for writer in self._writers.values():
            writer.assigned()

    @property
    def partitions(self) -> list[int]:
        """The partitions that are this worker's."""
        return list(self._mine)

    async def apply_batch(self, partition: int, records: Sequence[ConsumerRecord], follows: int) -> None:
        """Apply a fetched batch.

        Args:
            partition: of `profile.events`.
            records: in offset order.
            follows: the offset that the batch continues from.

        Raises:
            Behind: the store has not applied what came before this batch.
        """
        writer = self._writer(partition)
        async with writer.lock:
            writer.active = time.monotonic()
            while not await writer.until_committed(partial(self._apply_batch, writer, records, follows)):
                pass

    async def fire_due(self, partition: int, until: float) -> bool:
        """Fire the timers due up to a time; True if there may be more."""
        writer = self._writer(partition)
        async with writer.lock:
            return await writer.until_committed(partial(self._fire_due, writer, until))

    async def review(self, partition: int, ids: Sequence[str]) -> None:
        """Derive again what follows for some profiles from what is known of all customers together."""
        writer = self._writer(partition)
        async with writer.lock:
            await writer.until_committed(partial(self._review_again, writer, ids))

    def idle(self, partition: int) -> float:
        """Seconds since the last batch of a partition."""
        return time.monotonic() - self._writer(partition).active

    async def close(self) -> None:
        """Wait for what is being delivered."""
        for writer in self._writers.values():
            await writer.finish()

    def _writer(self, partition: int) -> PartitionWriter:
        writer = self._writers.get(partition)
        if writer is None:
            writer = self._writers[partition] = self._open(partition)
        return writer

    async def _apply_batch(self, writer: PartitionWriter, raw: Sequence[ConsumerRecord], follows: int) -> bool:
        """One commit; False if it was of timers, so many that they had to come first, and the batch is still to do."""
        decoded = [
            read_record(record.value) for record in raw
        ]  # at each attempt, because the steps change what they get
        due_by = whole_grains(latest_event(decoded, self.watermark)) if self._event_time else None
        work = await writer.load({record.profile for record in decoded}, due_by)
        applied = work.loaded.applied
        if applied + 1 < follows:
            raise Behind(applied + 1)
        if len(work.loaded.due) >= MOST_DUE:
            await self._commit_timers(writer, work, self._as_far_as_loaded(work))
            return False
        waiting = [(at.offset, record) for record, at in zip(decoded, raw, strict=True) if at.offset > applied]
        if waiting:
            _clear_tombstones(work)
            records = work.take(waiting, raw[-1].topic)
            await self._commit(writer, work, records, self._ticks_of(work, records), raw[-1].offset)
        elif work.loaded.due:
            await self._commit_timers(writer, work, work.watermark)
        return True

    async def _fire_due(self, writer: PartitionWriter, until: float) -> bool:
        """One commit; True if there were too many timers for it."""
        work = await writer.load((), whole_grains(until) if self._event_time else until)
        more = len(work.loaded.due) >= MOST_DUE
        if work.loaded.due:
            await self._commit_timers(writer, work, self._as_far_as_loaded(work) if more else until)
        return more

    def _as_far_as_loaded(self, work: Work) -> float:
        """The time up to which timers can fire if only the first of those due were loaded."""
        latest = work.loaded.due[-1][1]
        return whole_grains(latest) + GRAIN if self._event_time else latest

    async def _review_again(self, writer: PartitionWriter, ids: Sequence[str]) -> None:
        work = await writer.load(ids)
        now = whole_grains(max(self.watermark, work.watermark)) if self._event_time else self._clock.now()
        known = [profile for profile in work.profiles.values() if not profile.redirect and not is_due(profile, now)]
        work.begin(now, (), [profile for profile in known if not self._event_time or profile.updated <= now])
        await self._review.run(work)
        if work.changed:
            await writer.commit(work)
            self.watermark = max(self.watermark, work.watermark)

    def _ticks_of(self, work: Work, records: Sequence[Record]) -> Iterator[Tick]:
        """The ticks of a batch; in event time, what falls due between its records fires there."""
        watermark = latest_event(records, work.watermark)
        if self._event_time:
            return event_ticks(work, records, watermark)
        work.watermark = watermark
        return iter((Tick(self._clock.now(), records),))

    async def _commit_timers(self, writer: PartitionWriter, work: Work, until: float) -> None:
        _clear_tombstones(work)
        if self._event_time:
            ticks = event_ticks(work, (), until)
        else:
            due = [work.profiles[id_] for id_, _ in work.loaded.due]
            ticks = iter((Tick(until, (), due),))
        await self._commit(writer, work, (), ticks, None)

    async def _commit(
        self, writer: PartitionWriter, work: Work, records: Sequence[Record], ticks: Iterable[Tick], applied: int | None
    ) -> None:
        """Take each tick through all steps, then commit what they changed."""
        for tick in ticks:
            work.begin(*tick)
            await self._pipeline.run(work)
        if work.changed or work.removed or applied is not None:
            await writer.commit(work, applied)
            self.watermark = max(self.watermark, work.watermark)
            self._observe(work, records)

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


def _clear_tombstones(work: Work) -> None:
    """Nothing can be on its way any more to a customer who was erased so long ago."""
    over = [id_ for id_, _ in work.loaded.due if id_ in work.profiles and work.profiles[id_].redirect == ERASED]
    for id_ in over:
        del work.profiles[id_]
    work.removed += over
    work.loaded.due = [(id_, when) for id_, when in work.loaded.due if id_ in work.profiles]
    work.new_tombstones -= len(over)
