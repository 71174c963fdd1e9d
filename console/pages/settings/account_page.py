"""One's own account: password, and the sessions that are open."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response

from console.access.own_sessions import OwnSessions
from console.access.passwords import LEAST, MOST, is_password
from console.access.people import People
from console.access.scopes import SCOPES, Viewer
from console.access.sessions import cookie_name
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.services.ports import ApiDeps

__all__ = ["account_page_router"]

_HERE = ("password", "link")
"""How somebody comes in whose account this is: others of that name have theirs elsewhere."""


def account_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /settings, and what somebody may do there to what is theirs."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("profiles:read"))  # every role may

    @router.get("/settings")
    async def account(request: Request, viewer: Viewer = reads) -> Response:
        return await frame.page(request, viewer, "settings_account", **await values(request, viewer))

    @router.post("/settings/password")
    async def password(
        request: Request,
        now: Annotated[str, Form(max_length=1000)] = "",
        wanted: Annotated[str, Form(max_length=1000)] = "",
        again: Annotated[str, Form(max_length=1000)] = "",
        viewer: Viewer = reads,
    ) -> Response:
        problem = await wrong(request, viewer, now, wanted, again)
        if not problem:
            await People(deps.access).set_password(viewer.name, wanted)
            await own(request, viewer).end_others()
        entry.note(request, viewer, "password.change", viewer.name, result="409" if problem else "ok")
        shown = {**await values(request, viewer), "problem": problem, "changed": not problem}
        return await frame.part(request, viewer, "settings_account", "account", **shown)

    @router.post("/settings/sessions/end")
    async def end(request: Request, id: Annotated[str, Form(max_length=64)], viewer: Viewer = reads) -> Response:
        ended = await own(request, viewer).end(id)
        entry.note(request, viewer, "session.end", viewer.name, result="ok" if ended else "404")
        return await frame.part(request, viewer, "settings_account", "sessions", **await values(request, viewer))

    @router.post("/settings/sessions/end-others")
    async def end_others(request: Request, viewer: Viewer = reads) -> Response:
        await own(request, viewer).end_others()
        entry.note(request, viewer, "session.end", viewer.name, fields=("others",))
        return await frame.part(request, viewer, "settings_account", "sessions", **await values(request, viewer))

    def own(request: Request, viewer: Viewer) -> OwnSessions:
        secret = request.cookies.get(cookie_name(secure=request.url.scheme == "https"))
        return OwnSessions(deps.access, viewer.name, secret)

    async def wrong(request: Request, viewer: Viewer, now: str, wanted: str, again: str) -> str:
        """Why the password cannot be changed so, as the template words it; "": it can."""
        account, session = await deps.access.account(viewer.name), await own(request, viewer).here()
        if account is None or session is None or session.via not in _HERE or account.source:
            return "elsewhere"
        if await entry.slow_down(request, viewer.name):
            return "often"
        if account.password and not await is_password(now, account.password):
            return "wrong"
        if not account.password and not await own(request, viewer).is_fresh():
            return "stale"
        if wanted != again:
            return "differ"
        return "" if LEAST <= len(wanted) <= MOST else "length"

    async def values(request: Request, viewer: Viewer) -> dict[str, Any]:
        account, session = await deps.access.account(viewer.name), await own(request, viewer).here()
        return {
            "own_account": account is not None and session is not None and session.via in _HERE and not account.source,
            "has_password": bool(account and account.password),
            "sessions": await own(request, viewer).all(),
            "may": [words for scope, words in SCOPES.items() if viewer.may(scope)],
            "least": LEAST,
            "problem": "",
            "changed": False,
        }

    return router
