"""The stores: Redis, and a small one in memory that obeys the same contract."""

from __future__ import annotations

import uuid

from profiles.store import Reader
from profiles.stores.reader import BadCursor, RedisReader
from profiles.stores.redis import connect

__all__ = ["BadCursor", "open_reader"]


def open_reader(url: str, namespace: uuid.UUID, partitions: int) -> Reader:
    """A reader of the profiles in the Redis at `url`."""
    return RedisReader(connect(url), namespace, partitions)
