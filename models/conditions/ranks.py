"""Where compiled conditions find the customers' ranks: the quantiles and clusters of the population snapshot of the
moment.

A condition asks for places in a list of limits when it is compiled; the list is worked out once per population, so that
ranking a customer is one comparison of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from math import sqrt
from typing import Any

from models.conditions.crossings import Find
from models.durations import DAY
from models.population.measures import place
from models.population.snapshot import PopulationSnapshot
from profiles.types import Profile

__all__ = ["NOWHERE", "Nearness", "Ranks", "clearly", "growing_silence", "keeps"]

Nearness = tuple[dict[str, float], str | None, float]
"""(distance of each cluster's centre, id of the nearest, its distance)."""

NOWHERE: Nearness = ({}, None, math.inf)
"""Of who never ordered, and while there are no clusters."""


class Ranks:
    """The limits that a set of conditions compares with.

    Args:
        population: answers the newest one.
        currency: of the plan.
    """

    def __init__(self, population: Callable[[], PopulationSnapshot], currency: str) -> None:
        self.population = population
        self._currency = currency
        self._asked: list[Callable[[PopulationSnapshot], Any]] = []
        self._places: dict[tuple[str, float], int] = {}
        self._known: PopulationSnapshot | None = None
        self._limits: list[Any] = []

    def quantile(self, measure: str, share: float) -> int:
        """The place of a measure's quantile in `limits`."""
        if (measure, share) not in self._places:
            self._places[measure, share] = self._add(lambda population: population.quantile(measure, share))
        return self._places[measure, share]

    def known(self, measures: frozenset[str], clusters: bool) -> int:
        """The place in `limits` of whether all these measures have quantiles, and there are clusters if they matter."""
        return self._add(
            lambda population: measures <= population.edges.keys() and bool(population.clusters or not clusters)
        )

    def nearness(self) -> int:
        """The place in `limits` of a function (profile, now) → Nearness."""
        return self._add(lambda population: _nearness(population, self._currency))

    def limits(self) -> list[Any]:
        """What was asked for, by the newest population snapshot."""
        population = self.population()
        if population is not self._known:
            self._limits = [ask(population) for ask in self._asked]
            self._known = population
        return self._limits

    def _add(self, ask: Callable[[PopulationSnapshot], Any]) -> int:
        self._asked.append(ask)
        return len(self._asked) - 1


def keeps(near: Nearness, id_: str, margin: float) -> bool:
    """Whether who is in a cluster stays: no other centre is nearer by more than the margin."""
    far, best, least = near
    return best is not None and id_ in far and least >= far[id_] * (1.0 - margin)


def clearly(near: Nearness, id_: str, margin: float) -> bool:
    """Whether a cluster's centre is the nearest, by more than the margin."""
    far, best, least = near
    return best == id_ and all(least < other * (1.0 - margin) for key, other in far.items() if key != id_)


def growing_silence(thresholds: list[float]) -> Find[Profile]:
    """When to look again at who gets no score, whose rank moves with time and with the others: when their silence has
    grown by a tenth, every day at the most and every four weeks at the least. A new score looks at the rest."""

    def find(profile: Profile, now: float) -> float:
        if profile.rescore_at:
            return math.inf
        return now + min(max((now - profile.purchases.last) / 10, DAY), 28 * DAY)

    return find


def _nearness(population: PopulationSnapshot, currency: str) -> Callable[[Profile, float], Nearness]:
    """`PopulationSnapshot.distances` of a profile's place, with all that does not depend on it worked out before."""
    if not population.clusters:
        return lambda profile, now: NOWHERE
    (m0, s0), (m1, s1), (m2, s2) = [(mean, 1.0 / scale if scale > 0 else 0.0) for mean, scale in population.scales]
    centres = [(cluster.id, *cluster.centre) for cluster in sorted(population.clusters, key=lambda cluster: cluster.id)]

    def nearness(profile: Profile, now: float) -> Nearness:
        at = place(profile, now, currency)
        if at is None:
            return NOWHERE
        x, y, z = (at[0] - m0) * s0, (at[1] - m1) * s1, (at[2] - m2) * s2
        far = {}
        best, least = None, math.inf
        for id_, a, b, c in centres:
            distance = far[id_] = sqrt((x - a) * (x - a) + (y - b) * (y - b) + (z - c) * (z - c))
            if distance < least:
                best, least = id_, distance
        return far, best, least

    return nearness
