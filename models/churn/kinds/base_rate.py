"""The base rate: everybody runs the same risk. What a model must beat to be worth anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.churn.model import Outdated, Scores, require_finite
from models.config import ChurnConfig
from models.features.features import matrix
from profiles.errors import Misconfigured

__all__ = ["BaseRate", "RunningRate"]

Array = NDArray[np.float64]


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """The rates as JSON."""

    order: float
    churn: float
    label_horizon: float
    horizon: float
    examples: int


@dataclass(frozen=True, slots=True)
class BaseRate:
    """One risk for all."""

    order: float  # share of customers who order within the label horizon
    churn: float  # share of customers who order nothing within the churn horizon
    label_horizon: float  # seconds
    horizon: float  # seconds
    examples: int = 0  # counted

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
        return msgspec.json.encode(_Form(self.order, self.churn, self.label_horizon, self.horizon, self.examples))

    @classmethod
    def from_json(cls, data: bytes, config: ChurnConfig) -> BaseRate:
        """What `to_json` gave.

        Raises:
            Outdated: the rates are of other horizons.
            Misconfigured: it is damaged.
        """
        try:
            form = msgspec.json.decode(data, type=_Form)
            rate = cls(form.order, form.churn, form.label_horizon, form.horizon, form.examples)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Misconfigured(f"this is no base rate: {error}") from error
        if (rate.label_horizon, rate.horizon) != (config.label_horizon, config.horizon):
            raise Outdated(f"model {rate.id} was learned for another horizon")
        return rate


class RunningRate:
    """Counts labels. Until one of the churn horizon has matured, the short ones are rolled up to it."""

    def __init__(self) -> None:
        self.short = [0.0, 0.0]  # no order, order: within the label horizon, by weight
        self.full = [0.0, 0.0]  # the same within the churn horizon
        self.examples = 0

    def learn_short(self, y: bool, weight: float = 1.0) -> None:
        """Count whether there was an order within the label horizon."""
        self._count(self.short, y, weight)

    def learn_full(self, y: bool, weight: float = 1.0) -> None:
        """Count whether there was an order within the churn horizon."""
        self._count(self.full, y, weight)

    @property
    def order(self) -> float:
        """The share of orders within the label horizon."""
        return _share(self.short)

    def export(self, config: ChurnConfig) -> BaseRate | None:
        """The rates as they are now; None before the first label."""
        if not self.examples:
            return None
        order = self.order
        rolled = (1.0 - order) ** (config.horizon / config.label_horizon)
        churn = 1.0 - _share(self.full) if sum(self.full) else rolled
        return BaseRate(order, churn, config.label_horizon, config.horizon, self.examples)

    def state(self) -> dict[str, Any]:
        """Everything counted, as JSON types."""
        return {"short": list(self.short), "full": list(self.full), "examples": self.examples}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> RunningRate:
        """The rate whose `state` this is.

        Raises:
            Misconfigured: a number is missing or is no count.
        """
        rate = cls()
        try:
            rate.short = [float(count) for count in state["short"]]
            rate.full = [float(count) for count in state["full"]]
            rate.examples = int(state["examples"])
            counts = np.array([rate.short, rate.full])
        except (KeyError, TypeError, ValueError) as error:
            raise Misconfigured(f"the state of the base rate is damaged: {error!r}") from error
        if counts.shape != (2, 2) or not np.isfinite(counts).all() or (counts < 0).any():
            raise Misconfigured(f"the state of the base rate is damaged: {counts.tolist()} are no counts")
        return rate

    def _count(self, counts: list[float], y: bool, weight: float) -> None:
        if not 0 < weight < np.inf:
            raise ValueError("an example must stand for a finite number of examples")
        counts[bool(y)] += weight
        self.examples += 1


def _share(counts: list[float]) -> float:
    """Of orders, with half an example of each kind beforehand, so that no rate is ever certain."""
    return (counts[1] + 0.5) / (sum(counts) + 1.0)
