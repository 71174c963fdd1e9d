"""Rebuilding: everything that Redis held, from what Kafka holds (invariant 5), or from the archive.

`profile.changes`, `identity.changes` and `model.snapshots` say what was, and up to which offset of its input each
partition had come with it; from there workers go on. What was committed to Redis but had not reached Kafka is done
again, exactly once, because its input is still in the log.

Where `profile.changes` is not enough, every event is applied anew: see `streams/rebuild/archive.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf

import msgspec

from analysis.archive.folder import Folder
from analysis.archive.manifests import State, load
from plan import Plan
from profiles.clock import ClockState
from profiles.errors import Misconfigured
from profiles.stores.connection import Client
from profiles.stores.restoring import restore
from profiles.stores.setup import living_workers
from profiles.types import ERASED
from streams.clock import WALL, WallClock
from streams.kafka.admin import group_members
from streams.kafka.log import KafkaLog
from streams.kafka.output import BatchProducer, Row
from streams.kafka.reader import Extent, Log
from streams.kafka.topics import (
    ALERTS,
    CASES,
    IDENTITY_CHANGES,
    IDENTITY_LINKS,
    MODEL_SNAPSHOTS,
    PROFILE_EVENTS,
    TRAINING_EXAMPLES,
    topic_name,
)
from streams.rebuild.alerts import read_alerts, read_cases
from streams.rebuild.archive import FromArchive, Given
from streams.rebuild.check import Comparison, compare_identities, compare_learner, compare_partition
from streams.rebuild.documents import Tombstones, documents, survey
from streams.rebuild.identity import read_identities
from streams.rebuild.learner import read_decisions, read_learner
from streams.rebuild.ownership import Ownership, archived_decisions
from streams.rebuild.prepare import Sources, open_again, prepare, redis_of, sources, tombstones_of
from streams.rebuild.tail import read_tail, unarchived
from streams.records.links import SplitDone
from streams.settings import Settings

__all__ = ["Progress", "Summary", "check", "rebuild", "rebuild_from_archive"]

_AT_ONCE = 4
"""Partitions that are read at once: more would not be quicker, and each takes memory."""

Progress = Callable[[int, int], None]
"""Hears how many records of how many have been read."""


@dataclass(slots=True)
class Summary:
    """What a rebuild came to."""

    source: str = "kafka"
    profiles: int = 0
    merged: int = 0  # tombstones of profiles that are part of another
    erased: int = 0  # tombstones
    identities: int = 0  # that are linked
    suppressed: int = 0  # homes of erased customers
    learner: bool = False
    partitions: int = 0
    ahead: int = 0  # profiles that know more than their partition; see `profiles.store.Loaded`
    records: int = 0  # read
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reached:
    """How far the documents go."""

    applied: dict[int, int] = field(default_factory=dict)  # by partition
    watermark: float = 0.0  # the latest of all partitions
    began: float = inf  # time of the first event

    @property
    def clock(self) -> ClockState:
        """Where the clock goes on: workers look at what came in since in its own time, or are live at once if that is
        no more than an hour. It was live since the first event, as far as Kafka tells, so no load turns it back.
        """
        began = self.began if self.began < inf else 0.0
        return ClockState(watermark=self.watermark, live_since=began)


class _Meter:
    """Counts what is read."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self.done = self.total = 0

    def tell(self, records: int) -> None:
        self.done += records
        self._progress(self.done, max(self.done, self.total))

    def close(self, summary: Summary) -> Summary:
        summary.records, summary.seconds = self.done, time.monotonic() - self._began
        return summary


async def rebuild(
    settings: Settings,
    plan: Plan,
    *,
    replace: bool = False,
    wait: bool = False,
    progress: Progress = lambda done, of: None,
) -> Summary:
    """Write all that Kafka holds into an empty Redis.

    Args:
        replace: remove first what Redis holds of Rapport.
        wait: for workers that were killed to be forgotten.
        progress: hears how far it is.

    Raises:
        Misconfigured: workers are running, Redis holds profiles, or Kafka does not hold what is needed.
    """
    summary, meter = Summary(), _Meter(progress)
    log = KafkaLog(settings, meter.tell)
    async with redis_of(settings) as client:
        await prepare(client, settings, replace=replace, wait=wait)
        found = await sources(log, settings, plan)
        if not any(extent.records for extent in found.profiles):
            name = found.profiles[0].topic
            raise Misconfigured(f"{name} is empty: there is nothing to rebuild from; try --from archive")
        meter.total = found.records
        links = await read_identities(log, found.identity, plan)
        learner, findings, _ = await read_learner(log, found.learner)
        await restore.begin(client)
        await restore.clear(client)
        if links is not None:
            await restore.write_links(client, links)
            summary.identities, summary.suppressed = len(links.mapping), len(links.suppressed)
        if learner is not None:
            await restore.write_learner(client, learner)
            summary.learner = True
        if findings is not None:
            await restore.write_findings(client, findings)
        tombstones = tombstones_of(links, plan, WALL.now())
        reached = _Reached()
        await _all(found.profiles, lambda extent: _partition(client, log, extent, tombstones, summary, reached))
        summary.warnings += _missing(reached.applied, await log.extents(topic_name(settings, PROFILE_EVENTS)))
        await restore.write_clock(client, reached.clock)
        summary.warnings += await open_again(client, settings, plan)
    return meter.close(summary)


