"""What a churn model is: what it says of customers, and how it is shipped to the scorers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.config import ChurnConfig
from profiles.errors import Misconfigured

__all__ = ["CLIP", "Model", "Outdated", "Scores", "require_finite"]

Array = NDArray[np.float64]

CLIP = 4.0
"""Standardised features are held within ±CLIP: what lies beyond was never learned from."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a batch, row by row."""

    risk: Array  # (n,), 0 to 1
    baseline: Array  # (n,), log-odds of the average customer
    contributions: Array  # (n, features), log-odds; with the baseline they sum to the log-odds of the risk
    values: Array  # (n, features), the features now
    silence: Array | None = None  # (n, ORDERED), of the contributions what silence beyond the usual gap has changed


class Outdated(Misconfigured):
    """A model is sound, but was learned from other features, or for another horizon, than is asked for now."""


class Model(Protocol):
    """What can say how probable it is that a customer churns."""

    @property
    def id(self) -> str:
        """Shown with every score; names the kind of the model and what it has learned from."""
        ...

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`.

        Raises:
            ValueError: a number is not finite.
        """
        ...

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`: cheap, so that many models can be asked about one customer."""
        ...

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon) of rows of `features.matrix`; NaN from a model that has no answer."""
        ...

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        ...


def require_finite(raws: Array, at: Array) -> None:
    """Refuse numbers that would make a score of nothing.

    Raises:
        ValueError: a number is not finite.
    """
    if not (np.isfinite(raws).all() and np.isfinite(at).all()):
        raise ValueError("what is known of a customer is not finite")
