"""The frame of a customer: a page that holds nothing until its page names somebody and its reader has signed in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import JSONResponse

from console.access.scopes import Viewer
from console.access.sessions import cookie_name
from console.api.error_answers import ApiError
from console.embeds.embed_tokens import Given
from console.embeds.frame_headers import framed, opened
from console.embeds.gate import Gate, told
from console.embeds.naming import known_as
from console.embeds.setup import Embeds
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.pages.live.looks import Looks
from console.pages.live.streaming import stream
from console.services.assignees import assignees
from console.services.ports import ApiDeps
from console.views.label import label
from console.views.profile import profile_view
from console.views.timeline import timeline_view
from profiles.types import Profile

__all__ = ["VIEWED", "customer_frame_router", "values_of"]

VIEWED = "profile.view"
"""As the audit trail calls it."""

_FRAGMENTS = ("head", "risk", "value", "tickets", "events", "case")
_EVENTS = 5
_COOKIE = "__Secure-rapport-embed"

_Origin = Annotated[str, Query(max_length=300)]


def customer_frame_router(deps: ApiDeps, embeds: Embeds, entry: Entry, gate: Gate, frame: Frame) -> APIRouter:
    """The routes below /embed that a frame of a customer asks, and the window in which its reader signs in."""
    router = APIRouter(prefix="/embed", include_in_schema=False, max_body_size=16 * 1024)
    looks = Depends(gate.may("profiles:read", what="look"))
    listens = Depends(gate.may("profiles:read", what="look", asks=False))
    signed_in, written = Depends(entry.may("profiles:read")), Looks(gate.note, VIEWED)

    @router.get("/customer")
    async def customer(request: Request) -> Response:
        if not embeds.origins:
            raise ApiError(404, "not_found", "RAPPORT_EMBED_ORIGINS names no tool in whose pages this may stand")
        page = await frame.page(request, None, "embed_frame", origins=json.dumps(embeds.origins), given=None, script="")
        return framed(page, embeds.origins)

    @router.post("/look")
    async def look(
        request: Request, identity: Annotated[list[str], Form(max_length=20)], viewer: Viewer = looks
    ) -> Response:
        found = await known_as(deps, identity)
        if found is None:
            gate.note(request, viewer, VIEWED, result="404")
            return await frame.part(request, viewer, "embed_customer", "unknown")
        written.page(request, viewer, found.id)
        return await frame.part(request, viewer, "embed_customer", "main", **await values_of(deps, found, viewer))

    @router.get("/live/{profile}")
    async def live(request: Request, profile: str, viewer: Viewer = listens) -> Response:
        language = language_of(request)
        written.stream(request, viewer, profile, await deps.reader.profile(profile))

        async def render() -> dict[str, str]:
            found = await deps.reader.profile(profile)
            if found is None or found.company is not None or found.id != profile:
                moved = found is not None and found.company is None
                gone = frame.fragment(language, "embed_customer", "gone", {"moved": moved})
                return {**dict.fromkeys(_FRAGMENTS, ""), "head": gone}
            shared = {**await frame.shared(request, viewer), **await values_of(deps, found, viewer)}
            return await frame.fragments(language, "embed_customer", _FRAGMENTS, shared)

        return stream(frame.boards, request, viewer, render, gate.still(request, viewer), about=profile)

    @router.get("/allow")
    async def allow(request: Request, origin: _Origin = "") -> Response:
        """The window that a frame opens: whoever is signed in to the console lets it show customers."""
        _check_origin(embeds, origin)
        viewer = await entry.viewer(request)
        return opened(await frame.page(request, None, "embed_allow", reader=viewer.name if viewer else ""))

    @router.get("/allow/in")
    async def whether_in(request: Request) -> Response:
        """What that window asks until somebody has signed in beside it."""
        return Response(status_code=401 if await entry.viewer(request, asks=False) is None else 204, headers=HEADERS)

    @router.get("/allow/done")
    async def done(request: Request) -> Response:
        return await frame.page(request, None, "embed_signed_in")

    @router.post("/token")
    async def token(
        request: Request, origin: Annotated[str, Form(max_length=300)], viewer: Viewer = signed_in
    ) -> Response:
        _check_origin(embeds, origin)
        await gate.limits.count("token", viewer.name)
        cookie = request.cookies.get(cookie_name(secure=request.url.scheme == "https"))
        in_by_it = await entry.sessions.viewer(cookie)
        if in_by_it is None or in_by_it.name != viewer.name:
            cookie = None  # the proxy says who it is
        given = await gate.tokens.of_session(viewer.name, cookie, origin)
        gate.note(request, viewer, "embed.token", viewer.name, fields=(origin,))
        return _handed(given)

    @router.post("/renew")
    async def renew(request: Request) -> Response:
        given = await gate.tokens.renewed(*told(request)) if await gate.viewer(request) is not None else None
        if given is None or given.seconds < 1:
            raise ApiError(401, "unauthorized", "sign in again: nobody has this token of a frame (any more)")
        return _kept(_handed(given), given)

    @router.post("/resume")
    async def resume(request: Request) -> Response:
        """The next token for a frame that is made anew, by the cookie that the one before it left."""
        given, origin = None, told(request)[1]
        if request.headers.get("sec-fetch-site") == "same-origin":
            given = await gate.tokens.renewed(request.cookies.get(_COOKIE, ""), origin)
        if given is None or given.seconds < 1:
            raise ApiError(401, "unauthorized", "sign in again: no frame of this tool was here before")
        return _kept(_handed(given), given)

    return router


async def values_of(deps: ApiDeps, found: Profile, viewer: Viewer) -> Mapping[str, Any]:
    """What the frame's template shows of a customer; masked where it is shown."""
    may_act = viewer.may("alerts:write")
    return {
        "customer": profile_view(found, await deps.now(), deps.plan),
        "label": label(found, deps.plan, masked=not viewer.may("pii:one")),
        "events": timeline_view(found, _EVENTS, deps.plan),
        "may_act": may_act,
        "whom": await assignees(deps) if may_act else [],
        "one": True,
    }


def _check_origin(embeds: Embeds, origin: str) -> None:
    if origin not in embeds.origins:
        raise ApiError(403, "forbidden", "RAPPORT_EMBED_ORIGINS names no such tool")


def _kept(response: Response, given: Given) -> Response:
    """Leave a token to the frame that comes after in pages of the same site (`Partitioned`), for this one route."""
    attributes = f"Max-Age={given.seconds:.0f}; Path=/embed/resume; Secure; HttpOnly; SameSite=None; Partitioned"
    response.headers.append("Set-Cookie", f"{_COOKIE}={given.text}; {attributes}")
    return response


def _handed(given: Given) -> Response:
    return JSONResponse({"token": given.text, "seconds": given.seconds}, headers=HEADERS)
