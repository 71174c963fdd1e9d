"""The scorecard of companies: the log-odds of leaving within the horizon are a base and a weight for each signal.

By hand they are the same for everybody. `models.companies.learning` learns them anew from what becomes of companies,
and ships a scorecard as JSON. `python -m benchmarks.early_companies` judges both on simulated companies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from models.companies.signals import Ground, Signals
from models.companies.words import BY_RULES

__all__ = ["BASE", "BY_HAND", "LEARNED", "WEIGHTS", "Scorecard", "meaning_of", "units"]

LEARNED = "companies"
"""Begins the id of a scorecard that was learned."""

BASE = -2.6
"""Log-odds of a company of which no signal speaks."""

# signal → (log-odds for each unit, most units that count)
WEIGHTS: dict[str, tuple[float, float]] = {
    "fall": (3.0, 1.0),
    "silent": (2.0, 1.0),
    "champion_gone": (0.9, 1.0),
    "champion": (-0.5, 1.0),
    "trouble": (0.5, 3.0),
    "unhappy": (1.2, 1.0),
    "happy": (-0.5, 1.0),
    "overdue": (0.06, 10.0),
    "paused": (0.8, 1.0),
    "dearer": (2.0, 0.5),
    "ends": (0.8, 1.0),
    "runs": (-0.02, 100.0),
    "unheard": (0.02, 13.0),
}


class Scorecard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is added up."""

    base: float
    weights: dict[str, float]  # of each signal: log-odds for each unit
    labels: int = 0  # learned from; 0: set by hand
    meaning: str = ""  # of leaving, by which it was learned (`meaning_of`)

    def __post_init__(self) -> None:
        if self.weights.keys() != WEIGHTS.keys():
            raise ValueError("the scorecard of companies is damaged: its signals are others")
        if not all(map(math.isfinite, (self.base, *self.weights.values()))):
            raise ValueError("the scorecard of companies is damaged: its numbers are not finite")

    @property
    def id(self) -> str:
        """As models have one."""
        return f"{LEARNED}-{self.labels}" if self.labels else BY_RULES

    def shares(self, signals: Signals) -> dict[str, float]:
        """What each signal that speaks adds to the log-odds."""
        found = {name: self.weights[name] * number for name, number in units(signals).items()}
        return {name: share for name, share in found.items() if share}

    def risk(self, signals: Signals) -> float:
        """The chance of leaving within the horizon."""
        return 1.0 / (1.0 + math.exp(-(self.base + sum(self.shares(signals).values()))))


BY_HAND = Scorecard(BASE, {name: weight for name, (weight, _) in WEIGHTS.items()})
"""Before anything is learned."""


def units(signals: Signals) -> Mapping[str, float]:
    """How many units of each signal count; of a contract that ends within the horizon, that it does."""
    found = {name: min(getattr(signals, name), most) for name, (_, most) in WEIGHTS.items()}
    found["ends"] = float(signals.ends > 0)
    return found


def meaning_of(ground: Ground) -> str:
    """What leaving means and within which time, as a text that changes with either."""
    definitions = [each.definition for each in (ground.contract, ground.over) if each is not None]
    ends = [one.ends_by.model_dump_json(exclude_defaults=True) for one in definitions if one is not None]
    return f"{ground.horizon:.0f} {' '.join(dict.fromkeys(ends))}"
