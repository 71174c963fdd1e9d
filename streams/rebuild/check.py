"""Does Kafka hold what a rebuild would need? Compares it with what Redis holds, entry by entry.

Workers may run meanwhile. What they are about to produce, or have only just written, is looked at again: a difference
counts only if it stays.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from plan import Plan
from profiles.daily.counters import count_difference
from profiles.stores.connection import Client
from profiles.stores.learner import RedisLearnerStore
from profiles.stores.links import RedisLinkStore
from profiles.stores.redis import RedisStore
from profiles.stores.restoring.contents import (
    RECENT_KIND,
    Contents,
    Entry,
    expected_counters,
    expected_links,
    expected_of,
    held_by_links,
    held_by_partition,
    held_counters,
)
from streams.kafka.reader import Log
from streams.kafka.topics import PROFILE_CHANGES
from streams.rebuild.documents import Tombstones, documents, survey
from streams.rebuild.identity import read_identities
from streams.rebuild.learner import read_learner

__all__ = ["Comparison", "Difference", "compare_identities", "compare_learner", "compare_partition"]

_LOOKS = 4  # how often a difference is looked at before it counts, while workers run
_PAUSE = 2.0  # seconds between
_SHOWN = 100

Differences = dict[Entry, tuple[object, object]]
"""Entry → what it is by Kafka, and in Redis."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One entry that Kafka and Redis do not agree about."""

    unit: str  # partition 3, identities, learner
    what: str  # document, timer, risk, segment NAME, alert, map…
    name: str
    kafka: str  # as it follows from Kafka: missing, a number or a digest
    redis: str


@dataclass(slots=True)
class Comparison:
    """What a check found."""

    profiles: int = 0
    entries: int = 0
    waiting: int = 0  # profiles whose documents are in Redis's outbox: the next worker produces them
    found: dict[str, int] = field(default_factory=dict)  # differences, by unit and what
    differences: list[Difference] = field(default_factory=list)  # the first of them

    def take(self, unit: str, redis: Contents, found: Differences) -> None:
        """Add what came of one unit."""
        self.entries += len(redis)
        self.profiles += sum(1 for what, _ in redis if what == "document")
        for (what, name), (ours, theirs) in sorted(found.items()):
            kind = f"{unit}: {what}"
            self.found[kind] = self.found.get(kind, 0) + 1
            if len(self.differences) < _SHOWN:
                self.differences.append(Difference(unit, what, name, _shown(ours), _shown(theirs)))


@dataclass(slots=True)
class _Look:
    kafka: Contents
    redis: Contents
    waiting: set[str] = field(default_factory=set)

    def differences(self) -> Differences:
        return {
            entry: (ours, theirs)
            for entry in self.kafka.keys() | self.redis.keys()
            if (ours := self.kafka.get(entry)) != (theirs := self.redis.get(entry))
            and not (entry[0] == RECENT_KIND and theirs is None)
            and entry[1] not in self.waiting
        }


async def compare_partition(
    client: Client,
    log: Log,
    topic: str,
    partition: int,
    partitions: int,
    tombstones: Tombstones,
    *,
    live: bool,
    into: Comparison,
) -> None:
    """Compare a partition's documents and all its indexes.

    Args:
        topic: real name of `profile.changes`, which has so many partitions.
        live: whether workers run.
    """

    async def look() -> _Look:
        extent = (await log.extents(topic))[partition]
        found = await survey(log, extent)
        kafka: Contents = {("tombstones", ""): 0}
        redirects, counted = 0, defaultdict[tuple[int, int], int](int)
        async for batch in documents(log, extent, found, tombstones):
            for profile, document in batch:
                count_difference(counted, None, profile.counted)
                kafka.update(expected_of(profile, document))
                redirects += bool(profile.redirect)
        kafka["tombstones", ""] = redirects
        redis = await held_by_partition(client, partition)
        loaded = await RedisStore(client).load(partition, ())
        if loaded.applied < found.marker.applied:
            kafka["applied", ""], redis["applied", ""] = found.marker.applied, loaded.applied
        waiting = await _waiting(client, partition, found.marker.version)
        if not waiting:  # whose documents would not be counted
            counters = await held_counters(client, partition)
            redis["counters", ""], kafka["counters", ""] = counters, expected_counters(counted, counters)
        return _Look(kafka, redis, waiting)

    await _settle(f"partition {partition}", look, live=live, into=into)


async def compare_identities(client: Client, log: Log, topic: str, plan: Plan, *, live: bool, into: Comparison) -> None:
    """Compare who is who."""

    async def look() -> _Look:
        changes = await read_identities(log, (await log.extents(topic))[0], plan)
        kafka: Contents = {}
        state = await RedisLinkStore(client).state()
        redis = await held_by_links(client)
        if changes is not None:
            kafka = expected_links(changes)
            kafka["refusals", ""], redis["refusals", ""] = changes.refusals, state.refusals
            if state.applied < changes.applied:
                kafka["applied", ""], redis["applied", ""] = changes.applied, state.applied
        return _Look(kafka, redis)

    await _settle("identities", look, live=live, into=into)


async def compare_learner(client: Client, log: Log, topic: str, *, live: bool, into: Comparison) -> None:
    """Compare how far the learner has come. Its last checkpoint may be a minute old: it learns that minute again."""

    async def look() -> _Look:
        kafka = (await read_learner(log, (await log.extents(topic))[0])).learner
        redis = await RedisLearnerStore(client).load()
        if kafka is None or kafka.applied < redis.applied:
            return _Look({}, {})
        same = (kafka.applied, kafka.parts) == (redis.applied, redis.parts)
        return _Look({("applied", ""): kafka.applied}, {("applied", ""): kafka.applied if same else redis.applied})

    await _settle("learner", look, live=live, into=into)


async def _settle(unit: str, look: Callable[[], Awaitable[_Look]], *, live: bool, into: Comparison) -> None:
    before: Differences | None = None
    for _ in range(_LOOKS if live else 1):
        if before is not None:
            await asyncio.sleep(_PAUSE)
        seen = await look()
        now = seen.differences()
        before = now if before is None else {entry: pair for entry, pair in now.items() if before.get(entry) == pair}
        if not before:
            break
    into.take(unit, seen.redis, before or {})
    into.waiting += len(seen.waiting)


async def _waiting(client: Client, partition: int, told: int) -> set[str]:
    """The profiles whose documents have not been produced yet."""
    return {
        id_
        for version, outputs in await RedisStore(client).outbox(partition)
        if version > told
        for output in outputs
        if output.topic == PROFILE_CHANGES and not output.key
        for id_ in output.value.decode().split("\n")
    }


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    return value.hex() if isinstance(value, bytes) else str(value)
