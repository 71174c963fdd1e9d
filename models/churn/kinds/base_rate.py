"""The base rate: everybody runs the same risk. What a model must beat to be worth anything."""

from __future__ import annotations

import msgspec
import numpy as np

from models.churn.model import Kind, LearningModel, Outdated, Row, Scores, require_finite
from models.churn.scaling import Scaling
from models.codec import Array, State, decode, encode
from models.config import ChurnConfig
from models.features.matrix import matrix

__all__ = ["KIND", "BaseRate", "RunningRate", "read"]


class BaseRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One risk for all."""

    order: float  # share of customers who order within the label horizon
    churn: float  # share of customers who order nothing within the churn horizon
    label_horizon: float  # seconds
    horizon: float  # seconds
    examples: int  # counted

    def __post_init__(self) -> None:
        if not (0 < self.order < 1 and 0 < self.churn < 1):
            raise ValueError(f"model {self.id} is damaged: its rates are not between 0 and 1")

    @property
    def id(self) -> str:
        """The model id."""
        return f"base-rate-{self.examples}"

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """The same risk for every row; no feature contributes anything.

        Raises:
            ValueError: a number is not finite.
        """
        require_finite(raws, at)
        values = matrix(raws, at)
        n = len(values)
        odds = float(np.log(self.churn / (1.0 - self.churn)))
        return Scores(np.full(n, self.churn), np.full(n, odds), np.zeros_like(values), values)

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The same risk for every customer in features rolled `ahead`."""
        return np.full(x.shape[-1], self.churn)

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """P(order within the label horizon), the same for every row of `features.matrix`."""
        return np.full(len(x), self.order)

    def to_json(self) -> bytes:
        """Everything, as JSON that reads back to the same bits."""
        return encode(self)

    def numbers(self) -> dict[str, float]:
        """What is inside."""
        return {"order": self.order, "churn": self.churn, "examples": self.examples}


def read(data: bytes, config: ChurnConfig) -> BaseRate:
    """What `to_json` gave.

    Raises:
        Outdated: the rates are of other horizons.
        Misconfigured: it is damaged.
    """
    rate = decode(data, BaseRate, "a base rate")
    if (rate.label_horizon, rate.horizon) != (config.label_horizon, config.horizon):
        raise Outdated(f"model {rate.id} was learned for another horizon")
    return rate


class RunningRate(State, LearningModel):
    """Counts labels. Until one of the churn horizon has matured, the short ones are rolled up to it."""

    short: list[float]  # no order, order: within the label horizon, by weight
    full: list[float]  # the same within the churn horizon
    examples: int

    def __post_init__(self) -> None:
        if len(self.short) != 2 or len(self.full) != 2 or min(self.short + self.full) < 0:
            raise ValueError(f"{self.short} and {self.full} are no counts")

    @classmethod
    def new(cls, config: ChurnConfig, scaling: Scaling) -> RunningRate:
        """Before the first label."""
        return cls([0.0, 0.0], [0.0, 0.0], 0)

    def answer(self, row: Row) -> float | None:
        """The share of orders within the label horizon."""
        return _share(self.short) if self.examples else None

    def learn_short(self, row: Row, y: bool, weight: float) -> None:
        """Count whether there was an order within the label horizon."""
        self._count(self.short, y, weight)

    def learn_full(self, x: Array, y: bool, weight: float) -> None:
        """Count whether there was an order within the churn horizon."""
        self._count(self.full, y, weight)

    def forget_full(self) -> RunningRate:
        """Without the labels of another churn horizon."""
        self.full = [0.0, 0.0]
        return self

    def export(self, config: ChurnConfig) -> BaseRate | None:
        """The rates as they are now; None before the first label."""
        if not self.examples:
            return None
        order = _share(self.short)
        rolled = (1.0 - order) ** (config.horizon / config.label_horizon)
        churn = 1.0 - _share(self.full) if sum(self.full) else rolled
        return BaseRate(order, churn, config.label_horizon, config.horizon, self.examples)

    def state(self) -> RunningRate:
        """The counts."""
        return self

    def resume(self, state: bytes) -> RunningRate:
        """The rate whose `state` this is."""
        return decode(state, RunningRate, "the state of the base rate")

    def _count(self, counts: list[float], y: bool, weight: float) -> None:
        if not 0 < weight < np.inf:
            raise ValueError("an example must stand for a finite number of examples")
        counts[bool(y)] += weight
        self.examples += 1


def _share(counts: list[float]) -> float:
    """Of orders, with half an example of each kind beforehand, so that no rate is ever certain."""
    return (counts[1] + 0.5) / (sum(counts) + 1.0)


KIND = Kind(
    name="base_rate",
    column=5,
    meaning="the same risk for everybody",
    basis="the same for everyone",
    learns_from=("short", "full"),
    read=read,
    start=RunningRate.new,
)
