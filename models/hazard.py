"""The learned hazard: River's scaler and logistic regression with FTRL-proximal, one example at a time.

River owns the learning; scoring uses the exported `Weights`. The state is kept as plain numbers, because River's
pickles do not survive its upgrades.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import compose, linear_model, optim, preprocessing

from models.churn import CLIP, Weights
from models.config import ChurnConfig
from models.features import NAMES, SCHEMA
from profiles.errors import Misconfigured

__all__ = ["HazardModel"]


def _clip(z: dict[str, float]) -> dict[str, float]:
    return {name: -CLIP if v < -CLIP else CLIP if v > CLIP else v for name, v in z.items()}


class HazardModel:
    """P(order within the label horizon), learned online. Same examples in the same order: same model, to the bit."""

    def __init__(self) -> None:
        self.examples = 0
        self._scaler = preprocessing.StandardScaler()
        self._optimizer = optim.FTRLProximal(alpha=0.05, beta=1.0, l1=0.0, l2=1.0)
        self._regression = linear_model.LogisticRegression(optimizer=self._optimizer)
        self.pipeline = self._scaler | compose.FuncTransformer(_clip) | self._regression

    def learn_one(self, x: NDArray[np.float64], y: bool, weight: float = 1.0) -> None:
        """Learn one example.

        Args:
            x: a row of `features.matrix`.
            y: whether there was an order within the label horizon.
            weight: how many examples it stands for.

        Raises:
            ValueError: a feature is not finite; it would spoil every weight. Nothing has changed.
        """
        if len(x) != len(NAMES) or not np.isfinite(x).all() or not 0 < weight < math.inf:
            raise ValueError("an example must have every feature, and all of them finite")
        self.pipeline.learn_one(dict(zip(NAMES, x.tolist(), strict=True)), bool(y), w=float(weight))
        self.examples += 1

    def predict(self, x: NDArray[np.float64]) -> float:
        """River's own answer for one row; scoring uses `export()`, which agrees to 1e-9."""
        proba: dict[bool, float] = self.pipeline.predict_proba_one(dict(zip(NAMES, x.tolist(), strict=True)))
        return float(proba.get(True, 0.5))

    def export(self, config: ChurnConfig) -> Weights:
        """The model as it is now, for the scorers."""
        variance = np.array([self._scaler.vars.get(name, 0.0) for name in NAMES])
        weights = self._regression.weights
        return Weights(
            id=f"hazard-{SCHEMA}-{self.examples}",
            schema=SCHEMA,
            mean=np.array([self._scaler.means.get(name, 0.0) for name in NAMES]),
            scale=np.sqrt(np.maximum(variance, 0.0)),
            weights=np.array([float(weights.get(name, 0.0)) for name in NAMES]),
            intercept=float(self._regression.intercept),
            horizon=config.label_horizon,
            examples=self.examples,
        )

    def state(self) -> dict[str, Any]:
        """Everything learned, as JSON types; `from_state` goes on from it bit by bit."""
        weights = self._regression.weights
        columns = {
            "count": self._scaler.counts, "mean": self._scaler.means, "variance": self._scaler.vars,
            "weight": weights, "z": self._optimizer.z, "n": self._optimizer.n,
        }  # fmt: skip
        return {
            "examples": self.examples,
            "iterations": self._optimizer.n_iterations,
            "intercept": float(self._regression.intercept),
            **{key: [float(column.get(name, 0.0)) for name in NAMES] for key, column in columns.items()},
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> HazardModel:
        """The model whose `state` this is.

        Raises:
            Misconfigured: numbers are missing or not finite.
        """
        model = cls()
        try:
            columns = {key: _column(state[key]) for key in ("count", "mean", "variance", "weight", "z", "n")}
            model.examples = int(state["examples"])
            model._optimizer.n_iterations = int(state["iterations"])
            model._regression.intercept = _finite(state["intercept"])
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the state of the hazard model is damaged: {error!r}") from error
        if not model.examples:
            return model
        model._scaler.counts.update({name: int(count) for name, count in columns["count"].items()})
        model._scaler.means.update(columns["mean"])
        model._scaler.vars.update(columns["variance"])
        model._optimizer.z.update(columns["z"])
        model._optimizer.n.update(columns["n"])
        for name, weight in columns["weight"].items():
            model._regression._weights[name] = weight
        return model


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number


def _column(values: list[Any]) -> dict[str, float]:
    return dict(zip(NAMES, map(_finite, values), strict=True))
