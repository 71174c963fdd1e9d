"""What every route below /v1 does before and after its work: let in, read, bound, limit in time, forbid to keep.

The token is looked at before the body is read: who has none may not even make us listen.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import SecretStr

from console.api.error_answers import NO_STORE, ApiError
from console.services.ports import ApiDeps
from profiles.bounds import excess, may_exceed

__all__ = ["bears", "guarded", "let_in"]

_LEVELS = 64
"""Of nesting: twenty levels of conditions take forty and some."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def guarded(deps: ApiDeps, *, times: int = 1) -> type[APIRoute]:
    """The class of routes that let only the token pass, and are given up `times` the patience after their body."""
    token, patience = deps.token, times * deps.patience

    class Guarded(APIRoute):
        def get_route_handler(self) -> Handler:
            answer = super().get_route_handler()

            async def handler(request: Request) -> Response:
                let_in(request, token)
                _check_shape(await request.body())
                limit = asyncio.timeout(patience)
                try:
                    async with limit:
                        response = await answer(request)
                except TimeoutError:
                    if not limit.expired():
                        raise
                    message = (
                        f"this took over {patience:g} s and was given up; ask for less at a time (a smaller `limit`, a "
                        "simpler condition), or again later"
                    )
                    raise ApiError(504, "too_long", message) from None
                response.headers.update(NO_STORE)
                return response

            return handler

    return Guarded


def bears(request: Request, token: SecretStr) -> bool:
    """Whether a request has the token; comparing takes the same time whatever is given."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    expected = token.get_secret_value().encode()
    right = hmac.compare_digest(given.strip().encode(errors="replace"), expected)
    return bool(expected) and scheme.lower() == "bearer" and right


def let_in(request: Request, token: SecretStr) -> None:
    """See that a request has the token.

    Raises:
        ApiError: 401, it has not.
    """
    if bears(request, token):
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and given:
        message = "this is not the token of the support API"
    else:
        message = "send the support API's token: Authorization: Bearer TOKEN"
    raise ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})


def _check_shape(body: bytes) -> None:
    if not may_exceed(body):
        return
    try:
        found = excess(orjson.loads(body), levels=_LEVELS)
    except orjson.JSONDecodeError:
        return  # told by who reads it
    if found:
        raise ApiError(400, "invalid_request", f"the body has {found.message}")
