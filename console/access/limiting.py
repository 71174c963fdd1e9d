"""How often somebody may do what would carry many customers away: in this process, by token or account."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from math import ceil

from limits import RateLimitItem, RateLimitItemPerHour, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from console.access.scopes import Viewer

__all__ = ["Limiter"]

_OF_A_TOKEN = 100  # requests a second
_REVEAL = "profile.reveal"
_HOUR = 3600
_OF: Mapping[str, RateLimitItem] = {
    "search": parse("30/10 second"), "profile.export": parse("10/day"), "company.export": parse("10/day"),
    "table.csv": parse("30/10 minute"), "mcp": parse("60/minute"),
}  # fmt: skip
"""By what the audit trail calls it."""


class Limiter:
    """Counts what callers do.

    Args:
        reveals: how much masked personal data a person may reveal an hour, in whatever way they ask.
    """

    def __init__(self, reveals: int = 60) -> None:
        self._asked: dict[str, deque[float]] = {}  # by token: when, within the last second, by the monotonic clock
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._reveals = RateLimitItemPerHour(reveals)

    async def wait(self, viewer: Viewer, action: str, cost: int = 1) -> int:
        """Seconds after which somebody may ask again; 0: they may now, and it counts, as often as `cost` says."""
        if viewer.role == "token" and not self._may(viewer.token):
            return 1
        limits: list[tuple[RateLimitItem, str, str]] = []
        if action in _OF:
            limits.append((_OF[action], action, viewer.token or viewer.name))
        if action == _REVEAL:
            if cost > self._reveals.amount:
                return _HOUR
            limits.append((self._reveals, action, viewer.name))
        for limit, *about in limits:
            if not await self._limiter.hit(limit, *about, cost=cost if limit is self._reveals else 1):
                window = await self._limiter.get_window_stats(limit, *about)
                return max(1, ceil(window.reset_time - time.time()))
        return 0

    def _may(self, token: str) -> bool:
        """Whether a token may ask once more in this second; it counts if so. Each of its requests comes by here."""
        now, asked = time.monotonic(), self._asked.setdefault(token, deque())
        while asked and asked[0] <= now - 1.0:
            asked.popleft()
        if len(asked) >= _OF_A_TOKEN:
            return False
        asked.append(now)
        return True
