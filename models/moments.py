"""How features vary: their running means and variances, and rows standardised by them.

The numbers are those of River's `StandardScaler` to the bit, for a whole row at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.churn import CLIP
from models.features import NAMES

__all__ = ["Moments", "numbers", "require_row", "sigmoid"]

Array = NDArray[np.float64]


class Moments:
    """Mean and variance of every feature over the rows so far (Welford 1962)."""

    __slots__ = ("_deviation", "_flat", "_unvaried", "count", "mean", "variance")

    def __init__(self) -> None:
        self.count = 0
        self.mean, self.variance = np.zeros(len(NAMES)), np.zeros(len(NAMES))
        self._find_flat()

    def learn(self, x: Array) -> None:
        """Count a row of `features.matrix`."""
        self.count += 1
        off = x - self.mean
        self.mean += off / self.count
        off *= x - self.mean
        off -= self.variance
        off /= self.count
        self.variance += off
        if len(self._flat) and self.variance.take(self._flat).any():
            self._find_flat()
        else:
            np.sqrt(self.variance + self._unvaried, out=self._deviation)

    def standard(self, x: Array) -> Array:
        """The row in standard deviations from the mean, within ±CLIP; 0 for a feature that has never varied."""
        z = x - self.mean
        z /= self._deviation
        np.minimum(z, CLIP, out=z)  # of one row, np.clip takes as long as all the rest
        np.maximum(z, -CLIP, out=z)
        return z

    @property
    def scale(self) -> Array:
        """Standard deviations; 0 for a feature that has never varied."""
        scale: Array = np.sqrt(np.maximum(self.variance, 0.0))
        return scale

    def _find_flat(self) -> None:
        """Note what has never varied: measured in infinite deviations, nothing there is far from the mean."""
        varied = self.variance > 0.0
        self._flat = np.flatnonzero(~varied)
        self._unvaried = np.where(varied, 0.0, math.inf)
        self._deviation = np.sqrt(self.variance + self._unvaried)

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        return {"count": self.count, "mean": self.mean.tolist(), "variance": self.variance.tolist()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Moments:
        """The moments whose `state` this is.

        Raises:
            KeyError, TypeError, ValueError: it is damaged.
        """
        moments = cls()
        moments.count = int(state["count"])
        moments.mean, moments.variance = (numbers(state[name], len(NAMES)) for name in ("mean", "variance"))
        moments._find_flat()
        return moments


def require_row(x: Array, weight: float) -> None:
    """Refuse what would spoil every weight.

    Raises:
        ValueError: it is no row of `features.matrix`, a number is not finite, or it stands for no example.
    """
    if len(x) != len(NAMES) or not np.isfinite(x).all() or not 0 < weight < math.inf:
        raise ValueError("an example must have every feature, and all of them finite")


def sigmoid(u: float) -> float:
    """The probability of log-odds."""
    return 1.0 / (1.0 + math.exp(-u)) if u >= 0 else math.exp(u) / (1.0 + math.exp(u))


def numbers(values: Any, count: int) -> Array:
    """A row of so many numbers.

    Raises:
        ValueError: there are not as many, or not all are finite.
    """
    row = np.array(values, dtype=np.float64)
    if row.shape != (count,) or not np.isfinite(row).all():
        raise ValueError("numbers are missing or not finite")
    return row
