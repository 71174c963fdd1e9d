"""What every route below /v1 does before and after its work: let in, read, bound, limit in time, forbid to keep.

Who asks, and whether they may, is found out before the body is read: who may not may not even make us listen. A route
says by `wants` which scopes it asks for; one that says nothing is for admins.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import ContextVar
from typing import Any, NamedTuple, TypeVar, cast

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute

from console.access.auditing import row_of
from console.access.limiting import Limiter
from console.access.masking import Sight, masked, sight_of
from console.access.scopes import SCOPES, Scope, Viewer
from console.api.entrance.callers import WHY, Callers, require
from console.api.error_answers import NO_STORE, ApiError
from console.services.ports import ApiDeps
from profiles.bounds import excess, may_exceed

__all__ = ["about", "guarded", "slow_down", "viewer_of", "wants", "within"]

_LEVELS = 64
"""Of nesting: twenty levels of conditions take forty and some."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class _Asked(NamedTuple):
    """The request under way."""

    sight: Sight  # how much its caller sees
    about: list[str]  # the ids of what it turned out to be about
    fields: list[str]  # which parts of it
    reason: list[str]


_asked: ContextVar[_Asked] = ContextVar("asked")

_EVERYTHING: tuple[Scope, ...] = tuple(SCOPES)


def wants(*scopes: Scope, one: bool = False, audit: str = "") -> Callable[[Endpoint], Endpoint]:
    """Says of a route, below its decorator, which scopes it asks for: all of them.

    Args:
        scopes: that a caller must have.
        one: what it answers is about a single customer, whom the caller named.
        audit: what the audit trail calls it, whatever becomes of it; "": nothing is written down.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        endpoint.__dict__.update(scopes=scopes, one=one, audit=audit)
        return endpoint

    return marked


def guarded(deps: ApiDeps, *, times: int = 1) -> type[APIRoute]:
    """The class of routes that let pass who may, and are given up `times` the patience after their body."""
    callers, plan, patience = Callers(deps.access, deps.token, deps.ways.proxy), deps.plan, times * deps.patience

    class Guarded(APIRoute):
        def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
            self.scopes: tuple[Scope, ...] = endpoint.__dict__.get("scopes", _EVERYTHING)
            given["openapi_extra"] = {**(given.get("openapi_extra") or {}), "x-scopes": list(self.scopes)}
            self.one = bool(endpoint.__dict__.get("one"))
            self.audit = str(endpoint.__dict__.get("audit", ""))
            super().__init__(path, _seen(endpoint), **given)

        def get_route_handler(self) -> Handler:
            answer, scopes, action = super().get_route_handler(), self.scopes, self.audit

            async def handler(request: Request) -> Response:
                viewer = await callers.of(request)
                request.state.viewer = viewer
                asked = _Asked(sight_of(viewer, plan, one=self.one), [], [], [])
                _asked.set(asked)
                result = "500"
                try:
                    require(viewer, *scopes)
                    await slow_down(deps.limiter, viewer, action)
                    if viewer.via == "mcp":
                        asked.reason.append(request.headers.get(WHY, "")[:200])
                        await slow_down(deps.limiter, viewer, "mcp")
                    response = await bounded(request)
                    result = "ok"
                except ApiError as error:
                    result = str(error.status)
                    raise
                finally:
                    for object_ in (asked.about or [""]) if action else ():
                        deps.audit.note(
                            row_of(
                                request, viewer, action, object_, fields=asked.fields, reason=" ".join(asked.reason),
                                result=result,
                            )
                        )  # fmt: skip
                return response

            async def bounded(request: Request) -> Response:
                _check_shape(await request.body())
                async with within(patience):
                    response = await answer(request)
                response.headers.update(NO_STORE)
                return response

            return handler

    return Guarded


@contextlib.asynccontextmanager
async def within(patience: float) -> AsyncIterator[None]:
    """Seconds that the block may take.

    Raises:
        ApiError: 504, it took longer.
    """
    limit = asyncio.timeout(patience)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        message = (
            f"this took over {patience:g} s and was given up; ask for less at a time (a smaller `limit`, a simpler "
            "condition), or again later"
        )
        raise ApiError(504, "too_long", message) from None


async def slow_down(limiter: Limiter, viewer: Viewer, action: str, cost: int = 1) -> None:
    """See that somebody does not do something too often.

    Raises:
        ApiError: 429, they do; it says when they may again.
    """
    if seconds := await limiter.wait(viewer, action, cost):
        message = f"this was asked too often; ask again in {seconds} s"
        raise ApiError(429, "rate_limited", message, {"Retry-After": str(seconds)})


def about(object_: str, *fields: str, reason: str = "") -> None:
    """Says what the request under way turned out to be about, for the audit trail: an id, and which parts of it; never
    personal data."""
    asked = _asked.get(None)
    if asked is None:
        return
    if object_ not in asked.about:
        asked.about.append(object_)
    asked.fields.extend(fields)
    asked.reason.extend([reason] if reason else [])


def viewer_of(request: Request) -> Viewer:
    """Who asks, as a dependency of guarded routes."""
    return cast(Viewer, request.state.viewer)


def _seen(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """A route's function, of whose answer the caller gets what they may see."""
    if endpoint.__dict__.get("seen"):  # a router that is included in another makes its routes anew
        return endpoint

    @functools.wraps(endpoint)
    async def seen(*args: Any, **given: Any) -> Any:
        return masked(await endpoint(*args, **given), _asked.get().sight)

    seen.__dict__["seen"] = True
    return seen


def _check_shape(body: bytes) -> None:
    if not may_exceed(body):
        return
    try:
        found = excess(orjson.loads(body), levels=_LEVELS)
    except orjson.JSONDecodeError:
        return  # told by who reads it
    if found:
        raise ApiError(400, "invalid_request", f"the body has {found.message}")
