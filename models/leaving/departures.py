"""The leaving score of causes: what BTYD says of a customer, corrected by the features.

BTYD goes by orders and visits, so it cannot tell a customer who orders and is annoyed from one who is content. Two
logistic regressions on all features correct it, each beginning where BTYD stands:

    log-odds(left)                 = BTYD's + b + Σ_i w_i z_i
    log-odds(leaves | still here)  = BTYD's + c + Σ_i v_i z_i        leaving = (1 − left) · P(leaves | still here)

so left + leaving is a chance and both agree with it. `models.leaving.learning` learns them; here is what scorers need.
"""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np

from models.churn.calibration import log_odds
from models.churn.kinds.btyd import Btyd, known
from models.churn.scaling import CLIP
from models.codec import Array
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.table import SCHEMA

__all__ = ["Correction", "Departures"]


class Correction(msgspec.Struct, frozen=True, dict=True, eq=False, forbid_unknown_fields=True):
    """What the features add to log-odds."""

    mean: Array
    scale: Array  # standard deviations; 0 for a feature that never varied, which then says nothing
    weights: Array
    intercept: float

    def __post_init__(self) -> None:
        columns = (self.mean, self.scale, self.weights)
        if not all(len(column) == len(self.mean) and np.isfinite(column).all() for column in columns):
            raise ValueError("its numbers are missing or not finite")

    @cached_property
    def _inverse(self) -> Array:
        return np.divide(1.0, self.scale, out=np.zeros_like(self.scale), where=self.scale > 0)

    def contributions(self, values: Array) -> Array:
        """What each feature adds: (customers, features)."""
        z = (values - self.mean) * self._inverse
        np.clip(z, -CLIP, CLIP, out=z)
        z *= self.weights
        return z

    def of(self, values: Array) -> Array:
        """What all of them add: (customers,)."""
        added: Array = self.contributions(values).sum(axis=1) + self.intercept
        return added


class Departures(msgspec.Struct, frozen=True, dict=True, eq=False, forbid_unknown_fields=True):
    """Both corrections."""

    left: Correction
    leaves: Correction
    within: float  # seconds that are looked ahead
    labels: int  # learned from
    schema: str = SCHEMA

    @property
    def id(self) -> str:
        """The model id."""
        return f"leaving-{self.schema}-{self.labels}"

    def fits(self, config: ChurnConfig) -> bool:
        """Whether it is of the features of this version, and looks as far ahead as the plan."""
        return self.schema == SCHEMA and self.within == config.leaving_within

    def of(self, values: Array, btyd: Btyd) -> tuple[Array, Array]:
        """(P(has left), P(is here and leaves within `within`)) of rows of `features.matrix`.

        Args:
            values: the rows.
            btyd: what is corrected.
        """
        seen = known(values.T)
        here = np.exp(-np.logaddexp(0.0, btyd.lifetimes.log_odds_left(seen) + self.left.of(values)))
        soon = log_odds(btyd.lifetimes.leaves(seen.tenure, self.within / WEEK)) + self.leaves.of(values)
        return 1.0 - here, here * np.exp(-np.logaddexp(0.0, -soon))
