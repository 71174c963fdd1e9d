"""What a census found, as people and tools read it: pure functions from the stored findings to the API's documents."""

from __future__ import annotations

from math import expm1

from console.views.documents import Money, SegmentFigures
from console.views.profile import money_view
from console.views.segment_documents import (
    ClusterMoment,
    ClusterView,
    ContrastView,
    MarkView,
    PersonaView,
    PointView,
    PopulationView,
    RiskView,
    ShareView,
    ValueView,
)
from models.population.clusters import Moment, signs
from models.population.findings import Findings
from models.population.personas import Mark, Persona, Point
from models.population.snapshot import Cluster
from profiles.money import to_minor
from profiles.times import rfc3339

__all__ = ["cluster_view", "figures_view", "persona_view", "population_view"]

_WORDS = {"source": "uses", "does": "does", "bought": "buys", "stage": "stage"}


def persona_view(persona: Persona, currency: str) -> PersonaView:
    """A segment's persona."""
    each = 1 / persona.size if persona.size else 0.0
    return PersonaView(
        version=persona.version,
        at=rfc3339(persona.at),
        size=persona.size,
        share=persona.share,
        marks=[_mark(mark) for mark in persona.marks],
        contrasts=[
            ContrastView(name=_trait(it.name), unit=it.unit, mean=it.mean, base=it.base, apart=it.apart)
            for it in persona.contrasts
        ],
        value=ValueView(
            buyers=persona.buyers,
            orders=persona.orders,
            revenue=_money(persona.revenue, currency),
            net=_money(persona.net, currency),
            mean_revenue=_money(persona.revenue * each, currency),
            mean_net=_money(persona.net * each, currency),
            mean_orders=persona.orders * each,
        ),
        risk=None
        if persona.risk is None
        else RiskView(scored=persona.scored, mean=persona.risk, bands=_shares(persona.bands)),
        stages=_shares(persona.stages),
        sources=_shares(persona.sources),
        categories=_shares(persona.categories),
        overlaps=_shares(persona.overlaps),
        trend=[_point(point) for point in persona.trend],
    )


def figures_view(persona: Persona) -> SegmentFigures:
    """A segment in a list."""
    return SegmentFigures(
        at=rfc3339(persona.at),
        size=persona.size,
        share=persona.share,
        risk=persona.risk,
        sizes=[point.size for point in persona.trend],
        risks=[point.risk for point in persona.trend],
    )


def population_view(findings: Findings) -> PopulationView:
    """Everything that all customers are ranked by."""
    population = findings.population
    return PopulationView(
        version=population.version,
        at=rfc3339(population.at),
        customers=population.customers,
        uncounted=findings.uncounted,
        stale_partitions=findings.stale,
        missing_partitions=findings.missing,
        percentiles=population.edges,
        clusters=[cluster_view(cluster, findings.learned.history) for cluster in population.clusters],
    )


def cluster_view(cluster: Cluster, history: list[Moment]) -> ClusterView:
    """A learned segment, with where it came from."""
    return ClusterView(
        id=cluster.id,
        generation=cluster.generation,
        name=cluster.name,
        signs=signs(cluster.centre),
        size=cluster.size,
        share=cluster.share,
        since=rfc3339(cluster.since),
        moved=cluster.moved,
        grown=cluster.grown,
        history=[_moment(cluster.id, moment) for moment in history if cluster.id in moment.centres],
    )


def _moment(id_: str, moment: Moment) -> ClusterMoment:
    silent, orders, spend = (expm1(value) for value in moment.centres[id_])  # `measures.AXES` are logarithms
    return ClusterMoment(
        version=moment.version,
        at=rfc3339(moment.at),
        share=moment.shares[id_],
        days_silent=silent,
        orders=orders,
        spend=spend,
        generation=moment.generations.get(id_, 1),
    )


def _mark(mark: Mark) -> MarkView:
    return MarkView(
        kind=mark.kind,
        value=mark.value,
        text=f"{_WORDS.get(mark.kind) or _trait(mark.kind)} {mark.value.replace('_', ' ')}",
        members=mark.members,
        share=mark.share,
        base=mark.base,
        lift=mark.lift,
        lift_low=mark.low,
        lift_high=mark.high,
    )


def _point(point: Point) -> PointView:
    return PointView(version=point.version, at=rfc3339(point.at), size=point.size, share=point.share, risk=point.risk)


def _shares(shares: dict[str, float]) -> list[ShareView]:
    return [ShareView(name=name, share=share) for name, share in shares.items()]


def _trait(name: str) -> str:
    return name.removeprefix("trait:").replace("_", " ")


def _money(major: float, currency: str) -> Money:
    return money_view(to_minor(round(major, 6), currency), currency)
