"""The census: every worker counts the customers of its own partitions, and one worker puts the counts together.

A census is a *round*. The worker that reads the one partition of `training.examples` opens a round when it is time,
waits until every partition has been counted in it, and writes what they come to: population, learned segments,
personas. Each worker that sees an open round counts those of its partitions that have no summary of it, one after the
other. So a worker that is killed half-way leaves nothing behind, and whoever gets its partitions counts them; two that
believe to be in charge are told apart by the fence of the commit.

Ranks change with everybody else, so the pass also finds who is in other segments than the population snapshot of the
moment puts them into, and has the partition's writer look at them again.

Counting gives way to events: a few profiles at a time, and then a pause several times as long as they took.

While the clock goes in steps (`profiles/clock.py`) its coordinator opens rounds at the ends of some, and waits for
them: customers are counted as of that border, without pauses, since no event is let in meanwhile, and nobody is moved
but by their own timers. So what is known of all customers together is a function of event time, too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from models.customer.leanings.shelf import shelf_of
from models.durations import DAY, WEEK
from models.population.census import Census, Subject, Summary
from models.population.findings import Findings, conclude
from models.segments.held import Holding, as_held, hold_nothing
from models.segments.membership import Segments
from plan import Plan
from profiles.daily.counters import Added
from profiles.documents import decode_profile
from profiles.errors import Fenced, Misconfigured
from profiles.store import Output
from profiles.types import Profile, Stay
from profiles.units import CensusState, CensusStore, Count
from streams.background import in_background
from streams.kafka.topics import MODEL_SNAPSHOTS
from streams.metrics import WorkerMetrics
from streams.retry import retrying
from streams.steps.schedule import is_due

__all__ = ["SNAPSHOT", "CensusMerger", "CensusTaker", "Review", "due_at_border", "members_of", "subject_of"]

log = logging.getLogger(__name__)

SNAPSHOT = b"findings"
"""Key of the findings in `model.snapshots`."""

_PAGE = 64  # profiles read and counted without a pause: some three milliseconds
_SETTLE = 8  # pages until what was counted is put into small space
_IDLE_SHARE = 0.1  # of the worker's time that counting may take: events wait for it
_BUSY_SHARE = 0.02  # …while events wait
_SOONEST = 15.0  # seconds between two rounds while the customers multiply
_PATIENCE = 120.0  # seconds that a round waits at least for those who count
_GROWN = 2.0  # so many times as many customers as were counted last call for a new round at once
_APART = DAY  # seconds of event time between two rounds at borders while the customers multiply…
_SELDOM = 4 * WEEK  # …and when they do not

RANKED = 2.0
"""Churn horizons since the last order within which a customer is one of those that others are ranked by."""

_COUNTABLE = {"string", "boolean", "id", "integer"}
_NUMERIC = {"integer", "number"}

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Summary).decode


def subject_of(plan: Plan) -> Subject:
    """What a census of this plan's customers asks: no trait that is personal, or that the plan does not know."""
    known = {name: trait for name, trait in plan.traits.items() if trait.pii == "none"}
    shelf = shelf_of(plan.products)
    numbers = {name for name, trait in known.items() if trait.type in _NUMERIC and not trait.enum}
    return Subject(
        plan.currency,
        plan.consent,
        frozenset(name for name, trait in known.items() if trait.type in _COUNTABLE and name not in numbers),
        frozenset(numbers),
        RANKED * plan.churn.horizon,
        plan.file.analyses.session_gap,
        dict(shelf.tags),
        dict(shelf.launched),
    )


def members_of(segments: Segments, holding: Holding = hold_nothing) -> Callable[[Profile, float], set[str]]:
    """Answers the segments that a customer belongs to at a time.

    A customer whose timer is due belongs to those they are in: the timer will tell.
    """

    def members(profile: Profile, now: float) -> set[str]:
        if is_due(profile, now):
            return set(profile.segments)
        return as_held(segments.evaluate(profile, now), profile.segments, holding().segments)

    return members


def due_at_border(state: CensusState, border: float, customers: int) -> bool:
    """Whether a round is due at the end of a step of the clock: a function of event time and of how many there are.

    Args:
        state: of the census; a live round was as of when it was opened.
        border: the end of the step.
        customers: how many there are now.
    """
    if not customers:
        return False
    passed = abs(border - (state.border or state.opened))  # a load of history turns the clock back
    return passed >= _SELDOM or (passed >= _APART and customers >= _GROWN * state.customers)


