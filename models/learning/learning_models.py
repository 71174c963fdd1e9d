"""All that is learned, in one piece: the models of the panel with the state they learn on from."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn.bayes import Asked, BayesianHazard
from models.churn.gradient import OnlineLogistic
from models.churn.kinds.base_rate import RunningRate
from models.churn.kinds.bgnbd import BgNbd
from models.churn.model import Model
from models.churn.scaling import Scaling
from models.config import ChurnConfig
from profiles.errors import Misconfigured

__all__ = ["Learned"]

Array = NDArray[np.float64]


class Learned:
    """What learns from short labels (hazard, ftrl, recency, base rate) and from whole horizons (direct, base rate)."""

    def __init__(self) -> None:
        self.scaling = Scaling()  # of the features of short labels
        self.hazard = BayesianHazard(scaling=self.scaling)
        self.ftrl = OnlineLogistic("ftrl", scaling=self.scaling)
        self.recency = OnlineLogistic("recency", scaling=self.scaling)
        self.direct = OnlineLogistic("direct")
        self.rate = RunningRate()
        self.bgnbd: BgNbd | None = None  # fitted to order summaries
        self.classes = [0, 0]  # short labels learned: no order, order
        self._asked: tuple[Array | None, Asked | None] = None, None  # the row asked about last, until one is learned

    def ready(self, config: ChurnConfig) -> bool:
        """Whether the hazard has learned enough to speak."""
        return self.hazard.examples >= config.min_examples and min(self.classes) >= config.min_class

    def short(self, x: Array) -> dict[str, float]:
        """What those that learn from every short label say of one row: P(order within the label horizon)."""
        said: dict[str, float] = {}
        if self.hazard.examples:
            z = self.scaling.standard(x)
            asked = self.hazard.ask(x)
            self._asked = x, asked
            said["hazard"] = asked.p
            said["ftrl"] = self.ftrl.predict_standard(z)
            said["recency"] = self.recency.predict_standard(z)
        if self.rate.examples:
            said["base_rate"] = self.rate.order
        return said

    def learn_short(self, x: Array, y: bool, weight: float) -> None:
        """Learn from a label of the label horizon."""
        row, asked = self._asked
        self.scaling.learn(x)
        z = self.scaling.standard(x)
        self.hazard.learn_counted(x, y, weight, asked if row is x else None)
        self._asked = None, None
        self.ftrl.learn_standard(z, y, weight)
        self.recency.learn_standard(z, y, weight)
        self.rate.learn_short(y, weight)
        self.classes[y] += 1

    def learn_full(self, x: Array, y: bool, weight: float) -> None:
        """Learn from a label of the churn horizon."""
        self.direct.learn_one(x, y, weight)
        self.rate.learn_full(y, weight)

    def export(self, config: ChurnConfig) -> dict[str, Model]:
        """The models that have learned enough to be asked, for the scorers.

        Raises:
            ValueError: a number is not finite: what was learned must not speak.
        """
        models: dict[str, Model] = {}
        if self.ready(config):
            models["hazard"] = self.hazard.export(config)
            models["ftrl"] = self.ftrl.export(config)
            models["recency"] = self.recency.export(config)
        if self.direct.examples >= config.min_examples:
            models["direct"] = self.direct.export(config)
        if self.bgnbd is not None:
            models["bgnbd"] = self.bgnbd
        if (rate := self.rate.export(config)) is not None:
            models["base_rate"] = rate
        return models

    @property
    def finite(self) -> bool:
        """Whether learning goes on with numbers; cheap. A weight that is none spoils the intercept next."""
        return math.isfinite(self.hazard.level + self.ftrl.level + self.recency.level + self.direct.level)

    @property
    def sound(self) -> bool:
        """Whether every weight is finite."""
        return all(math.isfinite(norm) for norm in self.norms().values())

    def norms(self) -> dict[str, float]:
        """Euclidean norm of the weights of each regression, on standardised features, the intercept included."""
        return {"hazard": self.hazard.norm} | {
            model.target: model.norm for model in (self.ftrl, self.recency, self.direct)
        }

    def forget_full(self) -> None:
        """Forget what was learned about another churn horizon."""
        self.direct = OnlineLogistic("direct")
        self.rate.full = [0.0, 0.0]

    def state(self) -> dict[str, Any]:
        """Everything, as JSON types."""
        return {
            "scaling": self.scaling.state(),
            "hazard": self.hazard.state(),
            "ftrl": self.ftrl.state(),
            "recency": self.recency.state(),
            "direct": self.direct.state(),
            "rate": self.rate.state(),
            "bgnbd": None if self.bgnbd is None else msgspec.json.decode(self.bgnbd.to_json()),
            "classes": list(self.classes),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Learned:
        """The models whose `state` this is.

        Raises:
            Misconfigured: numbers are missing or not finite.
        """
        learned = cls()
        try:
            learned.scaling = scaling = Scaling.from_state(state["scaling"])
            learned.hazard = BayesianHazard.from_state(state["hazard"], scaling)
            learned.ftrl = OnlineLogistic.from_state(state["ftrl"], scaling)
            learned.recency = OnlineLogistic.from_state(state["recency"], scaling)
            learned.direct = OnlineLogistic.from_state(state["direct"])
            learned.rate = RunningRate.from_state(state["rate"])
            if state["bgnbd"] is not None:
                learned.bgnbd = BgNbd.from_json(msgspec.json.encode(state["bgnbd"]))
            learned.classes = [int(count) for count in state["classes"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the state of the learned models is damaged: {error!r}") from error
        return learned
