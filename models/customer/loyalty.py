"""Loyalty from 0 to 100: the mean of what is known of five parts, by the weights of the plan. Parts are always shown.

It has the churn risk in it, so it is no feature of the model of that, and no alert stands beside it. Trust is not
measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from models.customer.fifths import rank
from models.customer.satisfaction import Satisfaction
from models.features.readers import is_open
from models.population.measures import MEASURES
from models.population.snapshot import PopulationSnapshot
from profiles.types import Profile

__all__ = ["LEAST", "Loyalty", "PartOfLoyalty", "loyalty_of"]

LEAST = 3
"""Parts that must be known."""

_HABITS = ("orders", "visits")
_PRIOR, _TICKETS = 0.5, 2  # what is taken for known of service before the first ticket: so many, half of them well


@dataclass(frozen=True, slots=True)
class PartOfLoyalty:
    """One part."""

    name: str
    points: float | None  # 0 to 100; None where nothing is known: then it counts nothing
    weight: float


@dataclass(frozen=True, slots=True)
class Loyalty:
    """The index, with its parts."""

    index: float | None  # None while fewer than three parts are known
    parts: list[PartOfLoyalty]


def loyalty_of(
    profile: Profile, satisfaction: Satisfaction, population: PopulationSnapshot, now: float, currency: str,
    weights: Mapping[str, float], *, staying: float | None = None, steadiness: float | None = None,
) -> Loyalty:  # fmt: skip
    """How loyal a customer is.

    Args:
        profile: as stored.
        satisfaction: of it.
        population: by which habits are ranked.
        now: seconds.
        currency: of the plan.
        weights: of the parts; one of weight 0 is left out.
        staying: the chance that they stay, 0 to 1; None where it is not known, or must not be.
        steadiness: the share of months in which they came, 0 to 1; None where it is not known.
    """
    found = {
        "satisfaction": satisfaction.mean if satisfaction.year.mean is None else satisfaction.year.mean,
        "frequency": _frequency(profile, population, now, currency),
        "service": _service(profile),
        "steadiness": None if steadiness is None else 100.0 * steadiness,
        "staying": None if staying is None else 100.0 * staying,
    }
    parts = [PartOfLoyalty(name, found[name], weight) for name, weight in weights.items() if weight > 0]
    known = [(part.points, part.weight) for part in parts if part.points is not None]
    if len(known) < LEAST:
        return Loyalty(None, parts)
    return Loyalty(sum(points * weight for points, weight in known) / sum(weight for _, weight in known), parts)


def _frequency(profile: Profile, population: PopulationSnapshot, now: float, currency: str) -> float | None:
    """Where purchases and visits stand among those of others: the mean of both ranks."""
    ranks = []
    for measure in _HABITS:
        value = MEASURES[measure].value(profile, now, currency)
        share = None if value is None else rank(population, measure, value)
        if share is not None:
            ranks.append(100.0 * min(share, 1.0))
    return sum(ranks) / len(ranks) if ranks else None


def _service(profile: Profile) -> float | None:
    """How many of the latest tickets were solved for good; few of them say little."""
    tickets = [ticket for ticket in profile.tickets if ticket.opened]
    if not tickets:
        return None
    well = sum(ticket.solved > 0 and not ticket.reopened and not is_open(ticket) for ticket in tickets)
    return 100.0 * (well + _TICKETS * _PRIOR) / (len(tickets) + _TICKETS)
