"""The champion's learner: a logistic hazard whose weights are known with their uncertainty, one example at a time.

An extended Kalman filter for logistic regression (Fahrmeir 1992; one Newton step on each example): the weights have a
Gaussian belief (mean, covariance), each example moves both, and what is still uncertain moves most. Unlike a gradient
with a step size, it has no rate to tune, and it takes correlated features, of which there are many here, for what they
are. What it brings against FTRL: docs/study.md.

Features are standardised by their running scaling and clipped at ±CLIP, as everywhere. The belief is expressed in
standardised units: every RESCALE examples it is carried over, exactly, to the scaling of then, so that in between the
ground does not move under it.

The level (the intercept) is a random walk. It moves a little all the time, and faster while the latest residuals say
that something has changed: how often people buy shifts long before what tells them apart does.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from models.churn.by_name import ByName
from models.churn.model import LearningModel, Row
from models.churn.scaling import Scaling, clip, require_row, sigmoid
from models.churn.weights import Weights
from models.codec import Array, State, decode
from models.config import ChurnConfig
from models.features.table import NAMES, SCHEMA, WEIGHED
from models.libraries import load
from profiles.errors import Misconfigured

__all__ = ["BayesianHazard", "Belief"]

WARM = 50
"""Examples that only tell how features vary, before the first is learned."""

RESCALE = 1000
"""Examples between two looks at the scaling; in the first such period at 1, 2, 4, 8… examples."""

_WEIGHT, _LEVEL = 0.003, 10.0  # prior variances: a weight on one standard deviation, the level
_STEADY, _MOVING = 1e-6, 1e-4  # variance that the level gains an example, usually and while residuals are off
_MEMORY = 1000.0  # examples that the residuals remember
_OFF = 4.0  # squared standard errors by which residuals are off
_OTHER = 10.0  # times as much as before: a feature that varies so is another
_FAINT = 1e-4  # least variance of an outcome: keeps a certain prediction from being a wall


class Belief(State):
    """What is kept of the hazard."""

    columns: tuple[str, ...]
    scaling: Scaling | None  # None: it is shared
    centre: Array  # the scaling in whose units the belief is…
    scale: Array  # …and its standard deviations
    weights: Array  # the last is the level
    residual: float
    expected: float
    covariance: bytes  # float64, little-endian: the upper triangle, row by row


class _Asked(NamedTuple):
    """The answer for one row, from which learning that very row goes on."""

    x: Array | None
    z: Array  # standardised and clipped features, and a one for the level
    p: float  # P(order within the label horizon)


_NOTHING = _Asked(None, np.empty(0), 0.0)


class BayesianHazard(ByName, LearningModel):
    """P(order within the label horizon), learned online. Same examples in the same order: same model, to the bit.

    `learn_row` and `predict_row` take rows of `features.matrix`, River's methods features by name.

    Args:
        columns: the features that it sees; all that models weigh if not given.
        scaling: of the features, from who shows the same rows to several models; else it counts them itself.
        variance: prior, of a weight on one standard deviation.
    """

    def __init__(
        self, columns: Sequence[str] | None = None, scaling: Scaling | None = None, variance: float = _WEIGHT
    ) -> None:
        self.columns, self.scaling, self.variance = columns, scaling, variance
        self._columns = tuple(columns or WEIGHED)
        self._places = np.array([NAMES.index(name) for name in self._columns])
        n = len(self._columns)
        self._scaling = scaling or Scaling.new()
        self._express(np.zeros(n), np.zeros(n))  # the scaling in whose units the belief is
        self._weights = np.zeros(n + 1)  # the last is the level
        self._lower = np.asfortranarray(np.diag([variance] * n + [_LEVEL]))  # the covariance; see `_update`
        self._residual, self._expected = 0.0, 0.0  # fading sums: of residuals, of their variance
        self._asked = _NOTHING  # the row asked about last, until one is learned

    def learn_row(self, x: Array, y: bool, weight: float = 1.0) -> None:
        """Learn one example.

        Args:
            x: a row of `features.matrix`.
            y: whether there was an order within the label horizon.
            weight: how many examples it stands for.

        Raises:
            ValueError: a number is not finite; it would spoil every weight. Nothing has changed.
        """
        require_row(x, weight)
        self._scaling.learn(x)
        self._learn(x, y, weight)

    def answer(self, row: Row) -> float | None:
        """P(order within the label horizon) of a row; None before the first example."""
        if not self.examples:
            return None
        self._asked = self._ask(row.x)
        return self._asked.p

    def learn_short(self, row: Row, y: bool, weight: float) -> None:
        """Learn from a label of the label horizon."""
        self._learn(row.x, y, weight)

    def predict_row(self, x: Array, offset: float = 0.0) -> float:
        """P(order within the label horizon) of a row of `features.matrix`; scoring uses `export()`, which agrees.

        Args:
            x: the row.
            offset: log-odds that are known besides; weights are then a correction of them.
        """
        return self._ask(x, offset).p

    def correct_row(self, x: Array, y: float, weight: float, offset: float) -> None:
        """Learn one example whose outcome is known with a chance, as a correction of what is known besides.

        Args:
            x: a row of `features.matrix`.
            y: the chance that it came true.
            weight: how many examples it stands for.
            offset: as of `predict_row`.

        Raises:
            ValueError: a number is not finite; it would spoil every weight. Nothing has changed.
        """
        require_row(x, weight)
        if not (np.isfinite(y) and np.isfinite(offset)):
            raise ValueError("chance and offset must be finite")
        self._scaling.learn(x)
        self._learn(x, y, weight, offset)

    def _ask(self, x: Array, offset: float = 0.0) -> _Asked:
        z = self._standard(x)
        return _Asked(x, z, sigmoid(self._weights.dot(z) + offset))

    def _learn(self, x: Array, y: float, weight: float, offset: float = 0.0) -> None:
        learned = self.examples - 1 - WARM
        asked, self._asked = self._asked, _NOTHING
        if learned < 0:
            return
        if learned % RESCALE == 0 or (learned < RESCALE and learned & (learned - 1) == 0):
            self._rescale()
            asked = _NOTHING
        self._update(asked if asked.x is x else self._ask(x, offset), float(y), weight, learned)

    @property
    def examples(self) -> int:
        """How many it has been taught."""
        return self._scaling.count

    @property
    def level(self) -> float:
        """Log-odds of the average customer."""
        return float(self._weights[-1])

    @property
    def norm(self) -> float:
        """Euclidean norm of the weights on standardised features, the level included."""
        return float(np.sqrt(self._weights @ self._weights))

    @property
    def covariance(self) -> Array:
        """Of the weights on standardised features, the level last."""
        lower = np.tril(self._lower)
        whole: Array = lower + np.tril(lower, -1).T
        return whole

    def ready(self, config: ChurnConfig, enough: bool) -> bool:
        """Whether it has learned enough to be asked."""
        return enough

    def export(self, config: ChurnConfig) -> Weights:
        """The model as it is now, for the scorers. A feature that it does not see has no weight.

        Raises:
            ValueError: a number is not finite: what was learned must not be used.
        """
        mean, scale, weights = np.zeros((3, len(NAMES)))
        mean[self._places], scale[self._places] = self._centre, self._scale
        weights[self._places] = self._weights[:-1]
        return Weights(
            id=f"hazard-{SCHEMA}-{self.examples}",
            schema=SCHEMA,
            mean=mean,
            scale=scale,
            weights=weights,
            intercept=float(self._weights[-1]),
            horizon=config.label_horizon,
            examples=self.examples,
        )

    def state(self) -> Belief:
        """Everything learned; `resume` goes on from it bit by bit."""
        upper = np.triu_indices(len(self._weights))  # of the transposed
        return Belief(
            self._columns,
            None if self.scaling else self._scaling,
            self._centre,
            self._scale,
            self._weights,
            self._residual,
            self._expected,
            self._lower.T[upper].astype("<f8").tobytes(),
        )

    def resume(self, state: bytes) -> BayesianHazard:
        """The hazard whose `state` this is.

        Raises:
            Misconfigured: numbers are missing or not finite, or features are not those of this version.
        """
        belief = decode(state, Belief, "the state of the hazard")
        try:
            model = BayesianHazard(belief.columns, None if belief.scaling else self._scaling, self.variance)
            model._scaling = belief.scaling or self._scaling
            model._restore(belief)
        except ValueError as error:
            raise Misconfigured(f"the state of the hazard is damaged: {error}") from error
        return model

    def _restore(self, belief: Belief) -> None:
        n = len(self._columns)
        packed = np.frombuffer(belief.covariance, dtype="<f8")
        if not len(belief.centre) == len(belief.scale) == len(belief.weights) - 1 == n or not np.isfinite(packed).all():
            raise ValueError("numbers are missing or not finite")
        self._express(belief.centre, belief.scale)
        self._weights, self._residual, self._expected = belief.weights, belief.residual, belief.expected
        rows, columns = np.triu_indices(n + 1)
        self._lower[columns, rows] = packed

    def _standard(self, x: Array) -> Array:
        """What the weights are multiplied with: standardised and clipped features, and a one for the level."""
        z = np.empty(len(self._weights))
        z[-1] = 1.0
        features = z[:-1]
        np.subtract(x.take(self._places), self._centre, out=features)
        features *= self._inverse
        clip(features)
        return z

    def _rescale(self) -> None:
        """Express the belief in the scaling of now: w·(x − c)/s is the same number before and after.

        What was learned of a feature that hardly varied then, and does now, would be multiplied, and it says nothing of
        how it varies now: that begins anew.
        """
        mean, scale = self._scaling.mean[self._places], self._scaling.scale[self._places]
        known = (self._scale > 0) & (scale > 0)
        stretch = np.divide(scale, self._scale, out=np.ones_like(scale), where=known)
        shift = np.divide(mean - self._centre, self._scale, out=np.zeros_like(scale), where=known)
        other = stretch > _OTHER
        stretch[other] = shift[other] = 0.0
        change = np.diag(np.append(stretch, 1.0))
        change[-1, :-1] = shift
        self._weights = change @ self._weights
        covariance = change @ self.covariance @ change.T
        covariance[np.diag(np.append(other, False))] = self.variance
        self._lower = np.asfortranarray(np.tril(covariance))
        self._express(mean, scale)

    def _express(self, centre: Array, scale: Array) -> None:
        self._centre, self._scale = centre, scale
        self._inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)

    def _update(self, asked: _Asked, y: float, weight: float, learned: int) -> None:
        _, z, p = asked
        information = max(p * (1.0 - p), _FAINT) * weight
        self._follow_level((y - p) * weight, information, learned)
        blas = _blas()
        gain = blas.dsymv(1.0, self._lower, z, lower=1)
        surprise = 1.0 / information + gain.dot(z)
        # One triangle says all of a symmetric matrix: half the work, and what is taken away keeps it symmetric.
        blas.dsyr(-1.0 / surprise, gain, lower=1, a=self._lower, overwrite_a=1)
        gain *= (y - p) * weight / (information * surprise)
        self._weights += gain

    def _follow_level(self, residual: float, variance: float, learned: int) -> None:
        fade = 1.0 - 1.0 / _MEMORY
        self._residual = fade * self._residual + residual
        self._expected = fade * fade * self._expected + variance
        off = learned > _MEMORY and self._residual**2 > _OFF * self._expected
        self._lower[-1, -1] += _MOVING if off else _STEADY


@cache
def _blas() -> Any:
    """What most processes, which learn nothing, need not load: it takes a quarter of a worker's start."""
    return load("scipy.linalg.blas")
