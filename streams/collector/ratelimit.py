"""How many events a second each write key may send to one collector."""

from __future__ import annotations

import math

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

__all__ = ["RateLimit"]


class RateLimit:
    """A sliding window per write key, in this process.

    Args:
        per_second: events a second.
        largest: events of the largest request. The window is long enough to let it pass at a rate below it: a
            request that could never pass would be sent again for ever.
    """

    def __init__(self, per_second: int, largest: int) -> None:
        self._per_second = per_second
        self._seconds = max(1, math.ceil(largest / per_second))
        self._item = RateLimitItemPerSecond(per_second * self._seconds, self._seconds)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def wait(self, key: str, events: int) -> int:
        """Count the events: 0 when they may pass, else the seconds after which to try again; those are not counted."""
        if await self._limiter.hit(self._item, key, cost=events):
            return 0
        return max(1, math.ceil(events / self._per_second))
