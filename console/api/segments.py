"""Segments: their sizes and who is in them."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.errors import ApiError, describe_errors
from console.api.personas import read_findings
from console.api.profiles import Cursor, Limit
from console.services.ports import ApiDeps
from console.views.documents import Page, SegmentMember, SegmentSize
from console.views.profile import segments_described, summary_view
from console.views.segments import figures_view
from profiles.times import rfc3339

__all__ = ["segments_router"]


def segments_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/segments."""
    router = APIRouter(prefix="/segments", tags=["segments"])
    words = segments_described(deps.plan)
    clusters = {rule.name: getattr(rule.when, "cluster", None) for rule in (deps.plan.segments if deps.plan else ())}

    @router.get("", summary="Segments and their sizes", responses=describe_errors(401))
    async def segments() -> Page[SegmentSize]:
        sizes = dict.fromkeys(words, 0) | await deps.reader.segment_sizes()
        findings = await read_findings(deps)
        personas, names = findings.personas, {cluster.id: cluster.name for cluster in findings.population.clusters}
        rows = [
            SegmentSize(
                name=name,
                description=words.get(name) or None,
                size=size,
                learned=names.get(clusters.get(name) or ""),
                census=figures_view(personas[name]) if name in personas else None,
            )
            for name, size in sizes.items()
        ]
        return Page(data=rows, next=None)

    @router.get("/{name}/members", summary="Who is in a segment", responses=describe_errors(400, 401, 404))
    async def members(name: str, limit: Limit = 50, cursor: Cursor = None) -> Page[SegmentMember]:
        if name not in words and name not in await deps.reader.segment_sizes():
            raise ApiError(404, "unknown_segment", f"there is no segment {name!r}; /v1/segments lists them")
        rows, following = await deps.reader.members(name, limit=limit, cursor=cursor)
        found = await deps.reader.profiles([id_ for id_, _ in rows])
        data = [
            SegmentMember(**dict(summary_view(found[id_], deps.plan)), since=rfc3339(since))
            for id_, since in rows
            if id_ in found
        ]
        return Page(data=data, next=following)

    return router
