"""Who asks the API: a program by its token, or one of our own pages by the session of who is signed in."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

from fastapi import Request
from pydantic import SecretStr

from console.access.api_tokens import Tokens
from console.access.proxy import Proxy
from console.access.scopes import ROLES, Scope, Viewer
from console.access.sessions import Sessions, cookie_name
from console.api.entrance.proxied import Proxied
from console.api.error_answers import ApiError
from profiles.stores.access import AccessStore

__all__ = ["VIA", "WHY", "Callers", "require"]

_MASTER = Viewer("RAPPORT_API_TOKEN", "admin", ROLES["admin"], "api", "RAPPORT_API_TOKEN")
_ELSEWHERE = frozenset({"cross-site", "same-site"})
_PERSONAL: frozenset[Scope] = frozenset({"pii:read", "pii:one", "pii:reveal"})

VIA, WHY = "x-rapport-via", "x-rapport-why"
"""Headers by which our own MCP server says that a model asks, and why it wants to see personal data."""


class Callers:
    """Lets in who shows a token, or has a session.

    Args:
        store: of tokens, accounts and sessions.
        master: the one token of the environment, which may do everything; empty: there is none.
        proxy: that says who is signed in, if there is one.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        store: AccessStore,
        master: SecretStr,
        proxy: Proxy | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._proxied = Proxied(store, proxy, clock)
        self._tokens = Tokens(store, clock)
        self._sessions = Sessions(store, clock)
        self._master = master.get_secret_value().encode()

    async def of(self, request: Request) -> Viewer:
        """Who asks.

        Raises:
            ApiError: 401, nobody who may; 400, a token came with somebody's session, or somebody pretends to be the
                proxy; 403, another site asks, or whom the proxy says may not come in.
        """
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        cookie = request.cookies.get(cookie_name(secure=request.url.scheme == "https"))
        if scheme.lower() != "bearer":  # a proxy in front of us may want another one of browsers
            return await self._by_session(request, cookie)
        if cookie:
            raise ApiError(400, "invalid_request", "send a token or the session's cookie, never both")
        found = await self._by_token(given.strip())
        if found is None:
            raise _unauthorized(_WRONG if given.strip() else _NONE)
        return _by_a_model(found, request) if request.headers.get(VIA) == "mcp" else found

    async def _by_token(self, given: str) -> Viewer | None:
        # Comparing takes the same time whatever is given.
        right = hmac.compare_digest(given.encode(errors="replace"), self._master)
        return _MASTER if right and self._master else await self._tokens.viewer(given)

    async def _by_session(self, request: Request, cookie: str | None) -> Viewer:
        proxied = await self._proxied.viewer(request)
        if not cookie and proxied is None:
            raise _unauthorized(_NONE)
        site = request.headers.get("sec-fetch-site")
        if site in _ELSEWHERE or (request.method not in {"GET", "HEAD"} and site != "same-origin"):
            raise ApiError(403, "forbidden", "with a session this must be asked from a page of the console itself")
        found = proxied or await self._sessions.viewer(cookie)
        if found is None:
            raise _unauthorized("nobody is signed in (any more)")
        return found._replace(via="page")


def _by_a_model(viewer: Viewer, request: Request) -> Viewer:
    """The same for a language model that asks: it sees personal data only where it says why."""
    scopes = viewer.scopes if request.headers.get(WHY, "").strip() else viewer.scopes - _PERSONAL
    return viewer._replace(via="mcp", scopes=scopes)


def require(viewer: Viewer, *scopes: Scope) -> None:
    """See that somebody may do something.

    Raises:
        ApiError: 403, they may not; it names what is missing.
    """
    if missing := [scope for scope in scopes if not viewer.may(scope)]:
        raise ApiError(403, "forbidden", f"this wants the scope {', '.join(missing)}, which {viewer.name} has not")


_WRONG = "this is not a token of the support API, or it has ended"
_NONE = "send a token of the support API: Authorization: Bearer TOKEN"


def _unauthorized(message: str) -> ApiError:
    return ApiError(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})
