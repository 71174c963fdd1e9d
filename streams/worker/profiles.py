"""The profile runner: from a round of `profile.events`, or from due timers, to one atomic commit for each partition.

What a round needs of all its partitions is read in one round trip and written in one; the steps see all of it at once.
State, indexes, timers, outbox and the applied offset of a partition move together, and only if its version is still the
one that was read; so whatever is killed, repeated, paused or rebalanced, every record is applied exactly once. A
partition whose commit is refused reads again, by itself; the others stand. Outputs are produced from the outbox while
the next round is being worked on.

Live, a round is looked at at once, at the wall clock's time. While more waits than that (a burst, an outage, a load of
history) it only changes states, and its profiles are looked at when the clock has come to them: `profiles/clock.py`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiokafka.structs import ConsumerRecord

from profiles.errors import Fenced
from profiles.store import Store
from profiles.times import rfc3339
from profiles.types import ERASED, Event, Profile, Record, is_away
from streams.kafka.outbox import Outbox
from streams.kafka.transport.batch import Batch
from streams.metrics import WorkerMetrics
from streams.pipeline import Pipeline
from streams.records.happened import read_record
from streams.retry import retrying
from streams.steps.schedule import is_due
from streams.steps.work import Work
from streams.worker.clock.follower import ClockFollower
from streams.worker.delivery import Delivery
from streams.worker.partition import PartitionWriter
from streams.worker.told import ReadTold

__all__ = ["Behind", "ProfileRunner", "Steps"]

log = logging.getLogger(__name__)

_TOGETHER = 2000  # most profiles whose timers fire in one round: events wait for it


class Behind(Exception):
    """The store has applied less than this worker had delivered (it was restored): read again from `offset`."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the store continues at offset {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Steps:
    """What profiles are taken through."""

    look: Pipeline[Work]  # see `streams.pipeline.profile_pipeline`
    change: Pipeline[Work]  # see `streams.pipeline.backlog_pipeline`
    review: Pipeline[Work]  # see `streams.pipeline.review_pipeline`


@dataclass(slots=True)
class _Job:
    """What is to be done with one partition in a round."""

    writer: PartitionWriter
    ids: Sequence[str] = ()  # profiles to look at again
    records: Sequence[ConsumerRecord] = ()
    follows: int = 0
    due_by: float | None = None
    limit: int = _TOGETHER  # of those that are due
    decoded: list[Record] = field(default_factory=list)
    applied: int | None = None
    more: bool = False  # timers are left
    behind: Behind | None = None


