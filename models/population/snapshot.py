"""What is known of all customers together, as every worker uses it: where quantiles lie, and which clusters there are.

The census makes it from current states on a schedule and ships it with a version, so that all workers rank by the same
edges. Streams of past values would not do: a customer's recency changes daily, and a sketch that is never emptied
keeps old states.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from profiles.errors import Misconfigured

__all__ = ["EDGES", "NEAREST", "Cluster", "PopulationSnapshot"]

EDGES = 99
"""How many edges each measure has: its percentiles, the 1st to the 99th."""

NEAREST = 0.15
"""Who is in a cluster stays until another centre is nearer by more than this share of the distance."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """One learned segment. `centre` and `spread` are on `measures.AXES`, standardised by the population's `scales`."""

    id: str  # "1" to "5": the same cluster keeps its id from version to version
    name: str  # in words, of its signs: "recent, frequent, high value"
    centre: tuple[float, float, float]
    size: int = 0  # customers
    share: float = 0.0  # …of all that ordered
    since: float = 0.0  # when a cluster like this one was first found
    moved: float = 0.0  # distance of the centre from that of the version before
    grown: float = 0.0  # change of the share since the version before
    generation: int = 1  # goes up when the id is given to other customers than before


class PopulationSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Quantiles and clusters. Money is in major units of the plan's currency, ages in days
    (`models.population.measures`)."""

    version: int = 0  # 0: nothing is known yet
    at: float = 0.0  # when the customers were looked at
    customers: int = 0  # how many were
    edges: dict[str, list[float]] = {}  # measure → its EDGES percentiles, ascending
    scales: tuple[tuple[float, float], ...] = ()  # (mean, standard deviation) of each of `measures.AXES`
    clusters: list[Cluster] = []

    @classmethod
    def empty(cls) -> PopulationSnapshot:
        """Before the first census."""
        return _EMPTY

    def quantile(self, measure: str, share: float) -> float:
        """The value below which a share (0 to 1) of the customers lies; NaN for a measure nobody has counted.

        Between percentiles it is interpolated; below the first and above the last it is theirs, and infinite from 0
        down and from 1 up, so that nobody lies beyond.
        """
        edges = self.edges.get(measure)
        if edges is None:
            return math.nan
        if share <= 0.0:
            return -math.inf
        if share >= 1.0:
            return math.inf
        at = min(max(share * (EDGES + 1) - 1.0, 0.0), EDGES - 1.0)
        below = int(at + 1e-9)
        part = at - below
        if part < 1e-9:
            return edges[below]
        return edges[below] + part * (edges[below + 1] - edges[below])

    def share_below(self, measure: str, value: float) -> float:
        """The share (0 to 1) of the customers below a value, to a percent; NaN for a measure nobody has counted."""
        edges = self.edges.get(measure)
        if edges is None:
            return math.nan
        return sum(edge < value for edge in edges) / (EDGES + 1)

    def distances(self, place: Sequence[float]) -> dict[str, float]:
        """The distance of a place (`measures.place`) from the centre of each cluster, by its id."""
        if not self.clusters:
            return {}
        z = [(x - mean) / scale if scale > 0 else 0.0 for x, (mean, scale) in zip(place, self.scales, strict=True)]
        return {cluster.id: math.dist(z, cluster.centre) for cluster in self.clusters}

    def nearest(self, place: Sequence[float], held: str | None = None) -> str | None:
        """The id of the cluster that a place belongs to; None while there are no clusters.

        Args:
            place: of `measures.place`.
            held: the cluster the customer is in; it stays unless another centre is nearer by more than NEAREST.
        """
        far = self.distances(place)
        if not far:
            return None
        best = min(far, key=lambda id_: (far[id_], id_))
        if held in far and far[best] >= far[held] * (1.0 - NEAREST):
            return held
        return best

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return msgspec.json.encode(self)

    @classmethod
    def from_json(cls, data: bytes) -> PopulationSnapshot:
        """What `to_json` gave.

        Raises:
            Misconfigured: not the JSON of a population snapshot, or its numbers are missing, not finite or out of
            order.
        """
        try:
            read = msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError as error:
            raise Misconfigured(f"this is no population snapshot: {error}") from error
        read.check()
        return read

    def check(self) -> None:
        """Refuse numbers that nobody can be ranked by.

        Raises:
            Misconfigured: edges that are not EDGES ascending finite numbers, or clusters without sound scales.
        """
        for measure, edges in self.edges.items():
            sound = len(edges) == EDGES and all(map(math.isfinite, edges)) and all(a <= b for a, b in pairwise(edges))
            if not sound:
                raise Misconfigured(f"population {self.version} is damaged: {measure} has no {EDGES} ascending edges")
        numbers = [x for cluster in self.clusters for x in cluster.centre] + [x for scale in self.scales for x in scale]
        if not all(map(math.isfinite, numbers)) or (self.clusters and len(self.scales) != 3):
            raise Misconfigured(f"population {self.version} is damaged: its clusters are not all finite")


_EMPTY = PopulationSnapshot()
