"""What a churn model is: what it says of customers, how it learns, and what there is to declare about it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np

from models.churn.scaling import Scaling
from models.codec import Array
from models.config import ChurnConfig
from profiles.errors import Misconfigured

__all__ = [
    "Joined", "Kind", "LearningModel", "Model", "Orders", "Outdated", "Row", "Scores", "joined", "require_finite",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of a batch, row by row."""

    risk: Array  # (n,), 0 to 1
    baseline: Array  # (n,), log-odds of the average customer
    contributions: Array  # (n, features), log-odds; with the baseline they sum to the log-odds of the risk
    values: Array  # (n, features), the features now
    silence: Array | None = None  # (n, ORDERED), of the contributions what silence beyond the usual gap has changed
    likeness: Array | None = None  # (n,), log-odds: what customers of the same groups have taught
    average: Array | None = None  # (features,), those of the average customer, with whom contributions compare…
    spread: Array | None = None  # …and their standard deviations


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

    def numbers(self) -> dict[str, float]:
        """What is inside, for people, besides the weights of features."""
        ...


class Joined(ABC):
    """A model that asks other models of the panel."""

    __slots__ = ()

    @abstractmethod
    def joined(self, models: Mapping[str, Model]) -> Model | None:
        """The model with the parts that it asks, out of these; None if they are too few."""

    @abstractmethod
    def of(self, risks: Mapping[str, Array]) -> Array:
        """The risk, given what its parts say."""


class Row(NamedTuple):
    """The features of one example."""

    x: Array  # a row of `features.matrix`
    z: Array  # the same, standardised by the scaling that the models share


class Orders(NamedTuple):
    """The orders and visits of a sample of customers, as arrays (customers,)."""

    repeats: Array  # orders but the first
    last: Array  # age at the last order, weeks; 0 without repeats
    age: Array  # weeks since the first order
    fast: Array  # visits, each halving in worth every two weeks
    slow: Array  # visits, each halving in worth every eight weeks


class LearningModel:
    """A model of the panel while it learns, as the learner holds it. What a kind does not do stays as it is here."""

    steady: Model | None = None
    """A model that stays the same from label to label, so that a whole batch of rows can be shown to it at once."""

    def answer(self, row: Row) -> float | None:
        """P(order within the label horizon) of a row, from a model that learns from every short label; None: too early.

        A model that does not is asked for `steady`.
        """
        return None

    def learn_short(self, row: Row, y: bool, weight: float) -> None:
        """Learn from a sound label of the label horizon.

        Args:
            row: standardised by the shared scaling, which has counted it.
            y: whether there was an order.
            weight: how many examples it stands for.
        """

    def learn_full(self, x: Array, y: bool, weight: float) -> None:
        """Learn from a label of the churn horizon; the arguments are those of `learn_short`."""

    def learn_said(self, said: Mapping[str, float], churned: bool, weight: float) -> None:
        """Learn from a label of the churn horizon, and what each model that had an answer said at its snapshot.

        Args:
            said: P(no order within the churn horizon), by model.
            churned: whether there was none.
            weight: how many examples it stands for.
        """

    def learn_orders(self, orders: Orders) -> bool:
        """Learn from what is known of customers' orders, which takes no label; whether that has changed the model."""
        return False

    def take_up(self, document: bytes) -> None:
        """Go on with a model that was grown elsewhere, from its JSON.

        Raises:
            Outdated: it is of other features, or of another horizon. Nothing has changed.
            Misconfigured: it is damaged. Nothing has changed.
        """

    def forget_full(self) -> LearningModel:
        """The model without what labels of the churn horizon have taught: that horizon has changed."""
        return self

    def ready(self, config: ChurnConfig, enough: bool) -> bool:
        """Whether it has learned enough to be asked.

        Args:
            config: of churn, from the plan.
            enough: whether as many short labels of each outcome have been learned as the plan asks for.
        """
        return True

    def export(self, config: ChurnConfig) -> Model | None:
        """The model as it is now, for the scorers; None if it knows nothing yet.

        Raises:
            ValueError: a number is not finite: what was learned must not be used.
        """
        return None

    @property
    def norm(self) -> float | None:
        """Euclidean norm of the weights on standardised features, the intercept included; None: it has no weights."""
        return None

    @property
    def level(self) -> float:
        """Log-odds of the average customer; not finite once a weight is spoilt."""
        return 0.0

    def state(self) -> Any:
        """What is kept of it: a struct, or None."""
        return None

    def resume(self, state: bytes) -> LearningModel:
        """The model whose `state` this is, as JSON; asked of one that has learned nothing.

        Raises:
            Misconfigured: it is damaged.
        """
        return self


@dataclass(frozen=True, slots=True)
class Kind:
    """All that is to be said about one kind of model."""

    name: str
    column: int  # in what every model says of a customer (`Panel.risks`); also the order in which they are listed
    meaning: str  # what it is, for people
    basis: str  # what stands behind a risk of it, for who reads the risk
    learns_from: tuple[Literal["short", "full", "orders", "said", "grown"], ...]
    """Labels of which horizon, orders, what the others said before a label of the churn horizon, models that a process
    of its own grows; () from nothing."""

    read: Callable[[bytes, ChurnConfig], Model]  # what `to_json` gave; raises Outdated and Misconfigured
    promoted: bool = field(default=True, kw_only=True)  # by the rule; else only a person makes it the champion
    start: Callable[[ChurnConfig, Scaling], LearningModel]  # one that has learned nothing; loads what it learns with


def joined(models: Mapping[str, Model]) -> dict[str, Model]:
    """The models, those that ask others with their parts; without those whose parts are too few."""
    found: dict[str, Model] = {}
    for name, model in models.items():
        if not isinstance(model, Joined):
            found[name] = model
        elif (whole := model.joined(models)) is not None:
            found[name] = whole
    return found


def require_finite(raws: Array, at: Array) -> None:
    """Refuse numbers that would make a score of nothing.

    Raises:
        ValueError: a number is not finite.
    """
    if not (np.isfinite(raws).all() and np.isfinite(at).all()):
        raise ValueError("what is known of a customer is not finite")
