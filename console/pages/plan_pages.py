"""The pages of the tracking plan: all of it for those who work with it, and what it marks as public for everybody."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.services.ports import ApiDeps
from console.views.tracking_plan import plan_view

__all__ = ["plan_pages_router"]


def plan_pages_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes /plan and /transparency."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("profiles:read"))
    whole = plan_view(deps.plan)
    published = whole.published()

    @router.get("/plan")
    async def plan(
        request: Request,
        q: Annotated[str, Query(max_length=200)] = "",
        viewer: Viewer = reads,
    ) -> Response:
        shown = whole.narrowed(q) if q.strip() else whole
        return await frame.page(request, viewer, "plan", plan=shown, q=q, whole=whole)

    @router.get("/transparency")
    async def transparency(request: Request) -> Response:
        """For the people whom it is about: nobody signs in."""
        if not deps.transparency:
            raise ApiError(404, "not_found", "there is nothing at /transparency")
        viewer = await entry.viewer(request)
        return await frame.page(request, viewer, "transparency", plan=published)

    return router
