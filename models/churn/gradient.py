"""The models learned by gradient: logistic regression with FTRL-proximal on standardised features, one by one.

They come to what River's pipeline of scaler, clip and regression would (tested), with River's loss and its optimiser,
on vectors instead of dictionaries. Scoring uses the exported `Weights`. The state is kept as plain numbers, because
River's pickles do not survive its upgrades.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from river import optim

from models.churn.scaling import Scaling, numbers, require_row, sigmoid
from models.churn.weights import Weights
from models.config import ChurnConfig
from models.features.features import NAMES, SCHEMA
from profiles.errors import Misconfigured

__all__ = ["RECENCY", "OnlineLogistic", "Target"]

Array = NDArray[np.float64]

Target = Literal["ftrl", "direct", "recency"]
"""What is learned: an order within the label horizon; an order within the churn horizon; the first, from silence alone.
"""

_LOSS = optim.losses.Log()

RECENCY = ("recency", "log_recency")
"""The features that a recency model may see."""


class _Ftrl(optim.FTRLProximal):  # type: ignore[misc]  # River has no types
    """River's FTRL-proximal without an l1 penalty, for vectors; River's own step takes dictionaries only."""

    def __init__(self, columns: int, alpha: float, l2: float) -> None:
        super().__init__(alpha=alpha, beta=1.0, l1=0.0, l2=l2)
        self.z, self.n = np.zeros(columns), np.zeros(columns)

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


class OnlineLogistic:
    """P(order within the target's horizon), learned online. Same examples in the same order: same model, to the bit.

    Args:
        target: what the label says, and the kind that the model id names.
        columns: the features that it sees; those of the target if not given.
        alpha: FTRL's learning rate.
        l2: FTRL's ridge.
        intercept_rate: the learning rate of the intercept.
        scaling: of the features, from who shows the same rows to several models; else it counts them itself.

    Raises:
        ValueError: no such target, or no such feature.
    """

    def __init__(
        self,
        target: Target,
        columns: Sequence[str] | None = None,
        *,
        alpha: float = 0.05,
        l2: float = 1.0,
        intercept_rate: float = 0.01,
        scaling: Scaling | None = None,
    ) -> None:
        self.target = target
        if target not in get_args(Target):
            raise ValueError(f"nothing learns {target}")
        self.columns = tuple(columns or (RECENCY if target == "recency" else NAMES))
        self._places = np.array([NAMES.index(name) for name in self.columns])
        self._shares, self._scaling = scaling is not None, scaling or Scaling()
        self._weights, self._intercept = np.zeros(len(self.columns)), 0.0
        self._rate = intercept_rate
        self._optimizer = _Ftrl(len(self.columns), alpha, l2)

    @property
    def examples(self) -> int:
        """How many it has been taught."""
        return self._scaling.count

    @property
    def level(self) -> float:
        """Log-odds of the average customer."""
        return self._intercept

    @property
    def norm(self) -> float:
        """Euclidean norm of the weights on standardised features, the intercept included."""
        return math.sqrt(self._weights.dot(self._weights) + self._intercept**2)

    def learn_one(self, x: Array, y: bool, weight: float = 1.0) -> None:
        """Learn one example.

        Args:
            x: a row of `features.matrix`.
            y: whether there was an order within the target's horizon; for `direct`, too.
            weight: how many examples it stands for.

        Raises:
            ValueError: a number is not finite; it would spoil every weight. Nothing has changed.
        """
        require_row(x, weight)
        self._scaling.learn(x)
        self.learn_standard(self._scaling.standard(x), y, weight)

    def learn_standard(self, z: Array, y: bool, weight: float) -> None:
        """Learn one example that is sound: standardised by its scaling, which know it already."""
        z = z.take(self._places)
        slope = _LOSS.gradient(y, self._weights.dot(z) + self._intercept) * weight
        self._intercept -= self._rate * slope
        z *= slope
        self._optimizer.step(self._weights, z)

    def predict(self, x: Array) -> float:
        """P(order within the target's horizon); scoring uses `export()`, which agrees to 1e-9."""
        return self.predict_standard(self._scaling.standard(x))

    def predict_standard(self, z: Array) -> float:
        """The same of a row that is standardised by its scaling."""
        return sigmoid(self._weights.dot(z.take(self._places)) + self._intercept)

    def export(self, config: ChurnConfig) -> Weights:
        """The model as it is now, for the scorers. A feature that it does not see has no weight.

        Raises:
            ValueError: a number is not finite: what was learned must not speak.
        """
        mean, scale, weights = np.zeros((3, len(NAMES)))
        mean[self._places] = self._scaling.mean[self._places]
        scale[self._places] = self._scaling.scale[self._places]
        weights[self._places] = self._weights
        return Weights(
            id=f"{self.target}-{SCHEMA}-{self.examples}",
            schema=SCHEMA,
            mean=mean,
            scale=scale,
            weights=weights,
            intercept=self._intercept,
            horizon=config.horizon if self.target == "direct" else config.label_horizon,
            examples=self.examples,
        )

    def state(self) -> dict[str, Any]:
        """Everything learned, as JSON types; `from_state` goes on from it bit by bit."""
        return {
            "target": self.target,
            "columns": list(self.columns),
            "scaling": None if self._shares else self._scaling.state(),
            "intercept": self._intercept,
            "weight": self._weights.tolist(),
            "z": self._optimizer.z.tolist(),
            "n": self._optimizer.n.tolist(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], scaling: Scaling | None = None) -> OnlineLogistic:
        """The model whose `state` this is; `scaling` as for the constructor.

        Raises:
            Misconfigured: numbers are missing or not finite, or features are not those of this version.
        """
        try:
            model = cls(state["target"], state["columns"], scaling=scaling)
            model._restore(state)
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the state of a learned model is damaged: {error!r}") from error
        return model

    def _restore(self, state: dict[str, Any]) -> None:
        self._weights, self._optimizer.z, self._optimizer.n = (
            numbers(state[name], len(self.columns)) for name in ("weight", "z", "n")
        )
        [self._intercept] = numbers([state["intercept"]], 1).tolist()
        if not self._shares:
            self._scaling = Scaling.from_state(state["scaling"])
