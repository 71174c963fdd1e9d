"""The population that customers are ranked by, as the latest census found it."""

from __future__ import annotations

from models.population.findings import Findings
from models.population.snapshot import PopulationSnapshot
from profiles.units import CensusStore
from streams.metrics import WorkerMetrics
from streams.refreshed import Refreshed
from streams.retry import retrying

__all__ = ["population_of"]


def population_of(store: CensusStore, metrics: WorkerMetrics) -> Refreshed[PopulationSnapshot]:
    """The population snapshot of the latest census; an empty one until there was any."""

    async def look() -> int | None:
        return (await store.head())[1] or None  # the round whose counts were put together last

    async def read(_: int) -> PopulationSnapshot | None:
        raw = await store.findings()
        return None if raw is None else Findings.from_json(raw).population

    return Refreshed(
        PopulationSnapshot.empty(),
        retrying(look),
        retrying(read),
        lambda population: f"ranking goes on by version {population.version} of the population snapshot",
        lambda _, population: metrics.population(population.version),
    )