@dataclass(frozen=True, slots=True)
class Review:
    """What brings customers to whom nothing happens into the segments that a newer population puts them into, and into
    the counters of days (`profiles.daily`), into which another plan or version may put them otherwise."""

    members: Callable[[Profile, float], set[str]]  # the segments that a customer belongs to at a time
    carry_out: Callable[[int, list[str]], Awaitable[None]]  # of profiles of a partition, by its one writer
    allowed: Callable[[], bool]  # not while events wait that may say otherwise
    added: Callable[[Profile], Added | None] = lambda profile: profile.counted  # what a customer adds to counters


class CensusTaker:
    """Counts the customers of a worker's partitions.

    Args:
        store: of profiles and summaries.
        subject: what is asked.
        partitions: answers those that are this worker's.
        now: answers the time that recency and the like are as of, which timers fire by.
        busy: answers whether events wait.
        metrics: of the worker.
        review: of customers who are found in other segments than they belong to.
    """

    def __init__(
        self,
        store: CensusStore,
        subject: Subject,
        partitions: Callable[[], Sequence[int]],
        now: Callable[[], float],
        busy: Callable[[], bool],
        metrics: WorkerMetrics,
        review: Review,
    ) -> None:
        self._store = store
        self._subject = subject
        self._partitions = partitions
        self._now = now
        self._busy = busy
        self._metrics = metrics
        self._review = review
        self._counting = False

    async def run(self) -> None:
        """Count what is still to be counted in the round under way, unless that is being done."""
        if self._counting:
            return
        self._counting = True
        try:
            await self._run()
        finally:
            self._counting = False

    async def _run(self) -> None:
        while (missing := await self._missing()) is not None:
            partition, round_, border = missing
            started = time.monotonic()
            summary = await self._count(partition, round_, border)
            if summary is not None:
                await self._write(partition, Count(round_, _encode(summary)))
                self._metrics.counted(time.monotonic() - started, summary.customers)

    @retrying
    async def _missing(self) -> tuple[int, int, float] | None:
        """A partition of ours that has not been counted in the round under way; the round and its border."""
        round_, merged, border = await self._store.head()
        mine = self._partitions()
        if round_ == merged or not mine:
            return None
        held = await self._store.rounds(mine)
        return next(((partition, round_, border) for partition in mine if held[partition] != round_), None)

    async def _count(self, partition: int, round_: int, border: float) -> Summary | None:
        """One pass over a partition; None if it is taken from us meanwhile, or the round is given up."""
        now = border or max(self._now(), (await self._watermarks(partition))[partition])
        census = Census(self._subject, now)
        seen: set[int] = set()  # a scan may give somebody twice
        cursor = page = 0
        while True:
            cursor, documents = await self._page(partition, cursor)
            started = time.thread_time()  # what others do on this machine meanwhile is no reason to pause
            fresh = [(id_, document) for id_, document in documents if hash(id_) not in seen]
            seen.update(hash(id_) for id_, _ in fresh)
            profiles = [decode_profile(id_, document) for id_, document in fresh]
            moved = [] if border else self._move(profiles, now)
            for profile in profiles:
                census.add(profile)
            took = time.thread_time() - started
            if moved:
                await self._review.carry_out(partition, moved)
            page += 1
            if page % _SETTLE == 0:
                census.settle()
                if await self._round() != round_:
                    return None
            if cursor == 0:
                return census.summary()
            if partition not in self._partitions():
                return None
            if border:
                continue
            share = _BUSY_SHARE if self._busy() else _IDLE_SHARE
            await asyncio.sleep(took * (1 / share - 1))

    def _move(self, profiles: Sequence[Profile], now: float) -> list[str]:
        """Put profiles into the segments that they belong to; answer the ids of those who were in others."""
        if not self._review.allowed():
            return []
        moved = []
        for profile in profiles:
            if profile.redirect:
                continue
            if (found := self._review.members(profile, now)) != profile.segments.keys():
                profile.segments = {name: profile.segments.get(name) or Stay(now) for name in found}
                moved.append(profile.id)
            elif self._review.added(profile) != profile.counted:
                moved.append(profile.id)
        return moved

    @retrying
    async def _round(self) -> int:
        return (await self._store.head())[0]

    @retrying
    async def _page(self, partition: int, cursor: int) -> tuple[int, list[tuple[str, bytes]]]:
        return await self._store.page(partition, cursor, _PAGE)

    @retrying
    async def _watermarks(self, partition: int) -> dict[int, float]:
        return await self._store.watermarks([partition])

    @retrying
    async def _write(self, partition: int, count: Count) -> None:
        await self._store.count(partition, count)


