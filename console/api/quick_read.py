"""The read that tools make most, of one customer by a token: the answer of `GET /v1/profiles/{identity}`, sooner.

A token that was let in before is looked up again together with the customer, the clock and the models: one round trip
to Redis, and nothing is answered unless it still holds. Whom we do not know makes us read nothing. A request that is
not as simple goes the way of every other route.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import cast

from fastapi import FastAPI, Request, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from console.access.auditing import row_of
from console.access.masking import masked, sight_of
from console.access.scopes import Viewer
from console.api.entrance.callers import Callers, require
from console.api.error_answers import NO_STORE, ApiError
from console.api.guard import slow_down, within
from console.api.profiles import named
from console.services.ports import ApiDeps
from console.views.churn import may_be_scored
from console.views.profile import profile_view
from profiles.types import Identity, Profile

__all__ = ["add_quick_read"]

_PATH = "/v1/profiles/"
_BEARER = b"bearer "
_OTHERWISE = frozenset({b"cookie", b"content-length", b"transfer-encoding", b"x-rapport-via"})
_KNOWN = 1000  # tokens
_UNAUTHORIZED = 401


def add_quick_read(app: FastAPI, deps: ApiDeps) -> None:
    """Answer this read before the routes that there are."""
    app.router.routes.insert(0, _QuickRead(deps))


class _QuickRead(BaseRoute):
    """One customer, for a program."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._callers = Callers(deps.access, deps.token, deps.ways.proxy)
        self._known: OrderedDict[str, Viewer] = OrderedDict()  # by what they send, the latest last

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether it is this read, with a token and nothing else."""
        path = scope.get("path", "")
        if not path.startswith(_PATH) or "/" in path[len(_PATH) :] or scope["type"] != "http":
            return Match.NONE, {}
        if scope["method"] != "GET" or scope["query_string"]:
            return Match.NONE, {}
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1 or given[0][: len(_BEARER)].lower() != _BEARER:
            return Match.NONE, {}
        if any(name in _OTHERWISE for name, _ in scope["headers"]):
            return Match.NONE, {}
        return Match.FULL, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it.

        Raises:
            ApiError: as the route of all other such requests does.
        """
        request = Request(scope, receive)
        response = await self._respond(request, scope["path"][len(_PATH) :])
        await response(scope, receive, send)

    async def _respond(self, request: Request, segment: str) -> Response:
        deps, given = self._deps, request.headers["authorization"]
        viewer, about, result = self._known.get(given) or await self._callers.of(request), "", "500"
        try:
            require(viewer, "profiles:read")
            await slow_down(deps.limiter, viewer, "profile.view")
            async with within(deps.patience):
                again, (found, _), now = await self._read(request, segment)
            about, viewer = found.id, self._know(given, again)
            require(viewer, "profiles:read")
            advice = deps.adviser.by_this_panel(found) if may_be_scored(found, deps.plan) else None
            view = masked(profile_view(found, now, deps.plan, advice), sight_of(viewer, deps.plan, one=True))
            body = view.__pydantic_serializer__.to_json(view)
            result = "ok"
        except ApiError as error:
            result = str(error.status)
            raise
        finally:
            if result == str(_UNAUTHORIZED):
                self._known.pop(given, None)
            else:
                deps.audit.note(row_of(request, viewer, "profile.view", about, result=result))
        return Response(body, headers=NO_STORE, media_type="application/json")

    async def _read(self, request: Request, segment: str) -> tuple[Viewer, tuple[Profile, Identity | None], float]:
        """Who asks, the customer, and what time it is. Whoever may not come in learns nothing of the others."""
        deps = self._deps
        read = await asyncio.gather(
            self._callers.of(request), named(deps, segment), deps.now(), deps.adviser.refresh(), return_exceptions=True
        )
        for one in read:
            if isinstance(one, BaseException):
                raise one
        return cast("tuple[Viewer, tuple[Profile, Identity | None], float]", read[:3])

    def _know(self, given: str, viewer: Viewer) -> Viewer:
        self._known[given] = viewer
        self._known.move_to_end(given)
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return viewer
