"""Requests as clients of Segment's Profile API send them, made ours: the token as the user name of Basic authorization,
and an external id, which may hold anything, as one segment of the path."""

from __future__ import annotations

import base64
import re
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PREFIX", "ProfileApiPaths"]

PREFIX = "/v1/spaces/"

_PATH = re.compile(
    r"(?P<head>/v1/spaces/[^/]+/collections/(?:users|accounts)/profiles/)(?P<id>.+)"
    r"(?P<tail>/(?:traits|external_ids|events|metadata|links))/?"
)


class ProfileApiPaths:
    """Stands before the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            sent = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1").partition("?")[0]
            scope = {**scope, "headers": [_as_bearer(header) for header in scope["headers"]]}
            if found := _PATH.fullmatch(sent):
                scope["path"] = f"{found['head']}{quote(unquote(found['id']), safe='')}{found['tail']}"
        await self._app(scope, receive, send)


def _as_bearer(header: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    name, value = header
    scheme, _, given = value.partition(b" ")
    if name != b"authorization" or scheme.lower() != b"basic":
        return header
    try:
        token = base64.b64decode(given.strip(), validate=True).partition(b":")[0]
    except ValueError:
        return header
    return name, b"Bearer " + token
