"""What a census comes to: the population snapshot that all workers rank by, learned segments, and the personas."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from models.customer.journey import Wait
from models.population.census import EVERYBODY, Figure, Summary, Sums, edges, merge, waits
from models.population.clusters import Learned, learn
from models.population.personas import Persona, personas
from models.population.snapshot import PopulationSnapshot
from profiles.errors import Misconfigured

__all__ = ["Findings", "conclude"]

_encode = msgspec.json.encode


class Findings(msgspec.Struct, frozen=True):
    """Everything that is known of the customers together. JSON in the store."""

    population: PopulationSnapshot = PopulationSnapshot()
    currency: str = ""  # of all money in it
    customers: int = 0  # also those who are not counted
    uncounted: int = 0  # who deny `analytics`
    stale: list[int] = []  # partitions of which an earlier census was used
    missing: list[int] = []  # partitions of which there was none
    learned: Learned = Learned()
    personas: dict[str, Persona] = {}  # by segment, and of EVERYBODY
    waits: dict[str, Wait] = {}  # by phase of the journey
    bought: dict[str, int] = {}  # by tag of the catalogue, how many of the items that customers keep; "" for all
    firsts: dict[str, dict[int, int]] = {}  # by new product, how many customers bought it first after so many days

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return _encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> Findings:
        """What `to_json` gave.

        Raises:
            Misconfigured: it is something else, or damaged.
        """
        try:
            read = msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError as error:
            raise Misconfigured(f"these are no findings of a census: {error}") from error
        read.population.check()
        return read


def conclude(
    before: Findings,
    parts: Mapping[int, Summary | None],
    names: Iterable[str],
    currency: str,
    stale: Iterable[int] = (),
) -> Findings:
    """Put a census together.

    Args:
        before: the findings before, which give learned segments their ids, and trends their past.
        parts: the summary of each partition; None for one that nobody has counted yet.
        names: the plan's segments.
        currency: of the plan.
        stale: partitions whose summary is of an earlier census.
    """
    whole = merge([part for part in parts.values() if part is not None])
    version = before.population.version + 1
    bought = whole.groups.get(EVERYBODY, Sums()).figures.get("orders", Figure()).count
    learned = learn(before.learned, whole.sample, bought, whole.at, version)
    population = PopulationSnapshot(
        version=version,
        at=whole.at,
        customers=whole.customers - whole.uncounted,
        edges=edges(whole),
        scales=learned.scales,
        clusters=learned.clusters,
    )
    return Findings(
        population,
        currency,
        whole.customers,
        whole.uncounted,
        sorted(stale),
        sorted(number for number, part in parts.items() if part is None),
        learned,
        personas(whole, version, names, before.personas),
        waits(whole),
        whole.bought,
        whole.firsts,
    )
