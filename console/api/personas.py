"""Segments as the last census found them, and the population snapshot that customers are ranked by."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.errors import ApiError, describe_errors
from console.services.ports import ApiDeps
from console.views.profile import segments_described
from console.views.segment_documents import ClusterView, PopulationView, SegmentPersona
from console.views.segments import cluster_view, persona_view, population_view
from models.population.findings import Findings

__all__ = ["personas_router", "read_findings"]


async def read_findings(deps: ApiDeps) -> Findings:
    """What the last census came to; empty before the first."""
    raw = await deps.findings() if deps.findings else None
    return Findings() if raw is None else Findings.from_json(raw)


def personas_router(deps: ApiDeps) -> APIRouter:
    """The routes `/v1/segments/{name}` and `/v1/population`."""
    router = APIRouter(tags=["segments"])
    words = segments_described(deps.plan)
    rules = {rule.name: rule for rule in deps.plan.segments} if deps.plan else {}

    @router.get("/segments/{name}", summary="A segment and its persona", responses=describe_errors(401, 404))
    async def segment(name: str) -> SegmentPersona:
        sizes = await deps.reader.segment_sizes()
        if name not in words and name not in sizes:
            raise ApiError(404, "unknown_segment", f"there is no segment {name!r}; /v1/segments lists them")
        findings = await read_findings(deps)
        persona = findings.personas.get(name)
        return SegmentPersona(
            name=name,
            description=words.get(name) or None,
            size=sizes.get(name, 0),
            learned=learned(findings, name),
            persona=persona and persona_view(persona, findings.currency),
        )

    def learned(findings: Findings, name: str) -> ClusterView | None:
        id_ = getattr(rules[name].when, "cluster", None) if name in rules else None
        found = [cluster for cluster in findings.population.clusters if cluster.id == id_]
        return cluster_view(found[0], findings.learned.history) if found else None

    @router.get("/population", summary="What all customers are ranked by", responses=describe_errors(401, 404))
    async def population() -> PopulationView:
        findings = await read_findings(deps)
        if not findings.population.version:
            raise ApiError(
                404, "no_census", "the customers have not been counted yet; workers do it once there are any"
            )
        return population_view(findings)

    return router
