"""The stores: Redis, and a small one in memory that obeys the same contract."""

from __future__ import annotations

import uuid

from redis.exceptions import ClusterDownError, SlotNotCoveredError, TryAgainError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from profiles.store import Reader
from profiles.stores.paging import BadCursor
from profiles.stores.reader import RedisReader
from profiles.stores.redis import connect

__all__ = ["AWAY", "BadCursor", "open_reader"]

AWAY: tuple[type[Exception], ...] = (
    RedisConnectionError, RedisTimeoutError, ClusterDownError, SlotNotCoveredError, TryAgainError,
)  # fmt: skip
"""What a reader raises when its store does not answer."""


def open_reader(url: str, namespace: uuid.UUID, partitions: int) -> Reader:
    """A reader of the profiles in the Redis at `url`."""
    return RedisReader(connect(url), namespace, partitions)
