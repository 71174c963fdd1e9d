"""The learned models: River's scaler and logistic regression with FTRL-proximal, one example at a time.

River owns the learning; scoring uses the exported `Weights`. The state is kept as plain numbers, because River's
pickles do not survive its upgrades.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from river import compose, linear_model, optim, preprocessing
from river.utils import VectorDict

from models.churn import CLIP, Weights
from models.config import ChurnConfig
from models.features import NAMES, SCHEMA
from profiles.errors import Misconfigured

__all__ = ["RECENCY", "OnlineLogistic", "Target"]

Target = Literal["ftrl", "direct", "recency"]
"""What is learned: an order within the label horizon; an order within the churn horizon; the first, from silence alone.
"""

RECENCY = ("recency", "log_recency")
"""The features that a recency model may see."""


class _Ftrl(optim.FTRLProximal):  # type: ignore[misc]  # River has no types
    """River's FTRL-proximal without an l1 penalty, in one loop: the same weights to the bit, in a third of the time."""

    def _step_with_dict(self, w: Any, g: Any) -> Any:
        alpha, beta, l2, z, n = self.alpha, self.beta, self.l2, self.z, self.n
        for i, slope in g.items():
            z_i, n_i = z[i], n[i]
            root = n_i**0.5
            if z_i:
                w_i = -(((beta + root) / alpha + l2) ** -1) * z_i
                w[i] = w_i
            else:
                w_i = w.get(i, 0.0)
            square = slope**2
            z[i] = z_i + (slope - ((n_i + square) ** 0.5 - root) / alpha * w_i)
            n[i] = n_i + square
        return w


class _Scaler(preprocessing.StandardScaler):  # type: ignore[misc]  # River has no types
    """River's scaler that can learn, standardise and clip in one loop: the same numbers to the bit."""

    def learn_clipped(self, x: dict[str, float]) -> dict[str, float]:
        """Learn the values, and answer them in standard deviations within ±CLIP."""
        counts, means, variances = self.counts, self.means, self.vars
        z = {}
        for i, value in x.items():
            counts[i] = count = counts[i] + 1
            before = means[i]
            means[i] = mean = before + (value - before) / count
            variance = variances[i]
            variances[i] = variance = variance + ((value - before) * (value - mean) - variance) / count
            v = (value - mean) / variance**0.5 if variance else 0.0
            z[i] = -CLIP if v < -CLIP else CLIP if v > CLIP else v
        return z


def _clip(z: dict[str, float]) -> dict[str, float]:
    return {name: -CLIP if v < -CLIP else CLIP if v > CLIP else v for name, v in z.items()}


