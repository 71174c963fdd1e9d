"""River's interface to what we learn: one example at a time, its features by name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
from river import base

from models.codec import Array
from models.features.table import NAMES

__all__ = ["ByName"]


class ByName(base.Classifier):  # type: ignore[misc]  # River ships no types
    """A binary classifier of rows of `features.matrix` as River knows them.

    River clones, prints and sets its parameters by the arguments of its `__init__`, each an attribute of that name.
    A feature that is missing counts as 0, and one that is none of `features.table` says nothing.
    """

    @abstractmethod
    def learn_row(self, x: Array, y: bool, weight: float = 1.0) -> None:
        """Learn one example; raises ValueError if a number is not finite."""

    @abstractmethod
    def predict_row(self, x: Array) -> float:
        """The probability of a row."""

    def learn_one(self, x: Mapping[str, float], y: bool, w: float = 1.0) -> None:
        """Learn one example, which stands for so many."""
        self.learn_row(_row(x), y, w)

    def predict_proba_one(self, x: Mapping[str, float]) -> dict[bool, float]:
        """The probabilities of both outcomes."""
        p = self.predict_row(_row(x))
        return {False: 1.0 - p, True: p}


def _row(x: Mapping[str, float]) -> Array:
    return np.array([float(x.get(name, 0.0)) for name in NAMES])
