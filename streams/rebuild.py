"""Rebuilding: everything that Redis held, from what Kafka holds (invariant 5).

`profile.changes`, `identity.changes` and `model.snapshots` say what was, and up to which offset of its input each
partition had come with it; from there workers go on. What was committed to Redis but had not reached Kafka is done
again, exactly once, because its input is still in the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from profiles.errors import Misconfigured
from profiles.secrets import suppression
from profiles.stores import restore
from profiles.stores.connection import Client, connect
from profiles.stores.links import LinkChanges
from profiles.stores.setup import ALIVE, check_setup, living_workers
from profiles.types import ERASED
from streams.admin import EMBEDDED, describe_log, group_members, topic_problems
from streams.plan import Plan
from streams.rebuilding.check import Comparison, compare_identities, compare_learner, compare_partition
from streams.rebuilding.documents import Graves, documents, survey
from streams.rebuilding.identity import read_identities
from streams.rebuilding.learner import read_learner
from streams.rebuilding.log import Extent, Log
from streams.same_kafka import compare_kafka
from streams.settings import Settings
from streams.steps.update import GRAVE_KEPT
from streams.topics import IDENTITY_CHANGES, MODEL_SNAPSHOTS, PROFILE_CHANGES, topic_name

__all__ = [
    "Progress",
    "Sources",
    "Summary",
    "check",
    "graves_of",
    "holds_profiles",
    "idle",
    "rebuild",
    "redis_of",
    "sources",
]

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
    erased: int = 0  # graves
    identities: int = 0  # that are linked
    suppressed: int = 0  # homes of erased customers
    learner: bool = False
    partitions: int = 0
    ahead: int = 0  # profiles that know more than their partition; see `profiles.store.Loaded`
    records: int = 0  # read
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sources:
    """The partitions that a rebuild reads."""

    profiles: list[Extent]
    identity: Extent
    learner: Extent

    @property
    def records(self) -> int:
        """How many a rebuild reads: documents twice."""
        return 2 * sum(extent.records for extent in self.profiles) + self.identity.records + self.learner.records


@asynccontextmanager
async def redis_of(settings: Settings) -> AsyncIterator[Client]:
    """The Redis of the settings.

    Raises:
        Misconfigured: it does not answer, or ceases to.
    """
    client = connect(settings.redis.get_secret_value())
    try:
        yield client
    except (RedisError, OSError) as error:
        raise Misconfigured(
            f"Redis does not answer ({type(error).__name__}: {error}); start it, or set RAPPORT_REDIS, and run this "
            "again"
        ) from error
    finally:
        await client.aclose()


async def holds_profiles(client: Client) -> bool:
    """Whether anything of Rapport's is in this Redis that a rebuild would replace."""
    async for _ in restore.held_keys(client):
        return True
    return False


async def idle(client: Client, settings: Settings, *, wait: bool = False) -> None:
    """Make sure that no worker is alive: by its sign in Redis, which may be lost, and in its group, as Kafka sees it.

    Args:
        wait: for those that were killed to be forgotten, rather than refuse.

    Raises:
        Misconfigured: some are.
    """
    patience = time.monotonic() + ALIVE + settings.session_timeout
    while True:
        alive = sorted(await living_workers(client)) or await asyncio.to_thread(group_members, settings)
        if not alive:
            return
        if not wait or time.monotonic() > patience:
            raise Misconfigured(
                f"workers are running ({', '.join(alive)}): stop them first. One that was killed counts for "
                f"{max(ALIVE, settings.session_timeout):.0f} seconds; --wait waits for that"
            )
        await asyncio.sleep(0.5)