async def rebuild_from_archive(
    settings: Settings,
    plan: Plan,
    *,
    replace: bool = False,
    wait: bool = False,
    progress: Progress = lambda done, of: None,
) -> Summary:
    """Play all events in event time, of the archive and behind it of `profile.events`; publish what comes of it.

    Args and errors are those of `rebuild`; Misconfigured also if archive and log do not meet.
    """
    summary, meter = Summary("archive"), _Meter(progress)
    state = _archive_of(settings)
    log = KafkaLog(settings, meter.tell)
    async with redis_of(settings) as client, _producer(settings) as producer:
        await prepare(client, settings, replace=replace, wait=wait)
        found = await sources(log, settings, plan)
        meter.total = found.records // 2 + 2 * sum(file.rows for file in state.of("events"))
        given = await _given(log, settings, plan, state, found)
        await restore.begin(client)
        await restore.clear(client)
        anew = FromArchive(client, producer, settings, plan, given, WallClock(), meter.tell)
        links = await anew.run()
        topic = topic_name(settings, IDENTITY_LINKS)
        whole = [msgspec.msgpack.encode(SplitDone(split)) for split in links.splitting]
        await producer.produce([Row(topic, 0, b"", request) for request in whole])
        summary.warnings += [
            f"partition {gap.partition}: offsets {gap.start} to {gap.end - 1} never came into the archive"
            for gap in state.gaps
        ]
        summary.warnings += await open_again(client, settings, plan)
    summary.profiles, summary.merged, summary.partitions = anew.profiles, anew.merged, len(given.log)
    summary.identities, summary.suppressed = len(links.mapping), len(links.suppressed)
    summary.learner = anew.learned
    return meter.close(summary)


async def check(settings: Settings, plan: Plan, *, progress: Progress = lambda done, of: None) -> Comparison:
    """Compare what a rebuild would write with what Redis holds now. Changes nothing; workers may run.

    Raises:
        Misconfigured: Kafka or Redis does not answer, or Kafka does not hold what is needed.
    """
    meter, into = _Meter(progress), Comparison()
    log = KafkaLog(settings, meter.tell)
    async with redis_of(settings) as client:
        found = await sources(log, settings, plan)
        meter.total = found.records
        live = bool(await living_workers(client)) or bool(await asyncio.to_thread(group_members, settings))
        names = (topic_name(settings, IDENTITY_CHANGES), topic_name(settings, MODEL_SNAPSHOTS))
        await compare_identities(client, log, names[0], plan, live=live, into=into)
        await compare_learner(client, log, names[1], live=live, into=into)
        tombstones = tombstones_of(await read_identities(log, found.identity, plan), plan, WALL.now())
        for extent in found.profiles:
            await compare_partition(
                client, log, extent.topic, extent.partition, settings.partitions, tombstones, live=live, into=into
            )
    return into


def _missing(applied: Mapping[int, int], events: Sequence[Extent]) -> list[str]:
    """What lies behind the documents and is no longer in the log."""
    return [
        f"{extent.topic}-{extent.partition} begins at offset {extent.start}, the documents go to {at}: events between "
        "the two are not in these profiles; --from archive has them"
        for extent in events
        if (at := applied.get(extent.partition, -1)) + 1 < extent.start
    ]


async def _partition(
    client: Client, log: Log, extent: Extent, tombstones: Tombstones, summary: Summary, reached: _Reached
) -> None:
    found = await survey(log, extent)
    if not found.newest and not found.version:
        return
    redirects = 0
    async for batch in documents(log, extent, found, tombstones):
        await restore.write_profiles(client, extent.partition, batch)
        for profile, _ in batch:
            redirects += bool(profile.redirect)
            reached.began = min(reached.began, inf if profile.created is None else profile.created)
            summary.profiles += not profile.redirect
            summary.erased += profile.redirect == ERASED
            summary.merged += profile.redirect not in ("", ERASED)
    position = found.position()
    await restore.write_position(client, extent.partition, position, redirects)
    reached.applied[extent.partition] = position.applied
    reached.watermark = max(reached.watermark, position.watermark)
    summary.partitions += 1
    summary.ahead += len(position.ahead)


async def _all(extents: Sequence[Extent], restore_one: Callable[[Extent], Awaitable[None]]) -> None:
    """Some partitions at a time; the first error ends all."""
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(extent: Extent) -> None:
        async with room:
            await restore_one(extent)

    try:
        async with asyncio.TaskGroup() as group:
            for extent in extents:
                group.create_task(one(extent))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None


def _archive_of(settings: Settings) -> State:
    state = load(Folder(settings.archive))
    if not state.files:
        raise Misconfigured(f"there is no archive in {settings.archive}; RAPPORT_ARCHIVE names it")
    if state.partitions != settings.partitions:
        raise Misconfigured(
            f"the archive is of {state.partitions} partitions, {settings.partitions} are set (RAPPORT_PARTITIONS)"
        )
    return state


async def _given(log: Log, settings: Settings, plan: Plan, state: State, found: Sources) -> Given:
    extents = await log.extents(topic_name(settings, PROFILE_EVENTS))
    rest = unarchived(state, extents)
    ownership = Ownership(topic_name(settings, IDENTITY_LINKS))
    ownership.take(await asyncio.to_thread(archived_decisions, settings.archive))
    tail = await read_tail(log, state, rest, ownership)
    links = await read_identities(log, found.identity, plan)
    alerts = await read_alerts(log, await log.extents(topic_name(settings, ALERTS)))
    await read_cases(log, await log.extents(topic_name(settings, CASES)), alerts)
    versions = {extent.partition: (await survey(log, extent)).version for extent in found.profiles}
    (training,) = await log.extents(topic_name(settings, TRAINING_EXAMPLES))
    decisions = await read_decisions(log, training)
    snapshots = (await read_learner(log, found.learner)).version
    return Given(state, extents, tail, ownership, links, alerts, decisions, training, versions, snapshots)


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[BatchProducer]:
    producer = BatchProducer(settings)
    try:
        yield producer
    finally:
        await producer.stop()
