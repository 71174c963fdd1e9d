"""Search: who is meant, as somebody types, as a list below the box of every page and as a page with an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.services.finder import MOST, Hits
from console.services.ports import ApiDeps
from console.views.search import search_view
from profiles.identity.secrets import hashed
from profiles.search.query import LONGEST
from profiles.types import Profile

__all__ = ["search_pages_router"]

_LISTED = 8  # below the box


def address_of(found: Profile) -> str:
    """Of the page of a customer, or of a company."""
    return f"/c/{found.id}" if found.company is None else f"/company/{quote(found.company.key, safe='')}"


def search_pages_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes /search and /search/list."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("profiles:read"))

    @router.get("/search")
    async def search(
        request: Request, q: Annotated[str, Query(max_length=LONGEST)] = "", viewer: Viewer = reads
    ) -> Response:
        if seconds := await asked(request, q, viewer):
            message = f"this was asked too often; ask again in {seconds} s"
            raise ApiError(429, "rate_limited", message, {"Retry-After": str(seconds)})
        found = await _find(q, viewer, MOST)
        exact = [hit for hit in found.hits if hit.exact]
        if (len(exact) == 1 and exact[0].kind != "profile_id") or len(exact) == len(found.hits) == 1:
            return RedirectResponse(address_of(exact[0].profile), 303, HEADERS)
        return await frame.page(request, viewer, "search", **_values(q, found, viewer))

    @router.get("/search/list")
    async def listed(
        request: Request, q: Annotated[str, Query(max_length=LONGEST)] = "", viewer: Viewer = reads
    ) -> Response:
        """What stands below the box while somebody types; nothing while they ask too often."""
        if seconds := await asked(request, q, viewer):
            return HTMLResponse("", 429, {**HEADERS, "Retry-After": str(seconds)})
        values = {**await frame.shared(request, viewer), **_values(q, await _find(q, viewer, _LISTED), viewer)}
        return HTMLResponse(frame.fragment(language_of(request), "search", "found", values), headers=HEADERS)

    async def asked(request: Request, text: str, viewer: Viewer) -> int:
        """Counts and writes down a search as the API does; answers after how many seconds they may, 0 for now."""
        seconds = await deps.limiter.wait(viewer, "search")
        about = hashed(deps.plan.pii_key, "query", text.strip().casefold())
        entry.note(request, viewer, "search", about, result="429" if seconds else "ok")
        return seconds

    async def _find(text: str, viewer: Viewer, limit: int) -> Hits:
        # Who sees initials only would read the names from what begins so: they find by the whole.
        return await deps.finder.find(deps.reader, deps.plan, text, limit, whole=not viewer.may("pii:one"))

    def _values(text: str, found: Hits, viewer: Viewer) -> Mapping[str, Any]:
        whole = not viewer.may("pii:one")
        return {"sought": text, "found": search_view(found, deps.plan, 0.0, masked=whole), "whole": whole}

    return router