async def sources(log: Log, settings: Settings, plan: Plan) -> Sources:
    """What there is to read.

    Raises:
        Misconfigured: topics are missing or of another number of partitions, or this is the embedded broker.
    """
    names = [topic_name(settings, base) for base in (PROFILE_CHANGES, IDENTITY_CHANGES, MODEL_SNAPSHOTS)]
    described = await asyncio.to_thread(describe_log, settings, names)
    if described.ids.get("cluster") == EMBEDDED:
        raise Misconfigured("the embedded broker keeps nothing beyond its end: there is nothing to rebuild from")
    problems = await asyncio.to_thread(topic_problems, settings, plan)
    if wrong := [problem for problem in problems if any(f" {name} " in problem for name in names)]:
        raise Misconfigured("\n".join(wrong))
    profiles = await log.extents(names[0], settings.partitions)
    identity, learner = await log.extents(names[1]), await log.extents(names[2])
    if not any(extent.records for extent in profiles):
        raise Misconfigured(f"{names[0]} is empty: there is nothing to rebuild from; try --from archive")
    return Sources(profiles, identity[0], learner[0])


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
    began = time.monotonic()
    summary = Summary()
    total = 0

    def tell(records: int) -> None:
        summary.records += records
        progress(summary.records, total)

    log = Log(settings, tell)
    async with redis_of(settings) as client:
        await idle(client, settings, wait=wait)
        if not replace and await holds_profiles(client):
            raise Misconfigured("this Redis holds profiles; --replace removes them first, and nothing but Rapport's")
        found = await sources(log, settings, plan)
        total = found.records
        links = await read_identities(log, found.identity, plan)
        learner = await read_learner(log, found.learner)
        await restore.begin(client)
        await restore.clear(client)
        if links is not None:
            await restore.write_links(client, links)
            summary.identities, summary.suppressed = len(links.mapping), len(links.suppressed)
        if learner is not None:
            await restore.write_learner(client, learner)
            summary.learner = True
        graves = graves_of(links, plan, time.time())
        await _all(found.profiles, lambda extent: _partition(client, log, extent, graves, summary))
        await open_again(client, settings, plan, summary)
    summary.seconds = time.monotonic() - began
    return summary


def graves_of(links: LinkChanges | None, plan: Plan, now: float) -> Graves:
    """Who was erased so lately that a grave must keep what is still on its way from them."""
    times = {} if links is None else links.suppressed

    def at(home: str) -> float | None:
        time_ = times.get(suppression(plan.pii_key, home))
        return time_ if time_ is not None and time_ + GRAVE_KEPT > now else None

    return at


async def open_again(client: Client, settings: Settings, plan: Plan, summary: Summary) -> None:
    """Let workers start, and say what will keep them from it."""
    await restore.finish(client)
    await check_setup(
        client,
        partitions=settings.partitions,
        namespace=plan.namespace,
        pii_key=plan.pii_key,
        segments=[rule.name for rule in plan.segments],
    )
    if difference := await compare_kafka(client, settings, plan, note=True):
        summary.warnings.append(str(difference))


async def _partition(client: Client, log: Log, extent: Extent, graves: Graves, summary: Summary) -> None:
    found = await survey(log, extent)
    if not found.newest and not found.version:
        return
    tombstones = 0
    async for batch in documents(log, extent, found, graves):
        await restore.write_profiles(client, extent.partition, batch)
        for profile, _ in batch:
            tombstones += bool(profile.redirect)
            summary.profiles += not profile.redirect
            summary.erased += profile.redirect == ERASED
            summary.merged += profile.redirect not in ("", ERASED)
    position = found.position()
    await restore.write_position(client, extent.partition, position, tombstones)
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


async def check(settings: Settings, plan: Plan, *, progress: Progress = lambda done, of: None) -> Comparison:
    """Compare what a rebuild would write with what Redis holds now. Changes nothing; workers may run.

    Raises:
        Misconfigured: Kafka or Redis does not answer, or Kafka does not hold what is needed.
    """
    done = total = 0

    def tell(records: int) -> None:
        nonlocal done
        done += records
        progress(done, max(done, total))

    log = Log(settings, tell)
    into = Comparison()
    async with redis_of(settings) as client:
        found = await sources(log, settings, plan)
        total = found.records
        live = bool(await living_workers(client)) or bool(await asyncio.to_thread(group_members, settings))
        names = (topic_name(settings, IDENTITY_CHANGES), topic_name(settings, MODEL_SNAPSHOTS))
        await compare_identities(client, log, names[0], plan, live=live, into=into)
        await compare_learner(client, log, names[1], live=live, into=into)
        graves = graves_of(await read_identities(log, found.identity, plan), plan, time.time())
        for extent in found.profiles:
            await compare_partition(
                client, log, extent.topic, extent.partition, settings.partitions, graves, live=live, into=into
            )
    return into
