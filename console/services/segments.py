"""What is known of segments: their sizes of now, and what the last census found of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from console.services.ports import ApiDeps
from console.services.preview import compile_request, preview
from console.views.segments import (
    MovesView,
    PopulationView,
    PreviewRequest,
    SegmentPersona,
    SegmentPreview,
    SegmentSize,
    cluster_view,
    figures_view,
    moves_view,
    persona_view,
    population_view,
)
from models.durations import DAY
from models.population.findings import Findings
from profiles.store import Moves
from streams.background import aside

__all__ = ["Segments"]

_DAYS = 30
_READ_AGAIN = 5.0  # seconds


class Segments:
    """Answers what is asked of segments, for the API and the pages alike."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._words = {rule.name: rule.description for rule in deps.plan.segments}
        self._read: tuple[float, int, Mapping[str, Sequence[Moves]]] = (0.0, -1, {})
        self._clusters = {rule.name: getattr(rule.when, "cluster", None) for rule in deps.plan.segments}

    async def _moves(self) -> Callable[[str], MovesView]:
        """What answers who entered and left a segment; read again after some seconds, as it is hundreds of keys."""
        today = int(await self._deps.now() // DAY)
        read_at, day, moves = self._read
        if day != today or time.monotonic() - read_at > _READ_AGAIN:
            moves = await self._deps.reader.segment_moves(range(today - _DAYS + 1, today + 1))
            self._read = time.monotonic(), today, moves
        return lambda name: moves_view(moves.get(name, [Moves()] * _DAYS), today)

    async def sizes(self) -> list[SegmentSize]:
        """Every segment and how many are in it, those of the plan first, in its order."""
        sizes = dict.fromkeys(self._words, 0) | await self._deps.reader.segment_sizes()
        findings, moves = await self._findings(), await self._moves()
        personas, names = findings.personas, {cluster.id: cluster.name for cluster in findings.population.clusters}
        return [
            SegmentSize(
                name=name,
                description=self._words.get(name) or None,
                size=size,
                learned=names.get(self._clusters.get(name) or ""),
                census=figures_view(personas[name]) if name in personas else None,
                moves=moves(name),
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
            moves=(await self._moves())(name),
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
