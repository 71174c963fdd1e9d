"""The stores: Redis, and their twins in memory that obey the same contract. `open_stores` opens all of a URL."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from redis.exceptions import ClusterDownError, NoPermissionError, SlotNotCoveredError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from profiles.clock import ClockStore
from profiles.store import Reader, Store
from profiles.stores.access import AccessStore, RedisAccessStore
from profiles.stores.census import RedisCensusStore
from profiles.stores.clock import RedisClockStore
from profiles.stores.connection import Client, connect
from profiles.stores.learner import RedisLearnerStore
from profiles.stores.links import RedisLinkStore
from profiles.stores.memory import (
    MemoryAccessStore,
    MemoryCensusStore,
    MemoryClockStore,
    MemoryLearnerStore,
    MemoryLinkStore,
    MemorySourceStore,
    MemoryStore,
)
from profiles.stores.reading.paging import BadCursor
from profiles.stores.reading.queries import RedisReader
from profiles.stores.reading.together import Together
from profiles.stores.redis import RedisStore
from profiles.stores.sources import RedisSourceStore
from profiles.stores.trouble import explain
from profiles.units import CensusStore, LearnerStore, LinkStore, SourceStore

__all__ = ["AWAY", "BadCursor", "Stores", "explain", "open_stores"]

AWAY: tuple[type[Exception], ...] = (
    RedisConnectionError, RedisTimeoutError, ClusterDownError, SlotNotCoveredError, TryAgainError, NoPermissionError,
)  # fmt: skip
"""What a reader raises when its store does not answer, or does not let it in; `explain` says which."""


@dataclass(frozen=True, slots=True)
class Stores:
    """What keeps everything that Rapport knows. Redis or memory: mypy holds both against the same ports."""

    client: Client  # for what is asked of Redis itself; None in memory
    profiles: Store
    reader: Reader
    links: LinkStore
    learner: LearnerStore
    census: CensusStore
    sources: SourceStore
    clock: ClockStore
    access: AccessStore

    async def close(self) -> None:
        """Release connections."""
        await self.reader.close()


def open_stores(url: str, namespace: uuid.UUID, partitions: int, *, retrying: bool = True) -> Stores:
    """The stores at a URL.

    Args:
        url: `redis://`, `rediss://`, `redis+cluster://`, `rediss+cluster://` (see `connect`), or `memory://` for stores
            that are empty and end with the process.
        namespace: of the plan, from which the ids of profiles follow.
        partitions: of the profiles.
        retrying: whether to wait out a short restart of Redis.

    Raises:
        Misconfigured: this is no such URL.
    """
    if url.startswith("memory:"):
        links = MemoryLinkStore()
        profiles = MemoryStore(namespace, partitions, links)
        census = MemoryCensusStore(profiles)
        learner, sources, clock = MemoryLearnerStore(), MemorySourceStore(), MemoryClockStore()
        return Stores(None, profiles, profiles, links, learner, census, sources, clock, MemoryAccessStore())
    client = connect(url, retrying=retrying)
    together = Together(client)
    return Stores(
        client,
        RedisStore(client),
        RedisReader(client, namespace, partitions, together),
        RedisLinkStore(client),
        RedisLearnerStore(client, together),
        RedisCensusStore(client),
        RedisSourceStore(client),
        RedisClockStore(client, together),
        RedisAccessStore(client, together),
    )
