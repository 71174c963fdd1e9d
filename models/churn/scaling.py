"""How features vary: their running means and variances, and rows standardised by them.

The numbers are those of River's `StandardScaler` to the bit, for a whole row at once.
"""

from __future__ import annotations

import math

import numpy as np

from models.codec import Array, State
from models.features.table import NAMES

__all__ = ["CLIP", "Scaling", "clip", "require_row", "sigmoid"]

CLIP = 4.0
"""Standardised features are held within ±CLIP: what lies beyond was never learned from."""

_FAINT = np.full(len(NAMES), 1e-30)  # a variance so small is none
_HIGHEST = np.full(len(NAMES), CLIP)
_LOWEST = -_HIGHEST


class Scaling(State):
    """Mean and variance of every feature over the rows so far (Welford 1962)."""

    count: int
    mean: Array
    variance: Array

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.variance) == len(NAMES):
            raise ValueError("it is not of the features of this version")
        self._deviation = np.empty(len(NAMES))
        self._deviate()

    @classmethod
    def new(cls) -> Scaling:
        """Before the first row."""
        return cls(0, np.zeros(len(NAMES)), np.zeros(len(NAMES)))

    def learn(self, x: Array) -> None:
        """Count a row of `features.matrix`."""
        self.count += 1
        count = float(self.count)
        off = x - self.mean
        self.mean += off / count
        off *= x - self.mean
        off -= self.variance
        off /= count
        self.variance += off
        self._deviate()

    def standard(self, x: Array) -> Array:
        """The row in standard deviations from the mean, within ±CLIP.

        What has never varied is 0 in every row that was learned; of another row it may be anything.
        """
        z = x - self.mean
        z /= self._deviation
        return clip(z)

    @property
    def scale(self) -> Array:
        """Standard deviations; 0 for a feature that has never varied."""
        scale: Array = np.sqrt(np.maximum(self.variance, 0.0))
        return scale

    def _deviate(self) -> None:
        np.sqrt(np.maximum(self.variance, _FAINT), out=self._deviation)


def clip(z: Array) -> Array:
    """Hold standardised features within ±CLIP, in place."""
    np.minimum(z, _HIGHEST[: len(z)], out=z)  # of one row, np.clip takes as long as all the rest
    np.maximum(z, _LOWEST[: len(z)], out=z)
    return z


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
