"""Calibration by groups of customers: what is added to the log-odds of the champion, so that chances are right for all.

A champion that is right on average may be wrong for some: for those of one country, who buy for a company, who are met
in the app. Each group has an effect on the level and one on the steepness of the log-odds L of the risk,

    log-odds = L + Σ_g (level_g + steepness_g · L / UNIT)

over the customer's groups and one that everybody is in. The effects add up, so what all of them say is told as one
contribution beside those of the features. `models.learning.calibration` learns them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from models.codec import Array

__all__ = ["EVERYBODY", "MOST", "UNIT", "Calibration", "inputs"]

EVERYBODY = ""
"""The group of all customers."""

UNIT = 3.0
"""Log-odds at which the steepness of a group says as much as its level."""

MOST = 6.0
"""Log-odds beyond which the risk makes no more difference to a group."""


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The effects of groups on the risk that one model says."""

    model: str  # name of the kind
    effects: dict[str, tuple[float, float]]  # by group: on the level, on the steepness
    labels: int = 0  # learned from

    def __post_init__(self) -> None:
        if not np.isfinite([number for effect in self.effects.values() for number in effect]).all():
            raise ValueError(f"the calibration of {self.model} is damaged: its numbers are not finite")

    def shifts(self, odds: Array, groups: Sequence[Sequence[str]]) -> Array:
        """What is added to the log-odds of customers.

        Args:
            odds: log-odds of the risk (customers,).
            groups: those of each customer.
        """
        effects = self.effects
        level, steepness = effects.get(EVERYBODY, (0.0, 0.0))
        sums = np.empty((len(odds), 2))
        for row, names in enumerate(groups):
            added, steeper = level, steepness
            for name in names:
                if name in effects:
                    effect = effects[name]
                    added += effect[0]
                    steeper += effect[1]
            sums[row] = added, steeper
        shift: Array = (sums * inputs(odds)).sum(axis=1)
        return shift

    def risks(self, risk: Array, groups: Sequence[Sequence[str]]) -> Array:
        """Calibrated risks of customers, as the model said them."""
        odds = log_odds(risk)
        calibrated: Array = 1.0 / (1.0 + np.exp(-(odds + self.shifts(odds, groups))))
        return calibrated

    def strongest(self, odds: float, groups: Sequence[str], sign: float) -> str:
        """The group that says most in a direction; EVERYBODY if none of the customer's does."""
        level, steepness = inputs(np.array([odds]))[0].tolist()
        said = {name: level * self.effects[name][0] + steepness * self.effects[name][1]
                for name in (EVERYBODY, *groups) if name in self.effects}  # fmt: skip
        return max(said, key=lambda name: sign * said[name], default=EVERYBODY)


def inputs(odds: Array) -> Array:
    """What the effects of a group are multiplied with: (customers, 2)."""
    return np.column_stack([np.ones(len(odds)), np.clip(odds, -MOST, MOST) / UNIT])


def log_odds(risk: Array) -> Array:
    """Of a risk, finite also where it has been rounded to 0 or 1."""
    held = np.clip(risk, 1e-12, 1 - 1e-12)
    odds: Array = np.log(held) - np.log1p(-held)
    return odds
