"""Tokens of the API, for admins: making one, which is shown once, its successor, ending it."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Request, Response

from console.access.api_tokens import LASTS, OVERLAP, Tokens
from console.access.people import People
from console.access.scopes import SCOPES, Viewer
from console.api.entrance.managing import managed
from console.api.error_answers import ApiError
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.tables.csv_tables import at, table
from console.services.ports import ApiDeps
from console.views.operating.entrants import TokenView

__all__ = ["tokens_page_router"]

Days = Annotated[float, Form(gt=0, le=3650)]


def tokens_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /settings/tokens, its table as CSV, and what is done there."""
    router = APIRouter(include_in_schema=False)
    manages = Depends(entry.may("admin"))

    @router.get("/settings/tokens")
    async def tokens(request: Request, viewer: Viewer = manages) -> Response:
        return await frame.page(request, viewer, "settings_tokens", **await values())

    @router.get("/settings/tokens.csv")
    async def as_file(request: Request, viewer: Viewer = manages) -> Response:
        columns = {
            "token": lambda one: one.token, "name": lambda one: one.name, "owner": lambda one: one.owner,
            "scopes": lambda one: one.scopes, "created": lambda one: at(one.created),
            "expires": lambda one: at(one.expires), "expired": lambda one: one.expired, "used": lambda one: one.used,
        }  # fmt: skip
        return table(request, entry, frame, viewer, "tokens", (await values())["tokens"], columns)

    @router.post("/settings/tokens/{deed}")
    async def act(
        request: Request,
        deed: Literal["add", "rotate", "revoke"],
        name: Annotated[str, Form(max_length=200)] = "",
        scope: Annotated[list[str] | None, Form()] = None,
        owner: Annotated[str, Form(max_length=200)] = "",
        days: Days = LASTS,
        viewer: Viewer = manages,
    ) -> Response:
        tokens, about, result = Tokens(deps.access, by=viewer), [""], "ok"
        given: tuple[str, ...] = ()
        told: dict[str, Any] = {"done": deed, "name": name}
        try:
            with managed():
                if deed == "revoke":
                    about = [token.id for token in await tokens.revoke(name)]
                else:
                    made = await (
                        tokens.add(name.strip(), scope or (), owner=owner.strip(), days=days)
                        if deed == "add"
                        else tokens.rotate(name, days=days)
                    )
                    told["text"], about, given = made.text, [made.token.id], made.token.scopes
        except ApiError as error:
            told, result = {"problem": error.message}, str(error.status)
        for id_ in about:
            entry.note(request, viewer, f"token.{deed}", id_, fields=given, result=result)
        return await frame.part(request, viewer, "settings_tokens", "tokens", **await values() | told)

    async def values() -> dict[str, Any]:
        now = time.time()
        held = [TokenView.of_token(token, now, used) for token, used in await Tokens(deps.access).all()]
        newest = {token.name: token.id for token in held}
        return {
            "tokens": held, "newest": newest, "scopes": SCOPES, "lasts": round(LASTS), "overlap": round(OVERLAP),
            "owners": [account.name for account in await People(deps.access).everybody()],
            "done": "", "problem": "", "text": "", "name": "",
        }  # fmt: skip

    return router
