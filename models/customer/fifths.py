"""Recency, frequency and money in fifths of the customers, by mid-rank: equal values are in equal fifths.

They are ranked by the population snapshot of the last census, of who is still there; so fifths move when a census does.
"""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

from models.population.measures import FREQUENCY, MEASURES, MONETARY, RECENCY
from models.population.snapshot import EDGES, PopulationSnapshot
from profiles.types import Profile

__all__ = ["Fifth", "Fifths", "fifths_of", "rank"]


class Fifth(NamedTuple):
    """Where a customer stands by one measure."""

    fifth: int  # 1 to 5, 5 the best
    value: float  # days, orders, major units of the plan's currency


class Fifths(NamedTuple):
    """Where a customer stands."""

    recency: Fifth
    frequency: Fifth
    monetary: Fifth
    version: int  # of the population snapshot


def rank(population: PopulationSnapshot, measure: str, value: float) -> float | None:
    """The share (0 to 1) of the customers that a value is above, half of the equal ones among them; None if it is not
    known yet."""
    edges = population.edges.get(measure)
    if edges is None:
        return None
    below, equal = sum(edge < value for edge in edges), sum(edge == value for edge in edges)
    return (below + (equal + 1) / 2) / (EDGES + 1)


def fifths_of(profile: Profile, now: float, currency: str, population: PopulationSnapshot) -> Fifths | None:
    """The fifths of a customer; None of who never ordered, and before the first census."""
    found = []
    for measure in (RECENCY, FREQUENCY, MONETARY):
        value = MEASURES[measure].value(profile, now, currency)
        share = None if value is None else rank(population, measure, value)
        if value is None or share is None:
            return None
        fifth = min(max(ceil(5 * share - 1e-9), 1), 5)
        if measure == RECENCY:  # the lower, the better
            fifth = 6 - fifth
        elif measure == MONETARY and value < 0:
            fifth = 1
        found.append(Fifth(fifth, value))
    recency, frequency, monetary = found
    return Fifths(recency, frequency, monetary, population.version)
