"""Segments: their sizes, who is in them, what the last census found of them and of all customers, and one that is not
saved yet."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import guarded
from console.api.profiles import Cursor, Limit, known_segment
from console.services.ports import ApiDeps
from console.services.preview import compile_request, preview
from console.views.document import Page
from console.views.profile import summary_view
from console.views.segments import (
    PopulationView,
    PreviewRequest,
    SegmentMember,
    SegmentPersona,
    SegmentPreview,
    SegmentSize,
    cluster_view,
    figures_view,
    persona_view,
    population_view,
)
from models.population.findings import Findings
from profiles.errors import Misconfigured
from streams.background import aside

__all__ = ["segments_router"]


def segments_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/segments, and /v1/population."""
    router = APIRouter(route_class=guarded(deps), tags=["segments"])
    words = {rule.name: rule.description for rule in deps.plan.segments}
    clusters = {rule.name: getattr(rule.when, "cluster", None) for rule in deps.plan.segments}

    async def read_findings() -> Findings:
        raw = await deps.findings()
        return Findings() if raw is None else Findings.from_json(raw)

    @router.get("/segments", summary="Segments and their sizes")
    async def segments() -> Page[SegmentSize]:
        sizes = dict.fromkeys(words, 0) | await deps.reader.segment_sizes()
        findings = await read_findings()
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

    @router.get("/segments/{name}/members", summary="Who is in a segment", responses=describe_errors(404))
    async def members(name: str, limit: Limit = 50, cursor: Cursor = None) -> Page[SegmentMember]:
        await known_segment(deps, name)
        rows, following = await deps.reader.members(name, limit=limit, cursor=cursor)
        found = await deps.reader.profiles([id_ for id_, _ in rows])
        data = [
            SegmentMember.of(summary_view(found[id_], deps.plan), since=since) for id_, since in rows if id_ in found
        ]
        return Page(data=data, next=following)

    @router.get("/segments/{name}", summary="A segment and its persona", responses=describe_errors(404))
    async def segment(name: str) -> SegmentPersona:
        await known_segment(deps, name)
        findings = await read_findings()
        found = {cluster.id: cluster for cluster in findings.population.clusters}
        cluster = found.get(clusters.get(name) or "")
        persona = findings.personas.get(name)
        return SegmentPersona(
            name=name,
            description=words.get(name) or None,
            size=(await deps.reader.segment_sizes()).get(name, 0),
            learned=cluster and cluster_view(cluster, findings.learned.history),
            persona=persona and persona_view(persona, findings.currency),
        )

    @router.post("/segments/preview", summary="Who would be in a segment")
    async def preview_segment(asked: PreviewRequest) -> SegmentPreview:
        population = (await read_findings()).population
        try:
            compiled = await aside(compile_request, asked, deps.plan, population)
        except Misconfigured as error:
            raise ApiError(400, "invalid_segment", str(error)) from None
        return await preview(asked, compiled, deps)

    @router.get("/population", summary="What all customers are ranked by", responses=describe_errors(404))
    async def population() -> PopulationView:
        findings = await read_findings()
        if not findings.population.version:
            message = "the customers have not been counted yet; workers do it once there are any"
            raise ApiError(404, "no_census", message)
        return population_view(findings)

    return router
