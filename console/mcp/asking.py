"""How tools ask: the support API, by the token of whoever uses the model, so that scopes, masking, limits and the audit
log are the API's own and hold once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import ContextVar
from typing import Any

import httpx

from console.api.entrance.callers import VIA, WHY

__all__ = ["Asking", "Caller", "Opens", "Refused", "caller", "inside", "outside"]

Opens = Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]
"""Opens a client of the API that has somebody's token."""

Caller = tuple[str, tuple[str, int] | None]
"""The Authorization header of a request, and where it came from."""

caller: ContextVar[Caller] = ContextVar("caller")
"""Of the request under way, where we serve others."""


class Refused(Exception):
    """The API did not answer; its message is ours, with nothing in it that customers wrote."""


class Asking:
    """Requests of one server of tools."""

    def __init__(self, opens: Opens) -> None:
        self._opens = opens

    async def get(self, path: str, why: str = "", **params: Any) -> dict[str, Any]:
        """What a route answers.

        Args:
            path: of the route.
            why: personal data is wanted; "": it comes masked.
            params: of the query; None are left out.

        Raises:
            Refused: it answers an error.
        """
        return await self._ask("GET", path, why, params={name: it for name, it in params.items() if it is not None})

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The same of a route that takes a document."""
        return await self._ask("POST", path, "", json=body)

    async def _ask(self, method: str, path: str, why: str, **given: Any) -> dict[str, Any]:
        headers = {VIA: "mcp"} | ({WHY: why.encode("ascii", "replace").decode()[:200]} if why.strip() else {})
        async with self._opens() as client:
            try:
                answer = await client.request(method, path, headers=headers, **given)
            except httpx.TransportError as error:
                raise Refused(f"Rapport does not answer ({type(error).__name__}); is `rapport up` running?") from error
        document = answer.json() if answer.content else {}
        if answer.is_success:
            return dict(document)
        raise Refused(_WORDS.get(answer.status_code) or f"Rapport answers {answer.status_code}")


_WORDS = {
    400: "Rapport does not take this: look at the arguments",
    401: "Rapport does not know the token, or it has ended",
    403: "the token has not the scope for this",
    404: "there is nothing of that name",
    429: "this was asked too often; wait a minute",
    503: "Rapport is not there now; try again",
}


def outside(url: str, token: str) -> Opens:
    """A client of a Rapport elsewhere."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[httpx.AsyncClient]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
            yield client

    return opened


def inside(app: Any) -> Opens:
    """A client of the application that we are part of, with the token of the request under way."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[httpx.AsyncClient]:
        authorization, address = caller.get()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=address or ("", 0))
        headers = {"Authorization": authorization}
        async with httpx.AsyncClient(transport=transport, base_url="http://rapport", headers=headers) as client:
            yield client

    return opened
