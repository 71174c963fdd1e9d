"""Fresh stores to try contracts on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from profiles.stores import Stores, open_stores

__all__ = ["PARTITIONS", "Test", "try_on"]

PARTITIONS = 4

Test = Callable[[Stores], Awaitable[None]]


def try_on(url: str, test: Test) -> None:
    """Run a coroutine function on the stores at a URL."""

    async def with_stores() -> None:
        stores = open_stores(url, uuid.uuid4(), PARTITIONS)
        try:
            await test(stores)
        finally:
            await stores.close()

    asyncio.run(with_stores())
