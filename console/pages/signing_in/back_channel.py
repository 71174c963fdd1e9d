"""The OpenID provider tells that somebody signed out there, and is out here at once (OpenID Connect Back-Channel Logout
1.0).

A server asks this, not a browser: no cookie and no page of ours stands behind it, only the provider's signature, for
us, of now, and once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse

from console.access.oidc.refusals import NotAccepted, ProviderAway
from console.access.scopes import Viewer
from console.access.ways import OIDC_ENDED
from console.pages.entry import Entry
from console.pages.headers import HEADERS
from profiles.stores.access import AccessStore

if TYPE_CHECKING:
    from console.access.oidc.provider import Provider

__all__ = ["back_channel_router"]

log = logging.getLogger(__name__)


def back_channel_router(provider: Provider, store: AccessStore, entry: Entry) -> APIRouter:
    """The route that the provider is told as `backchannel_logout_uri`."""
    router = APIRouter(include_in_schema=False)

    @router.post(OIDC_ENDED)
    async def ended(request: Request, logout_token: Annotated[str, Form(max_length=8000)] = "") -> Response:
        try:
            over = await provider.ended(logout_token)
        except (ProviderAway, NotAccepted) as why:
            return refused(str(why))
        if not await store.first_use(over.digest, over.lasts):
            return refused("its logout token was used before")
        for name in await entry.sessions.end_by_provider(over.subject, over.sid):
            entry.note(request, Viewer(name, "token", frozenset(), "oidc"), "session.end", name, fields=("provider",))
        return Response(status_code=200, headers=HEADERS)

    def refused(why: str) -> Response:
        log.warning("%s has ended nobody's session: %s", provider.issuer, why[:500])
        return JSONResponse({"error": "invalid_request"}, 400, HEADERS)

    return router
