"""That people reach us over HTTPS, where a proxy ends it and nothing says so in each request."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["OverHttps"]


class OverHttps:
    """Takes every request for one over HTTPS, so that cookies are of this host alone and never sent without it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["scheme"] = "https"
        await self._app(scope, receive, send)
