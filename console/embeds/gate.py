"""Who asks in a frame: by the frame's token in a header, never by the console's cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from console.access.auditing import Audit, row_of
from console.access.scopes import Scope, Viewer
from console.api.error_answers import ApiError
from console.embeds.embed_tokens import EmbedTokens

__all__ = ["ORIGIN", "TOKEN", "Gate", "Limits"]

TOKEN = "x-rapport-embed"
"""Header of the frame's token."""

ORIGIN = "x-rapport-embed-origin"
"""Header that says in whose page the frame stands, as its browser told it."""

_LIMITS: Mapping[str, RateLimitItem] = {
    "look": parse("60/minute"), "decide": parse("60/minute"), "token": parse("30/minute"), "tool": parse("20/second"),
    "wrong": parse("60/minute"),
}  # fmt: skip


class Limits:
    """How often something may be asked, in this process."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    async def count(self, what: str, who: str) -> None:
        """Count that somebody asks.

        Raises:
            ApiError: 429, too often.
        """
        if not await self._limiter.hit(_LIMITS[what], what, who):
            raise ApiError(429, "rate_limited", "this was asked too often; ask again in a while", {"Retry-After": "5"})


class Gate:
    """Lets in who shows the token of a frame.

    Args:
        tokens: who has one.
        audit: where it is written down what they looked at.
        limits: how often they may.
    """

    def __init__(self, tokens: EmbedTokens, audit: Audit, limits: Limits) -> None:
        self.tokens = tokens
        self.limits = limits
        self._audit = audit

    async def viewer(self, request: Request, *, asks: bool = False) -> Viewer | None:
        """Who asks; with `asks` for something new to look at."""
        if request.headers.get("sec-fetch-site") != "same-origin":  # not from a frame of ours, in a browser
            return None
        return await self.tokens.viewer(*told(request), asks=asks)

    def may(self, scope: Scope, *, what: str = "decide", asks: bool = True) -> Callable[[Request], Awaitable[Viewer]]:
        """A dependency of routes: answers who asks; without `asks`, as of a stream that a frame opens by itself, their
        session lasts no longer by it.

        Raises, when it is called:
            ApiError: 401, nobody who may; 403, they may not do this; 429, too often.
        """

        async def let(request: Request) -> Viewer:
            found = await self.viewer(request, asks=asks)
            if found is None:
                await self.limits.count("wrong", request.client.host if request.client else "")
                raise ApiError(401, "unauthorized", "sign in again: nobody has this token of a frame (any more)")
            if not found.may(scope):
                raise ApiError(403, "forbidden", f"this wants the scope {scope}, which the role {found.role} has not")
            await self.limits.count(what, found.name)
            return found

        return let

    def still(self, request: Request, viewer: Viewer) -> Callable[[], Awaitable[bool]]:
        """Whether who opened a stream is in, and may see what they saw then."""

        async def same() -> bool:
            return await self.viewer(request) == viewer

        return same

    def note(self, request: Request, viewer: Viewer, action: str, object_: str = "", **more: Any) -> None:
        """Write down what somebody did (`row_of`)."""
        self._audit.note(row_of(request, viewer, action, object_, **more))


def told(request: Request) -> tuple[str, str]:
    """The token of a request, and in whose page it says that its frame stands."""
    return request.headers.get(TOKEN, ""), request.headers.get(ORIGIN, "")
