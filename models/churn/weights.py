"""Churn risk: how probable it is that a customer places no order within the horizon.

The model is a hazard: h(x) = P(order within the label horizon | features x), a logistic regression on standardised
features clipped at ±4. The risk over the churn horizon is the chance of surviving every step of it,

    risk = Π_j (1 − h(x_j))^f_j

with x_j the features after j label horizons *if nothing happens* (exact, because that is the event asked about) and
f_j = 1, but for the last, fractional step. A direct model of churn is the same with one step as long as the churn
horizon. Whole batches are scored in numpy from a model's exported weights, without River;
`models.churn.bayes` and `models.churn.gradient` learn them.

**Contributions.** With u_j = b + Σ_i w_i z_ij, Λ = Σ_j f_j·softplus(u_j) and log-odds(risk) = L(Λ) = −log(e^Λ − 1), the
risk of the average customer is at u_j = b, Λ_0. The slopes of the two secants, s_j = (softplus(u_j) − softplus(b)) /
(u_j − b) and S = (L(Λ) − L(Λ_0)) / (Λ − Λ_0), divide the way from there exactly:

    contribution_i = S · Σ_j f_j s_j w_i z_ij        baseline + Σ_i contribution_i = L(Λ)
"""

from __future__ import annotations

from functools import cached_property

import msgspec
import numpy as np

from models.churn.model import Outdated, Scores, require_finite
from models.churn.scaling import CLIP
from models.codec import Array, decode, encode
from models.config import ChurnConfig
from models.features.matrix import ordered, rolled, usually
from models.features.table import NAMES, ORDERED, SCHEMA

__all__ = ["Weights", "ahead", "log_odds_of", "read_weights", "softplus"]


def ahead(raws: Array, at: Array, config: ChurnConfig) -> Array:
    """The features now and after each label horizon within the churn horizon: (features, steps, customers)."""
    steps = len(_shares(config.horizon, config.label_horizon))
    return rolled(raws, at, np.arange(steps, dtype=np.float64) * config.label_horizon)


class Weights(msgspec.Struct, frozen=True, dict=True, eq=False, forbid_unknown_fields=True):
    """A logistic model of orders as it is shipped to the scorers; small, frozen and readable."""

    id: str
    schema: str  # of the features
    mean: Array
    scale: Array  # standard deviations; 0 for a feature that never varied, which then says nothing
    weights: Array  # on the log-odds of an order
    intercept: float
    horizon: float  # seconds within which the order is awaited: the label horizon, or the whole churn horizon
    examples: int = 0  # learned from
    features: tuple[str, ...] = NAMES

    def __post_init__(self) -> None:
        columns = (self.mean, self.scale, self.weights)
        sound = all(len(column) == len(self.features) and np.isfinite(column).all() for column in columns)
        if not sound or not np.isfinite(self.intercept) or not 0 < self.horizon < np.inf:
            raise ValueError(f"model {self.id} is damaged: its numbers are missing or not finite")

    @cached_property
    def _inverse(self) -> Array:
        """Of the scale; 0 where that is 0."""
        return np.divide(1.0, self.scale, out=np.zeros_like(self.scale), where=self.scale > 0)

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`.

        Raises:
            ValueError: a number is not finite.
        """
        require_finite(raws, at)
        shares = _shares(config.horizon, self.horizon)
        x = rolled(raws, at, np.arange(len(shares), dtype=np.float64) * self.horizon)
        values = np.ascontiguousarray(x[:, 0].T)
        z = self._standard(x)
        u = np.einsum("dsn,d->sn", z, self.weights)
        base = softplus(np.array(self.intercept))
        rise = softplus(u + self.intercept) - base
        flat = np.abs(u) < 1e-9
        slope = np.where(flat, np.exp(-softplus(np.array(-self.intercept))), rise / np.where(flat, 1.0, u))
        total, total0 = shares @ (rise + base), shares.sum() * base
        odds, odds0 = log_odds_of(total), log_odds_of(total0)
        same = np.abs(total - total0) < 1e-9
        secant = np.where(same, -1.0 / -np.expm1(-total0), (odds - odds0) / np.where(same, 1.0, total - total0))
        slope *= shares[:, None] * secant
        contributions = np.einsum("dsn,sn->nd", z, slope)
        contributions *= self.weights
        usual = ordered(raws, usually(raws), np.arange(len(shares), dtype=np.float64) * self.horizon)
        silence = np.einsum("dsn,sn->nd", z[:ORDERED] - self._standard(usual), slope)
        silence *= self.weights[:ORDERED]
        learned = (self.mean, self.scale) if self.examples else (None, None)  # what is set by hand is no average
        return Scores(np.exp(-total), np.full(len(total), odds0), contributions, values, silence, None, *learned)

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`."""
        shares = _shares(config.horizon, self.horizon)
        u = np.einsum("dsn,d->sn", self._standard(x[:, : len(shares)]), self.weights)
        risk: Array = np.exp(-(shares @ softplus(u + self.intercept)))
        return risk

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon) of rows of `features.matrix`; NaN if another horizon was learned."""
        if self.horizon != config.label_horizon:
            return np.full(len(x), np.nan)
        z = (x - self.mean) * self._inverse
        np.minimum(z, CLIP, out=z)  # of one row, np.clip takes as long as all the rest
        np.maximum(z, -CLIP, out=z)
        z *= self.weights
        return np.exp(-softplus(-self.intercept - z.sum(axis=1)))  # `@` sums up by the number of rows

    def _standard(self, x: Array) -> Array:
        z = x - self.mean[: len(x), None, None]
        z *= self._inverse[: len(x), None, None]
        np.clip(z, -CLIP, CLIP, out=z)
        return z

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return encode(self)

    def numbers(self) -> dict[str, float]:
        """What is inside, besides the weights of features."""
        return {"intercept": -self.intercept, "examples": self.examples}


def read_weights(data: bytes, horizon: float) -> Weights:
    """What `Weights.to_json` gave.

    Args:
        data: the JSON.
        horizon: seconds within which the order shall be awaited.

    Raises:
        Outdated: weights of other features than this version computes, or of another horizon.
        Misconfigured: not the JSON of weights.
    """
    weights = decode(data, Weights, "a model")
    if (weights.schema, weights.features) != (SCHEMA, NAMES):
        raise Outdated(f"model {weights.id} is of feature schema {weights.schema}, this version has {SCHEMA}")
    if weights.horizon != horizon:
        raise Outdated(f"model {weights.id} was learned for another horizon")
    return weights


def _shares(horizon: float, step: float) -> Array:
    """How much of each step lies within the horizon: ones, and the rest of the last."""
    steps = int(np.ceil(horizon / step - 1e-9))
    shares = np.ones(steps)
    shares[-1] = horizon / step - (steps - 1)
    return shares


def softplus(u: Array) -> Array:
    """log(1 + e^u), without overflow: minus the log of the chance of no order, at the hazard's log-odds u."""
    return np.maximum(u, 0.0) + np.log1p(np.exp(-np.abs(u)))


def log_odds_of(total: Array) -> Array:
    """The log-odds of surviving a cumulated hazard: −log(e^Λ − 1), without overflow."""
    return -total - np.log(-np.expm1(-total))
