"""The models of the panel as they learn, side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec

from models.churn.kinds import KINDS
from models.churn.model import LearningModel, Model, Orders, Row, joined
from models.churn.scaling import Scaling
from models.codec import Array, State, encode
from models.config import ChurnConfig
from profiles.errors import Misconfigured

__all__ = ["LearningModels", "Saved"]


class Saved(State):
    """What is kept of them."""

    scaling: Scaling
    classes: tuple[int, int]
    models: dict[str, msgspec.Raw]


class LearningModels:
    """Every kind of model, each of which learns from what it is declared to learn from.

    Args:
        config: of churn, from the plan.
        saved: what was kept of models that have learned; they go on from it.

    Raises:
        Misconfigured: what was kept is damaged.
    """

    def __init__(self, config: ChurnConfig, saved: Saved | None = None) -> None:
        self._config = config
        self.scaling = Scaling.new() if saved is None else saved.scaling  # of the features of short labels
        self.classes = [0, 0] if saved is None else list(saved.classes)  # short labels learned: no order, order
        self._all: dict[str, LearningModel] = {}
        for name, kind in KINDS.items():
            model = kind.start(config, self.scaling)
            self._all[name] = model if saved is None else model.resume(bytes(saved.models.get(name, b"")))
        self._sort()

    def _sort(self) -> None:
        def who_learn_from(source: str) -> dict[str, LearningModel]:
            return {name: model for name, model in self._all.items() if source in KINDS[name].learns_from}

        self._short, self._full = who_learn_from("short"), who_learn_from("full")
        self._said = who_learn_from("said")
        self._orders, self._grown = who_learn_from("orders"), who_learn_from("grown")
        self._others = {name: model for name, model in self._all.items() if name not in self._short}

    def __getitem__(self, name: str) -> LearningModel:
        return self._all[name]

    @property
    def examples(self) -> int:
        """How many short labels have been learned."""
        return self.scaling.count

    @property
    def enough(self) -> bool:
        """Whether that is as many as the plan asks for, of each outcome."""
        return self.examples >= self._config.min_examples and min(self.classes) >= self._config.min_class

    def answers(self, x: Array) -> dict[str, float]:
        """What those that learn from every short label say of one row: P(order within the label horizon)."""
        row = Row(x, self.scaling.standard(x))
        return {name: p for name, model in self._short.items() if (p := model.answer(row)) is not None}

    def steady(self) -> Mapping[str, Model]:
        """Models that stay the same from label to label."""
        return {name: model.steady for name, model in self._others.items() if model.steady is not None}

    def learn_short(self, x: Array, y: bool, weight: float) -> None:
        """Learn from a sound label of the label horizon."""
        self.scaling.learn(x)
        row = Row(x, self.scaling.standard(x))
        for model in self._short.values():
            model.learn_short(row, y, weight)
        self.classes[y] += 1

    def learn_full(self, x: Array, y: bool, weight: float) -> None:
        """Learn from a label of the churn horizon."""
        for model in self._full.values():
            model.learn_full(x, y, weight)

    def learn_said(self, said: Mapping[str, float], churned: bool, weight: float) -> None:
        """Learn from a label of the churn horizon, and what the models said before it."""
        for model in self._said.values():
            model.learn_said(said, churned, weight)

    def take_up(self, name: str, document: bytes) -> None:
        """Go on with a model that was grown elsewhere.

        Raises:
            Outdated: it is of other features, or of another horizon.
            Misconfigured: it is damaged, or none that is grown elsewhere has this name.
        """
        model = self._grown.get(name)
        if model is None:
            raise Misconfigured(f"no model {name!r} is grown elsewhere; {', '.join(self._grown)} is")
        model.take_up(document)

    def learn_orders(self, orders: Orders) -> bool:
        """Learn from what is known of customers' orders; whether that has changed a model."""
        changed = [model.learn_orders(orders) for model in self._orders.values()]
        return any(changed)

    def forget_full(self) -> None:
        """Forget what was learned about another churn horizon."""
        self._all |= {name: model.forget_full() for name, model in (self._full | self._said).items()}
        self._sort()

    def export(self) -> dict[str, Model]:
        """The models that have learned enough to be asked, for the scorers.

        Raises:
            ValueError: a number is not finite: what was learned must not be used.
        """
        able = [(name, model) for name, model in self._all.items() if model.ready(self._config, self.enough)]
        return joined({name: found for name, model in able if (found := model.export(self._config)) is not None})

    @property
    def finite(self) -> bool:
        """Whether learning goes on with numbers; cheap. A weight that is none spoils the intercept next."""
        return math.isfinite(sum([model.level for model in self._all.values()]))

    @property
    def sound(self) -> bool:
        """Whether every weight is finite."""
        return all(map(math.isfinite, self.norms().values()))

    def norms(self) -> dict[str, float]:
        """Euclidean norm of the weights of each model that has some, on standardised features."""
        return {name: norm for name, model in self._all.items() if (norm := model.norm) is not None}

    def state(self) -> Saved:
        """Everything learned."""
        models = {
            name: msgspec.Raw(encode(self._all[name].state())) for name, kind in KINDS.items() if kind.learns_from
        }
        return Saved(self.scaling, (self.classes[0], self.classes[1]), models)