class ProfileRunner:
    """Applies `profile.events` to profiles, and fires their timers.

    Args:
        steps: what they are taken through.
        store: of the profiles.
        partitions: of `profile.events`.
        outbox: delivers what was committed.
        metrics: of the worker.
        clock: says when profiles are looked at.
        told: reads what others were told.
        busy: whether so much waits that a look must wait, too, although the clock is live.
        failed: hears of an error of delivery, after which nothing is delivered any more.
    """

    def __init__(
        self,
        steps: Steps,
        store: Store,
        partitions: int,
        outbox: Outbox,
        metrics: WorkerMetrics,
        clock: ClockFollower,
        told: ReadTold,
        *,
        busy: Callable[[], bool] = lambda: False,
        failed: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self._steps = steps
        self._store = store
        self._count = partitions
        self._outbox = outbox
        self._metrics = metrics
        self._clock = clock
        self._told = told
        self._busy = busy
        self._delivery = Delivery(outbox, failed)
        self._writers: dict[int, PartitionWriter] = {}  # of all that ever were ours: some may still deliver
        self._mine: list[int] = []

    def assigned(self, partitions: Sequence[int]) -> None:
        """The partitions that are this worker's now; each starts by delivering what its last writer left."""
        self._mine = list(partitions)
        for writer in self._writers.values():
            writer.assigned()

    @property
    def partitions(self) -> list[int]:
        """The partitions that are this worker's."""
        return list(self._mine)

    async def apply(self, batches: Sequence[Batch]) -> dict[int, Behind]:
        """Apply a round: one batch of each partition at most.

        Returns:
            By partition, those whose batch the store is not ready for: it has not applied what came before.
        """
        await self._clock.fresh()
        jobs = [
            _Job(self._writer(batch.tp.partition), records=batch.records, follows=batch.follows) for batch in batches
        ]
        await self._do(jobs, self._apply)
        return {job.writer.number: job.behind for job in jobs if job.behind is not None}

    async def fire(self, until: float, partitions: Sequence[int] | None = None) -> bool:
        """Fire the timers due up to a time in these partitions (all of ours unless given); True if some are left."""
        numbers = self._mine if partitions is None else partitions
        limit = max(_TOGETHER // max(len(numbers), 1), 1)
        jobs = [_Job(self._writer(number), due_by=until, limit=limit) for number in numbers]
        await self._do(jobs, self._fire)
        lost = [_Job(job.writer, ids=ids[:_TOGETHER]) for job in jobs if (ids := job.writer.lost)]
        if lost:
            await self._do(lost, self._settle)
        return bool(lost) or any(job.more for job in jobs)

    async def arrive(self, until: float) -> bool:
        """Look at everybody with an open alert as well, and tell those alerts: history ends here.

        False if something that the store has lost is still to be applied again.
        """
        if any(self._writer(number).catches_up for number in self._mine):
            return False
        for number in list(self._mine):
            ids = await retrying(self._store.with_open_alerts)(number)
            for start in range(0, max(len(ids), 1), _TOGETHER):
                some = ids[start : start + _TOGETHER]
                await self._do([_Job(self._writer(number), ids=some, due_by=until)], self._arrive)
        return True

    async def review(self, partition: int, ids: Sequence[str]) -> None:
        """Derive again what follows for some profiles from what is known of all customers together."""
        await self._do([_Job(self._writer(partition), ids=ids)], self._review)

    async def listen(self) -> None:
        """See whether anybody else still tells something of our partitions.

        A worker whose delivery waits for Kafka while its partition moves does. Who has it now knows of that commit, and
        has told the same for it; unless the store was set back meanwhile, and nobody knows.
        """
        places = {number: writer.told_up_to for number in self._mine if (writer := self._writer(number)).ready}
        if not places or not self._delivery.idle:
            return
        for number, told in (await self._told(places)).items():
            writer = self._writer(number)
            if self._delivery.idle and writer.told_up_to == places[number] != told.ends:
                writer.assigned()

    @retrying
    async def clear(self) -> None:
        """Leave nothing in an outbox that is delivered, and only the next commit would take out."""
        for number in self._mine:
            await self._writer(number).clear()

    async def close(self) -> None:
        """Wait for what is being delivered."""
        await self._delivery.finish()

    def _writer(self, partition: int) -> PartitionWriter:
        writer = self._writers.get(partition)
        if writer is None:
            writer = PartitionWriter(partition, self._count, self._store, self._outbox, self._delivery)
            self._writers[partition] = writer
        return writer

    # A round

    async def _do(self, jobs: Sequence[_Job], work: Callable[[list[tuple[_Job, Work]]], object]) -> None:
        """Do jobs of different partitions together; what is refused, again, until the store has it."""
        async with _all_locked(jobs):
            left = list(jobs)
            while left:
                left = await self._try(left, work)

    @retrying
    async def _try(self, jobs: list[_Job], work: Callable[[list[tuple[_Job, Work]]], object]) -> list[_Job]:
        """One attempt; the jobs that are still to be done.

        Redis may fail after part of it was written. What was is then at another version than its writer knows, which
        is how the next attempt finds out.
        """
        await self._recover([job.writer for job in jobs if not job.writer.ready])
        wanted = [(job.writer.number, self._ids(job), job.due_by) for job in jobs]
        opened: list[tuple[_Job, Work]] = []
        again: list[_Job] = []
        for job, loaded in zip(jobs, await self._store.load_many(wanted, limit=jobs[0].limit), strict=True):
            try:
                opened.append((job, job.writer.open(loaded)))
            except Fenced as fenced:
                self._note_fenced(job, fenced)
                again.append(job)
        changed = await work(opened)  # type: ignore[misc]
        return again + await self._commit(changed)

    async def _recover(self, writers: Sequence[PartitionWriter]) -> None:
        """Deliver what the last writers left, and see what they told that the store does not know."""
        if writers:
            left: dict[int, Mapping[str, int] | None] = {writer.number: await writer.recover() for writer in writers}
            known = dict.fromkeys(id_ for writer in writers for id_ in writer.delivered_again)
            while left:
                told = await self._told(left, known)
                for number, part in told.items():
                    await self._writer(number).compare(part)
                left = {number: part.ends for number, part in told.items() if part.more}
            await self._clock.refresh()

    def _ids(self, job: _Job) -> list[str]:
        """The profiles that a job concerns. Its records are decoded at each attempt, because steps change them."""
        job.decoded = [read_record(record.value) for record in job.records]
        return [*{record.profile for record in job.decoded}, *job.ids]

    async def _commit(self, changed: Sequence[tuple[_Job, Work]]) -> list[_Job]:
        started = time.perf_counter()
        writing = [(job, work, job.writer.changes(work, job.applied)) for job, work in changed]
        if not writing:
            return []
        await self._delivery.room()
        answers = await self._store.commit_many([(job.writer.number, changes) for job, _, changes in writing])
        again, commits = [], []
        for (job, work, changes), answer in zip(writing, answers, strict=True):
            if isinstance(answer, int):
                if (committed := job.writer.committed(work, changes, answer)) is not None:
                    commits.append(committed)
                self._observe(work)
            else:
                self._note_fenced(job, answer)
                again.append(job)
        self._delivery.add(commits)
        self._metrics.committed(time.perf_counter() - started, sum(len(work.changed) for _, work, _ in writing))
        for answer in answers:
            if isinstance(answer, Exception) and not isinstance(answer, Fenced):
                raise answer
        return again

    def _note_fenced(self, job: _Job, why: Exception) -> None:
        # Either another worker has taken over, and then our partitions are about to be revoked, or our own commit had
        # reached the store and its answer was lost. Reading again tells: what is applied is applied.
        log.warning("%s", why)
        self._metrics.fenced()
        job.writer.ready = False

    # What is done in one

    async def _apply(self, opened: list[tuple[_Job, Work]]) -> list[tuple[_Job, Work]]:
        at_once = self._clock.live and not self._busy()
        now = self._clock.now()
        changed: list[tuple[_Job, Work]] = []
        for job, work in opened:
            applied = work.loaded.applied
            job.behind = Behind(applied + 1) if applied + 1 < job.follows else None
            waiting = [
                (at.offset, record) for record, at in zip(job.decoded, job.records, strict=True) if at.offset > applied
            ]
            if job.behind is not None or not waiting:
                continue
            records = work.take(waiting, job.records[-1].topic)
            work.watermark = max([work.watermark, *(record.time for record in records if type(record) is Event)])
            work.gate, work.look_at = self._gate(), self._clock.look_at()
            work.begin(now, records)
            job.applied = int(job.records[-1].offset)
            changed.append((job, work))
        await self._steps.look.run(*(work for job, work in changed if at_once and not job.writer.catches_up))
        await self._steps.change.run(*(work for job, work in changed if not at_once or job.writer.catches_up))
        return changed

    async def _fire(self, opened: list[tuple[_Job, Work]]) -> list[tuple[_Job, Work]]:
        changed = []
        for job, work in opened:
            job.more = len(work.loaded.due) >= job.limit and not job.writer.catches_up
            if work.loaded.due and not job.writer.catches_up:
                _clear_tombstones(work)
                self._look(job, work, [work.profiles[id_] for id_, _ in work.loaded.due])
                changed.append((job, work))
        await self._steps.look.run(*(work for _, work in changed))
        return changed

    async def _settle(self, opened: list[tuple[_Job, Work]]) -> list[tuple[_Job, Work]]:
        """Bring the rest up to what was told of it, and take that back where there is nobody any more."""
        for job, work in opened:
            work.gate = self._gate()
            work.begin(self._clock.now(), ())
            # After a refusal it is another story: what was lost then may be known, or still be on its way.
            for id_ in set(job.ids) & set(job.writer.lost):
                if (held := work.profiles.get(id_)) is None or is_away(held):
                    work.withdraw(id_)
        return [(job, work) for job, work in opened if work.adopted]

    async def _arrive(self, opened: list[tuple[_Job, Work]]) -> list[tuple[_Job, Work]]:
        for job, work in opened:
            _clear_tombstones(work)
            work.arriving = True
            self._look(job, work, [profile for profile in work.profiles.values() if not profile.redirect])
        await self._steps.look.run(*(work for _, work in opened))
        return opened

    async def _review(self, opened: list[tuple[_Job, Work]]) -> list[tuple[_Job, Work]]:
        now = self._clock.now()
        for job, work in opened:
            if job.writer.catches_up or (not self._clock.live and now < job.writer.looked_up_to):
                work.postpone(now)
                continue
            known = [profile for profile in work.profiles.values() if not profile.redirect and not is_due(profile, now)]
            work.gate = self._gate()
            work.begin(now, (), [profile for profile in known if self._clock.live or profile.updated <= now])
        await self._steps.review.run(*(work for _, work in opened))
        return [(job, work) for job, work in opened if work.changed]

    def _look(self, job: _Job, work: Work, profiles: Sequence[Profile]) -> None:
        """Begin a look at profiles. Who has events from after it, live ones from before a load, has to wait; so has
        everybody while history comes again to times of which others have been told.
        """
        now, work.gate = job.due_by or 0.0, self._gate()
        work.everybody = self._clock.state.arrivals if work.gate else {}
        ahead: dict[str, float] = {}  # → when they are looked at
        if work.gate:
            until = {profile.id: max(profile.updated, job.writer.looked_up_to) for profile in profiles}
            ahead = {id_: at for id_, at in until.items() if at > now}
        work.watermark = max(work.watermark, work.gate)
        work.begin(now, (), [profile for profile in profiles if profile.id not in ahead])
        for profile in profiles:
            if profile.id in ahead:
                profile.scheduled_at = ahead[profile.id]
                work.changed[profile.id] = profile

    def _gate(self) -> float:
        return 0.0 if self._clock.live else self._clock.now()

    def _observe(self, work: Work) -> None:
        now = self._clock.wall()
        self._metrics.applied(
            [now - record.received for record in work.records if type(record) is Event],
            outcomes=work.outcomes,
            risks=[profile.score.risk for profile in work.touched.values() if profile.score is not None],
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


@asynccontextmanager
async def _all_locked(jobs: Sequence[_Job]) -> AsyncIterator[None]:
    """The locks of all partitions, always taken in the same order."""
    async with AsyncExitStack() as stack:
        for writer in sorted((job.writer for job in jobs), key=lambda writer: writer.number):
            await stack.enter_async_context(writer.lock)
        yield


def _clear_tombstones(work: Work) -> None:
    """Nothing can be on its way any more to a customer who was erased so long ago."""
    over = [id_ for id_, _ in work.loaded.due if id_ in work.profiles and work.profiles[id_].redirect == ERASED]
    for id_ in over:
        del work.profiles[id_]
    work.removed += over
    work.loaded.due = [(id_, when) for id_, when in work.loaded.due if id_ in work.profiles]
    work.new_tombstones -= len(over)
