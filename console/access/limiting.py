"""How often somebody may do what would carry many customers away: in this process, by token or account."""

from __future__ import annotations

import time
from collections.abc import Mapping
from math import ceil

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from console.access.scopes import Viewer

__all__ = ["Limiter"]

_OF_A_TOKEN = parse("100/second")
_OF: Mapping[str, RateLimitItem] = {"search": parse("30/10 second"), "profile.export": parse("10/day")}
"""By what the audit trail calls it."""


class Limiter:
    """Counts what callers do."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def wait(self, viewer: Viewer, action: str) -> int:
        """Seconds after which somebody may ask again; 0: they may now, and it counts."""
        limits = [(_OF_A_TOKEN, "", viewer.token)] if viewer.role == "token" else []
        if action in _OF:
            limits.append((_OF[action], action, viewer.token or viewer.name))
        for limit, *about in limits:
            if not await self._limiter.hit(limit, *about):
                window = await self._limiter.get_window_stats(limit, *about)
                return max(1, ceil(window.reset_time - time.time()))
        return 0