class OnlineLogistic:
    """P(order within the target's horizon), learned online. Same examples in the same order: same model, to the bit.

    Args:
        target: what the label says, and the kind that the model id names.
        columns: the features that it sees; those of the target if not given.
        alpha: FTRL's learning rate.
        l2: FTRL's ridge.
        intercept_rate: the learning rate of the intercept.

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
    ) -> None:
        self.target = target
        if target not in get_args(Target):
            raise ValueError(f"nothing learns {target}")
        self.columns = tuple(columns or (RECENCY if target == "recency" else NAMES))
        self.examples = 0
        self._places = np.array([NAMES.index(name) for name in self.columns])
        self._met, self._unmet = self._places[:0], self._places  # was ever anything but zero, or never; see `_meet`
        self._names: list[str] = []
        self._scaler = _Scaler()
        self._optimizer = _Ftrl(alpha=alpha, beta=1.0, l1=0.0, l2=l2)
        self._regression = linear_model.LogisticRegression(optimizer=self._optimizer, intercept_lr=intercept_rate)
        self.pipeline = self._scaler | compose.FuncTransformer(_clip) | self._regression

    def learn_one(self, x: NDArray[np.float64], y: bool, weight: float = 1.0) -> None:
        """Learn one example.

        Args:
            x: a row of `features.matrix`.
            y: whether there was an order within the target's horizon; for `direct`, too.
            weight: how many examples it stands for.

        Raises:
            ValueError: a number is not finite; it would spoil every weight. Nothing has changed.
        """
        if len(x) != len(NAMES) or not np.isfinite(x).all() or not 0 < weight < math.inf:
            raise ValueError("an example must have every feature, and all of them finite")
        if x[self._unmet].any():
            self._meet({NAMES[place] for place in self._unmet if x[place]})
        named = self._named(x)  # from here on what `pipeline.learn_one` does, in less time
        self._regression.learn_one(self._scaler.learn_clipped(named), bool(y), w=float(weight))
        self.examples += 1

    def predict(self, x: NDArray[np.float64]) -> float:
        """River's own P(order within the target's horizon); scoring uses `export()`, which agrees to 1e-9."""
        proba: dict[bool, float] = self.pipeline.predict_proba_one(self._named(x))
        return float(proba.get(True, 0.5))

    def export(self, config: ChurnConfig) -> Weights:
        """The model as it is now, for the scorers. A feature that it does not see has no weight.

        Raises:
            ValueError: a number is not finite: what was learned must not speak.
        """
        learned = self._regression.weights
        mean, scale, weights = np.zeros((3, len(NAMES)))
        mean[self._places] = [self._scaler.means.get(name, 0.0) for name in self.columns]
        variance = np.array([self._scaler.vars.get(name, 0.0) for name in self.columns])
        scale[self._places] = np.sqrt(np.maximum(variance, 0.0))
        weights[self._places] = [float(learned.get(name, 0.0)) for name in self.columns]
        return Weights(
            id=f"{self.target}-{SCHEMA}-{self.examples}",
            schema=SCHEMA,
            mean=mean,
            scale=scale,
            weights=weights,
            intercept=float(self._regression.intercept),
            horizon=config.horizon if self.target == "direct" else config.label_horizon,
            examples=self.examples,
        )

    def state(self) -> dict[str, Any]:
        """Everything learned, as JSON types; `from_state` goes on from it bit by bit."""
        counts = {name: self._scaler.counts.get(name, self.examples) for name in self.columns}
        columns = {
            "count": counts, "mean": self._scaler.means, "variance": self._scaler.vars,
            "weight": self._regression.weights, "z": self._optimizer.z, "n": self._optimizer.n,
        }  # fmt: skip
        return {
            "target": self.target,
            "columns": list(self.columns),
            "examples": self.examples,
            "iterations": self._optimizer.n_iterations,
            "intercept": float(self._regression.intercept),
            **{key: [float(column.get(name, 0.0)) for name in self.columns] for key, column in columns.items()},
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], **settings: float) -> OnlineLogistic:
        """The model whose `state` this is; its `settings` are those of the constructor.

        Raises:
            Misconfigured: numbers are missing or not finite, or features are not those of this version.
        """
        try:
            model = cls(state["target"], state["columns"], **settings)
            model._restore(state)
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the state of a learned model is damaged: {error!r}") from error
        return model

    def _restore(self, state: dict[str, Any]) -> None:
        columns = {key: self._column(state[key]) for key in ("count", "mean", "variance", "weight", "z", "n")}
        self.examples = int(state["examples"])
        self._optimizer.n_iterations = int(state["iterations"])
        self._regression.intercept = _finite(state["intercept"])
        if not self.examples:
            return
        self._scaler.means.update(columns["mean"])
        self._scaler.vars.update(columns["variance"])
        self._optimizer.z.update(columns["z"])
        self._optimizer.n.update(columns["n"])
        self._regression._weights.update(columns["weight"])
        self._meet({name for name in self.columns if columns["mean"][name] or columns["variance"][name]})
        for name in self._names:
            self._scaler.counts[name] = int(columns["count"][name])

    def _meet(self, new: set[str]) -> None:
        """Begin to learn columns that were zero so far; to River they were zero in every example.

        Most customers of most companies have no trace of some source, and what is always zero costs time like the rest.
        """
        self._names = [name for name in self.columns if name in new or name in self._scaler.counts]
        met = np.isin(self.columns, self._names)
        self._met, self._unmet = self._places[met], self._places[~met]
        for name in new:
            self._scaler.counts[name] = self.examples
        weights = self._regression.weights  # sums are in their order, and that must be the same after a restart
        self._regression._weights = VectorDict({name: weights.get(name, 0.0) for name in self._names})

    def _column(self, values: list[Any]) -> dict[str, float]:
        return dict(zip(self.columns, map(_finite, values), strict=True))

    def _named(self, x: NDArray[np.float64]) -> dict[str, float]:
        return dict(zip(self._names, x[self._met].tolist(), strict=True))


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is not finite")
    return number
