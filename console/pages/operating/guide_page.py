"""The guide for who is new, as far as it is not a part of the page At risk."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.services.first_steps import FirstSteps
from console.services.ports import ApiDeps

__all__ = ["guide_page_router"]


def guide_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route by which somebody puts it away."""
    router = APIRouter(include_in_schema=False)
    looks_after = Depends(entry.may("pipeline:read"))

    @router.post("/guide/away")
    async def away(request: Request, viewer: Viewer = looks_after) -> Response:
        await FirstSteps(deps).put_away(viewer)
        return await frame.part(request, viewer, "guide", "guide", guide=None)

    return router
