"""What is counted of today, on the page of analyses, as it changes."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from console.access.scopes import Viewer
from console.api.analysing.today_routes import read_today
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of
from console.pages.live.streaming import stream
from console.services.ports import ApiDeps

__all__ = ["today_live_router"]


def today_live_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The stream of /analyses."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("analyses:read"))

    @router.get("/live/analyses")
    async def live(request: Request, viewer: Viewer = reads) -> Response:
        language = language_of(request)

        async def render() -> dict[str, str]:
            shared = {**await frame.shared(request, viewer), "today": await read_today(deps)}
            return {"today": frame.fragment(language, "today", "today", shared)}

        still = entry.still(request, viewer)
        return stream(frame.boards, request, viewer, render, still, kinds=("profile",), every=1.0, by_name=False)

    return router
