"""The models learned by gradient: logistic regression with FTRL-proximal on standardised features, one by one.

They come to what River's pipeline of scaler, clip and regression would (tested), with River's loss and its optimiser,
on vectors instead of dictionaries. Scoring uses the exported `Weights`. The state is kept as plain numbers, because
River's pickles do not survive its upgrades.
"""

from __future__ import annotations

import math

import numpy as np
from river import optim

from models.churn.by_name import ByName
from models.churn.model import LearningModel, Row
from models.churn.scaling import Scaling, require_row, sigmoid
from models.churn.weights import Weights
from models.codec import Array, State, decode
from models.config import ChurnConfig
from models.features.table import NAMES, SCHEMA, WEIGHED
from profiles.errors import Misconfigured

__all__ = ["OnlineLogistic"]

_LOSS = optim.losses.Log()
_RATE = 0.01  # of the intercept's learning


class _Ftrl(optim.FTRLProximal):  # type: ignore[misc]  # River has no types
    """River's FTRL-proximal without an l1 penalty, for vectors; River's own step takes dictionaries only."""

    def __init__(self, z: Array, n: Array) -> None:
        super().__init__(alpha=0.05, beta=1.0, l1=0.0, l2=1.0)
        self.z, self.n = z, n  # changed in place

    def _step_with_vector(self, w: Array, g: Array) -> Array:
        root = np.sqrt(self.n)
        shrunk = self.z / (root + (self.beta + self.alpha * self.l2))
        np.multiply(shrunk, -self.alpha, out=w)
        self.n += g * g
        grown = np.sqrt(self.n)
        grown -= root
        grown *= shrunk
        self.z += g
        self.z += grown
        return w


class Gradient(State):
    """What is kept of it."""

    name: str  # of the kind
    columns: tuple[str, ...]
    scaling: Scaling | None  # None: it is shared
    intercept: float
    weights: Array
    z: Array  # of FTRL
    n: Array  # of FTRL

    def __post_init__(self) -> None:
        if not len(self.weights) == len(self.z) == len(self.n) == len(self.columns):
            raise ValueError("numbers are missing")


class OnlineLogistic(ByName, LearningModel):
    """P(order within a horizon), learned online. Same examples in the same order: same model, to the bit.

    It learns from labels of the label horizon with a scaling that is shared, or else from those of the churn horizon.
    `learn_full` and `predict` take rows of `features.matrix`, River's methods features by name.

    Args:
        name: of the kind, which the model id names.
        columns: the features that it sees.
        scaling: of the features, from who shows the same rows to several models; else it counts them itself.

    Raises:
        ValueError: no such feature.
    """

    def __init__(self, name: str = "ftrl", columns: tuple[str, ...] = WEIGHED, scaling: Scaling | None = None) -> None:
        self.name, self.columns, self.scaling = name, columns, scaling
        self._places = np.array([NAMES.index(column) for column in columns])
        self._scaling = scaling or Scaling.new()
        self.intercept = 0.0
        self.weights, z, n = np.zeros((3, len(columns)))
        self._optimizer = _Ftrl(z, n)

    @property
    def examples(self) -> int:
        """How many it has been taught."""
        return self._scaling.count

    @property
    def level(self) -> float:
        """Log-odds of the average customer."""
        return self.intercept

    @property
    def norm(self) -> float:
        """Euclidean norm of the weights on standardised features, the intercept included."""
        return math.sqrt(self.weights.dot(self.weights) + self.intercept**2)

    def answer(self, row: Row) -> float | None:
        """P(order within the label horizon) of a row; None before the first example."""
        return self._p(row.z) if self.examples else None

    def learn_short(self, row: Row, y: bool, weight: float) -> None:
        """Learn from a label of the label horizon."""
        z = row.z.take(self._places)
        slope = _LOSS.gradient(y, self.weights.dot(z) + self.intercept) * weight
        self.intercept -= _RATE * slope
        z *= slope
        self._optimizer.step(self.weights, z)

    def learn_full(self, x: Array, y: bool, weight: float) -> None:
        """Learn from a label of the churn horizon, with a scaling of its own.

        Raises:
            ValueError: a number is not finite; it would spoil every weight. Nothing has changed.
        """
        require_row(x, weight)
        self._scaling.learn(x)
        self.learn_short(Row(x, self._scaling.standard(x)), y, weight)

    def learn_row(self, x: Array, y: bool, weight: float = 1.0) -> None:
        """The same, with a scaling of its own or not."""
        self.learn_full(x, y, weight)

    def predict_row(self, x: Array) -> float:
        """P(order within its horizon); scoring uses `export()`, which agrees to 1e-9."""
        return self._p(self._scaling.standard(x))

    def _p(self, z: Array) -> float:
        return sigmoid(self.weights.dot(z.take(self._places)) + self.intercept)

    def forget_full(self) -> OnlineLogistic:
        """One that has learned nothing, if it learns from labels of the churn horizon."""
        return self if self._is_short else OnlineLogistic(self.name, self.columns)

    def ready(self, config: ChurnConfig, enough: bool) -> bool:
        """Whether it has learned enough to be asked."""
        return enough if self._is_short else self.examples >= config.min_examples

    def export(self, config: ChurnConfig) -> Weights:
        """The model as it is now, for the scorers. A feature that it does not see has no weight.

        Raises:
            ValueError: a number is not finite: what was learned must not be used.
        """
        mean, scale, weights = np.zeros((3, len(NAMES)))
        mean[self._places] = self._scaling.mean[self._places]
        scale[self._places] = self._scaling.scale[self._places]
        weights[self._places] = self.weights
        return Weights(
            id=f"{self.name}-{SCHEMA}-{self.examples}",
            schema=SCHEMA,
            mean=mean,
            scale=scale,
            weights=weights,
            intercept=self.intercept,
            horizon=config.label_horizon if self._is_short else config.horizon,
            examples=self.examples,
        )

    @property
    def _is_short(self) -> bool:
        """Whether it learns from labels of the label horizon: with others, whose scaling it shares."""
        return self.scaling is not None

    def state(self) -> Gradient:
        """Everything learned; `resume` goes on from it bit by bit."""
        own = None if self._is_short else self._scaling
        held = self._optimizer
        return Gradient(self.name, self.columns, own, self.intercept, self.weights, held.z, held.n)

    def resume(self, state: bytes) -> OnlineLogistic:
        """The model whose `state` this is.

        Raises:
            Misconfigured: numbers are missing or not finite, or features are not those of this version.
        """
        held = decode(state, Gradient, f"the state of the model {self.name}")
        if held.name != self.name:
            raise Misconfigured(f"the state of the model {self.name} is damaged: it is that of {held.name}")
        try:
            model = OnlineLogistic(held.name, held.columns, None if held.scaling else self._scaling)
        except ValueError as error:
            raise Misconfigured(f"the state of the model {self.name} is damaged: {error}") from error
        model._scaling = held.scaling or self._scaling
        model.intercept, model.weights = held.intercept, held.weights
        model._optimizer = _Ftrl(held.z, held.n)
        return model
