"""How good predictions turn out to be: bounded, rolling, and the same after a restart.

Outcomes are counted in bins of the predicted log-odds. Every `half` outcomes all counts are halved, so that the figures
follow the latest few thousand; everything reported comes from those counts.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from profiles.errors import Misconfigured

__all__ = ["Quality"]

_BINS = 64
_WIDEST = 8.0  # log-odds; beyond lies the first and the last bin
_FLOOR = 1e-6  # keeps one certain mistake from being the only figure that counts
_COLUMNS = ("yes", "no", "predicted", "log_loss", "squared")


class Quality:
    """Rolling log loss, Brier score, AUC, calibration error and bias of a binary prediction.

    Args:
        half: outcomes after which the past counts half.
    """

    def __init__(self, half: int = 4000) -> None:
        self.half = half
        self.examples = 0
        self._sums = {name: np.zeros(_BINS) for name in _COLUMNS}

    def update(self, p: float, y: bool, weight: float = 1.0) -> None:
        """Count one prediction that was made before its outcome was known."""
        p = min(max(p, _FLOOR), 1.0 - _FLOOR)
        place = int((math.log(p / (1.0 - p)) + _WIDEST) * (_BINS / (2 * _WIDEST)))
        place = min(max(place, 0), _BINS - 1)
        sums = self._sums
        sums["yes" if y else "no"][place] += weight
        sums["predicted"][place] += weight * p
        sums["log_loss"][place] -= weight * math.log(p if y else 1.0 - p)
        sums["squared"][place] += weight * (p - y) ** 2
        self.examples += 1
        if self.examples % self.half == 0:
            self._sums = {name: 0.5 * column for name, column in sums.items()}

    @property
    def weight(self) -> float:
        """The outcomes that the figures rest on, by weight."""
        return float(self._sums["yes"].sum() + self._sums["no"].sum())

    @property
    def log_loss(self) -> float:
        """Mean log loss; infinite before the first outcome."""
        return float(self._sums["log_loss"].sum() / self.weight) if self.examples else math.inf

    def report(self) -> dict[str, float]:
        """Every figure by name; only `examples` before the first outcome, no `auc` before both classes were seen.

        `auc` takes predictions of one bin as equal; `ece` is the expected calibration error over the bins; `bias`
        is the mean prediction less the share of positives.
        """
        figures: dict[str, float] = {"examples": self.examples}
        if not self.examples:
            return figures
        yes, no, predicted = self._sums["yes"], self._sums["no"], self._sums["predicted"]
        total, positives = self.weight, float(yes.sum())
        figures |= {
            "log_loss": self.log_loss,
            "brier": float(self._sums["squared"].sum() / total),
            "ece": float(np.abs(predicted - yes).sum() / total),
            "bias": float(predicted.sum() - positives) / total,
            "rate": positives / total,
        }
        if 0.0 < positives < total:
            below = np.cumsum(no) - 0.5 * no
            figures["auc"] = float((yes @ below) / (positives * (total - positives)))
        return figures

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        return {
            "half": self.half,
            "examples": self.examples,
            **{name: column.tolist() for name, column in self._sums.items()},
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Quality:
        """The quality whose `state` this is.

        Raises:
            Misconfigured: it is not whole.
        """
        try:
            quality = cls(int(state["half"]))
            quality.examples = int(state["examples"])
            for name, column in quality._sums.items():
                column[:] = state[name]
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the quality figures of the model are damaged: {error!r}") from error
        return quality
