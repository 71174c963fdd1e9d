"""Before a rebuild and after it: nobody else at work, what there is to read, and opening again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from plan import Plan
from profiles.errors import Misconfigured
from profiles.identity.secrets import suppression
from profiles.stores.connection import Client, connect
from profiles.stores.restoring import restore
from profiles.stores.setup import ALIVE, check_setup, living_workers
from profiles.stores.trouble import answering
from profiles.units import LinkChanges
from streams.kafka.admin import describe_log, group_members, topic_problems
from streams.kafka.client import EMBEDDED
from streams.kafka.continuity import compare_kafka
from streams.kafka.reader import Extent, Log
from streams.kafka.topics import IDENTITY_CHANGES, MODEL_SNAPSHOTS, PROFILE_CHANGES, topic_name
from streams.rebuild.documents import Tombstones
from streams.settings import Settings
from streams.steps.update import TOMBSTONE_KEPT

__all__ = ["Sources", "open_again", "prepare", "redis_of", "sources", "tombstones_of"]


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
    url = settings.redis.get_secret_value()
    client, probe = connect(url), connect(url, retrying=False)
    try:
        with answering():
            await probe.ping()  # one that is away from the start is told at once; a long rebuild waits for it
            yield client
    finally:
        await probe.aclose()
        await client.aclose()


async def prepare(client: Client, settings: Settings, *, replace: bool, wait: bool) -> None:
    """See that nobody works with this Redis, and that what it holds may be replaced.

    Args:
        replace: it may.
        wait: for workers that were killed to be forgotten.

    Raises:
        Misconfigured: workers are running, or it may not.
    """
    await _idle(client, settings, wait=wait)
    if replace:
        return
    async for _ in restore.held_keys(client):
        raise Misconfigured("this Redis holds profiles; --replace removes them first, and nothing but Rapport's")


async def _idle(client: Client, settings: Settings, *, wait: bool) -> None:
    """See that no worker is alive: by its sign in Redis, which may be lost, and in its group, as Kafka sees it."""
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
    profiles = await log.extents(names[0])
    identity, learner = await log.extents(names[1]), await log.extents(names[2])
    return Sources(profiles, identity[0], learner[0])


def tombstones_of(links: LinkChanges | None, plan: Plan, now: float) -> Tombstones:
    """Who was erased so lately that a tombstone must keep what is still on its way from them."""
    times = {} if links is None else links.suppressed
    back = set() if links is None else {one.subject for one in links.lifted.values()} - times.keys()

    def at(home: str, told: float) -> float | None:
        subject = suppression(plan.pii_key, home)
        if subject in back:
            return None
        time_ = times.get(subject) or told
        return time_ if time_ + TOMBSTONE_KEPT > now else None

    return at


async def open_again(client: Client, settings: Settings, plan: Plan) -> list[str]:
    """Let workers start; answer what will keep them from it."""
    await restore.finish(client)
    await check_setup(
        client,
        partitions=settings.partitions,
        namespace=plan.namespace,
        pii_key=plan.pii_key,
        segments=[rule.name for rule in plan.segments],
    )
    difference = await compare_kafka(client, settings, plan, note=True)
    return [str(difference)] if difference else []
