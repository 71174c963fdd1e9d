"""Segments: their sizes, who is in them, what the last census found of them and of all customers, and one that is not
saved yet."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import guarded, wants
from console.api.profiles import Cursor, Limit, known_segment
from console.services.ports import ApiDeps
from console.services.segments import Segments
from console.views.document import Page
from console.views.profile import summary_view
from console.views.segments import (
    PopulationView,
    PreviewRequest,
    SegmentMember,
    SegmentPersona,
    SegmentPreview,
    SegmentSize,
)
from profiles.errors import Misconfigured

__all__ = ["segments_router"]


def segments_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/segments, and /v1/population."""
    router = APIRouter(route_class=guarded(deps), tags=["segments"])
    found = Segments(deps)

    @router.get("/segments", summary="Segments and their sizes")
    @wants("segments:read")
    async def segments() -> Page[SegmentSize]:
        return Page(data=await found.sizes(), next=None)

    @router.get("/segments/{name}/members", summary="Who is in a segment", responses=describe_errors(404))
    @wants("segments:read")
    async def members(name: str, limit: Limit = 50, cursor: Cursor = None) -> Page[SegmentMember]:
        await known_segment(deps, name)
        rows, following = await deps.reader.members(name, limit=limit, cursor=cursor)
        known = await deps.reader.profiles([id_ for id_, _ in rows])
        data = [
            SegmentMember.of(summary_view(known[id_], deps.plan), since=since) for id_, since in rows if id_ in known
        ]
        return Page(data=data, next=following)

    @router.get("/segments/{name}", summary="A segment and its persona", responses=describe_errors(404))
    @wants("segments:read")
    async def segment(name: str) -> SegmentPersona:
        await known_segment(deps, name)
        return await found.persona(name)

    @router.post("/segments/preview", summary="Who would be in a segment")
    @wants("segments:preview")
    async def preview_segment(asked: PreviewRequest) -> SegmentPreview:
        try:
            return await found.preview(asked)
        except Misconfigured as error:
            raise ApiError(400, "invalid_segment", str(error)) from None

    @router.get("/population", summary="What all customers are ranked by", responses=describe_errors(404))
    @wants("segments:read")
    async def population() -> PopulationView:
        counted = await found.population()
        if counted is None:
            message = "the customers have not been counted yet; workers do it once there are any"
            raise ApiError(404, "no_census", message)
        return counted

    return router