class CensusMerger:
    """Opens rounds and puts their counts together. Run it in one worker; if two do, the fence lets one through.

    Args:
        store: of summaries and findings.
        partitions: how many there are.
        every: seconds between two rounds.
        names: the plan's segments.
        currency: of the plan.
        publish: produces what is in the store's outbox: the findings, for a rebuild.
    """

    def __init__(
        self,
        store: CensusStore,
        partitions: int,
        every: float,
        names: Sequence[str],
        currency: str,
        publish: Callable[[CensusStore], Awaitable[object]],
    ) -> None:
        self._store = store
        self._partitions = range(partitions)
        self._every = every
        self._names = names
        self._currency = currency
        self._publish = publish

    @retrying
    async def step(self, now: float) -> bool:
        """Live: open a round if it is time for one, or close the one under way if it can be; True if either.

        Args:
            now: seconds since the epoch on the wall clock.
        """
        await self._publish(self._store)
        state = await self._store.state()
        try:
            if state.round == state.merged:
                return await self._open(state, now)
            return await self._close(state, now)
        except Fenced:  # somebody else did it
            return False

    @retrying
    async def open_at(self, border: float, now: float) -> bool:
        """At the end of a step of the clock: open a round as of it, if one is due; True if one is under way.

        A round that was opened live, or at another border, and not closed is given up: its counts are of another time.

        Args:
            border: the end of the step, up to which everything is applied and every timer has fired.
            now: seconds since the epoch on the wall clock, from which the next live round is counted.

        Raises:
            Fenced: somebody else has opened or closed a round.
        """
        await self._publish(self._store)
        state = await self._store.state()
        under_way = state.round != state.merged
        if state.border == border:
            return under_way  # opened by who is no more; or closed
        if not due_at_border(state, border, await self._store.size(self._partitions)):
            return False
        await self._store.commit(replace(state, round=state.round + 1, opened=now, border=border), [])
        return True

    @retrying
    async def close_if_counted(self, now: float) -> bool:
        """Close the round that `open_at` has opened once all partitions are counted; True if none is under way.

        It is never closed with an earlier count of some: what follows from it would depend on the workers.

        Raises:
            Fenced: somebody else has opened or closed a round.
        """
        await self._publish(self._store)
        state = await self._store.state()
        return state.round == state.merged or await self._close(state, now)

    async def _open(self, state: CensusState, now: float) -> bool:
        passed = abs(now - state.opened)  # a clock may have been wrong then
        if passed < min(_SOONEST, self._every):
            return False
        customers = await self._store.size(self._partitions)
        due = passed >= self._every or customers >= _GROWN * state.customers
        if not due or not (customers or state.customers):
            return False
        await self._store.commit(replace(state, round=state.round + 1, opened=now, border=0.0), [])
        return True

    async def _close(self, state: CensusState, now: float) -> bool:
        """Write the findings, once all partitions are counted; or, when that takes too long, of what there is."""
        rounds = await self._store.rounds(self._partitions)
        stale = [partition for partition, counted in rounds.items() if counted != state.round]
        if stale and (state.border or abs(now - state.opened) < max(self._every, _PATIENCE)):
            return False
        counts = await self._store.counts(self._partitions)
        stale = [number for number, count in counts.items() if count is not None and count.round != state.round]
        findings = await in_background(self._conclude, state.findings, counts, stale)
        raw = findings.to_json()
        version = findings.population.version
        outputs = [Output(MODEL_SNAPSHOTS, SNAPSHOT, raw, f"findings:{version}", 0)]
        after = replace(state, merged=state.round, customers=findings.customers, findings=raw)
        await self._store.commit(after, outputs)
        await self._publish(self._store)
        if findings.stale or findings.missing:
            log.warning(
                "the census takes too long (%.0f s): of partitions %s an earlier count is used, of %s none",
                now - state.opened, findings.stale or "none", findings.missing or "none",
            )  # fmt: skip
        log.info(
            "population %d: %d customers, %d clusters", version, findings.customers, len(findings.learned.clusters)
        )
        return True

    def _conclude(self, before: bytes | None, counts: dict[int, Count | None], stale: list[int]) -> Findings:
        parts = {number: None if count is None else _decode(count.summary) for number, count in counts.items()}
        return conclude(_findings(before), parts, self._names, self._currency, stale)


def _findings(raw: bytes | None) -> Findings:
    """The findings before; none if there are none, or if they are of a version that wrote them otherwise."""
    if raw is None:
        return Findings()
    try:
        return Findings.from_json(raw)
    except Misconfigured as error:
        log.warning("%s; trends and learned segments begin anew", error)
        return Findings()
