"""What is known of segments: their sizes of now, and what the last census found of them."""

from __future__ import annotations

from console.services.ports import ApiDeps
from console.services.preview import compile_request, preview
from console.views.segments import (
    PopulationView,
    PreviewRequest,
    SegmentPersona,
    SegmentPreview,
    SegmentSize,
    cluster_view,
    figures_view,
    persona_view,
    population_view,
)
from models.population.findings import Findings
from streams.background import aside

__all__ = ["Segments"]


class Segments:
    """Answers what is asked of segments, for the API and the pages alike."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._words = {rule.name: rule.description for rule in deps.plan.segments}
        self._clusters = {rule.name: getattr(rule.when, "cluster", None) for rule in deps.plan.segments}

    async def sizes(self) -> list[SegmentSize]:
        """Every segment and how many are in it, those of the plan first, in its order."""
        sizes = dict.fromkeys(self._words, 0) | await self._deps.reader.segment_sizes()
        findings = await self._findings()
        personas, names = findings.personas, {cluster.id: cluster.name for cluster in findings.population.clusters}
        return [
            SegmentSize(
                name=name,
                description=self._words.get(name) or None,
                size=size,
                learned=names.get(self._clusters.get(name) or ""),
                census=figures_view(personas[name]) if name in personas else None,
            )
            for name, size in sizes.items()
        ]

    async def persona(self, name: str) -> SegmentPersona:
        """A segment and what its members are like; what there is of one that is unknown is empty."""
        findings = await self._findings()
        found = {cluster.id: cluster for cluster in findings.population.clusters}
        cluster = found.get(self._clusters.get(name) or "")
        persona = findings.personas.get(name)
        return SegmentPersona(
            name=name,
            description=self._words.get(name) or None,
            size=(await self._deps.reader.segment_sizes()).get(name, 0),
            learned=cluster and cluster_view(cluster, findings.learned.history),
            persona=persona and persona_view(persona, findings.currency),
        )

    async def preview(self, asked: PreviewRequest) -> SegmentPreview:
        """Who would be in a segment, of the part of the customers that the request is about.

        Raises:
            Misconfigured: a plan would not take it.
            BadCursor: the request's cursor is none.
        """
        population = (await self._findings()).population
        return await preview(asked, await aside(compile_request, asked, self._deps.plan, population), self._deps)

    async def population(self) -> PopulationView | None:
        """What all customers are ranked by; None before the first census."""
        findings = await self._findings()
        return population_view(findings) if findings.population.version else None

    async def _findings(self) -> Findings:
        raw = await self._deps.findings()
        return Findings() if raw is None else Findings.from_json(raw)
