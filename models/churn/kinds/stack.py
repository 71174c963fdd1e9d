"""The stack: what several models say together, each with a weight that is learned (stacking: Wolpert 1992).

Log-odds of no order within the horizon = intercept + Σ weight · log-odds of a part, held within ±HELD so that no part
is certain. A full label comes with what every model had said when its snapshot was taken; from that alone intercept and
weights are learned, one label at a time with their uncertainty (an extended Kalman filter, as of the hazard). They
begin with most on the hazard, which was never the worst of them, and on the nightly model, the best where there is more
to go by than orders; they stay near that until labels say otherwise. So the stack speaks as soon as two parts have an
answer. Intercept and sum of the weights are what Platt's calibration would
learn.

A part that has no answer counts as the mean of those that have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
import numpy as np

from models.churn.model import Joined, Kind, LearningModel, Model, Outdated, Scores
from models.churn.scaling import Scaling, sigmoid
from models.codec import Array, State, decode, encode
from models.config import ChurnConfig
from models.features.table import ORDERED, TABLE

__all__ = ["HELD", "KIND", "PARTS", "LearningStack", "Stack", "StackWeights", "read"]

_FIRST = {"hazard": 0.45, "direct": 0.15, "btyd": 0.15, "survival": 0.25}  # weights before any label

PARTS = tuple(_FIRST)
"""The models that are asked: they learn in four ways, of short labels, of full ones, of orders and visits alone, and
anew every night."""

_OF_ORDERS = frozenset({"btyd"})  # say nothing where churn is not about orders
_GROWN = frozenset({"survival"})  # say nothing where nobody grows them

HELD = 6.9
"""Log-odds of a part are held within ± this: a chance of one in a thousand."""

_LEAST = 2  # parts that make a stack
_WEIGHT, _LEVEL = 0.003, 0.02  # prior variances: a weight, the intercept
_FAINT = 1e-3  # least variance of an outcome: keeps a certain prediction from being a wall
_OF_SILENCE = np.array([feature.group == "silence" for feature in TABLE[:ORDERED]], dtype=np.float64)


class StackWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is shipped of a stack: the parts are in the panel already."""

    weights: dict[str, float]
    intercept: float
    horizon: float  # seconds
    examples: int

    def __post_init__(self) -> None:
        if tuple(self.weights) != PARTS or not all(map(math.isfinite, (*self.weights.values(), self.intercept))):
            raise ValueError("its weights are not those of its parts, or not finite")


@dataclass(frozen=True, slots=True)
class Stack(Joined):
    """A stack with its parts."""

    learned: StackWeights
    parts: Mapping[str, Model] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The model id."""
        return f"stack-{self.learned.examples}"

    def joined(self, models: Mapping[str, Model]) -> Stack | None:
        """The stack of the parts among these models; None if they are too few."""
        parts = {name: models[name] for name in PARTS if name in models}
        return replace(self, parts=parts) if len(parts) >= _LEAST else None

    def score(self, raws: Array, at: Array, config: ChurnConfig) -> Scores:
        """Risk and contributions of customers (rows of `features.raws`) at the times `at`: weighted sums of the parts'.

        Raises:
            ValueError: a number is not finite.
        """
        baseline = np.full(len(raws), self.learned.intercept)
        odds = baseline.copy()
        contributions = silence = values = np.zeros(0)
        average = spread = None
        for name, weight in self._shares().items():
            said = self.parts[name].score(raws, at, config)
            whole = said.baseline + said.contributions.sum(axis=1)
            held = np.clip(whole, -HELD, HELD)
            share = weight * np.divide(held, whole, out=np.ones_like(whole), where=np.abs(whole) > HELD)
            late = said.silence if said.silence is not None else said.contributions[:, :ORDERED] * _OF_SILENCE
            if average is None:
                average, spread = said.average, said.spread
            odds += weight * held
            baseline += share * said.baseline
            added, silent = share[:, None] * said.contributions, share[:, None] * late
            if len(values):
                contributions += added
                silence += silent
            else:
                contributions, silence, values = added, silent, said.values
        return Scores(_chance(odds), baseline, contributions, values, silence, average=average, spread=spread)

    def risk(self, x: Array, config: ChurnConfig) -> Array:
        """The risk alone, of features rolled `ahead`."""
        return self.of({name: part.risk(x, config) for name, part in self.parts.items()})

    def of(self, risks: Mapping[str, Array]) -> Array:
        """The risk, given those that the parts say."""
        weighted = [weight * held(risks[name]) for name, weight in self._shares().items()]
        return _chance(self.learned.intercept + np.sum(weighted, axis=0))

    def short(self, x: Array, config: ChurnConfig) -> Array:
        """It has no answer about the label horizon."""
        return np.full(len(x), np.nan)

    def to_json(self) -> bytes:
        """Everything but the parts, as JSON that reads back to the same bits."""
        return encode(self.learned)

    def numbers(self) -> dict[str, float]:
        """What is inside."""
        weights = {f"weight_of_{name}": weight for name, weight in self.learned.weights.items()}
        return {**weights, "intercept": self.learned.intercept, "examples": self.learned.examples}

    @property
    def examples(self) -> int:
        """Learned from."""
        return self.learned.examples

    def _shares(self) -> dict[str, float]:
        """The weight of each part; one that is missing counts as the mean of the others."""
        missing = sum(weight for name, weight in self.learned.weights.items() if name not in self.parts)
        return {name: self.learned.weights[name] + missing / len(self.parts) for name in self.parts}


def read(data: bytes, config: ChurnConfig) -> Stack:
    """What `to_json` gave, without its parts.

    Raises:
        Outdated: it is of another horizon.
        Misconfigured: it is damaged.
    """
    learned = decode(data, StackWeights, "a stack of models")
    if learned.horizon != config.horizon:
        raise Outdated(f"model stack-{learned.examples} was learned for another horizon")
    return Stack(learned)


def held(risk: Array) -> Array:
    """The log-odds of a risk, within ±HELD."""
    with np.errstate(divide="ignore"):
        odds: Array = np.clip(np.log(risk) - np.log1p(-risk), -HELD, HELD)
    return odds


def _chance(odds: Array) -> Array:
    chance: Array = 1.0 / (1.0 + np.exp(-odds))
    return chance


class LearningStack(State, LearningModel):
    """A Gaussian belief about the weights and, last, the intercept. Same labels in the same order: same, to the bit."""

    weights: Array
    covariance: Array
    examples: int

    def __post_init__(self) -> None:
        n = len(PARTS) + 1
        if self.weights.shape != (n,) or self.covariance.shape != (n, n):
            raise ValueError("its weights are not those of its parts")
        self._needed = tuple(
            name for name in PARTS if name not in _GROWN
        )  # the parts that come to an answer everywhere

    @classmethod
    def new(cls, config: ChurnConfig, scaling: Scaling) -> LearningStack:
        """Before any label."""
        n = len(PARTS)
        stack = cls(np.array([*_FIRST.values(), 0.0]), np.diag([_WEIGHT] * n + [_LEVEL]), 0)
        if config.definition is not None:
            stack._needed = tuple(name for name in stack._needed if name not in _OF_ORDERS)
        return stack

    def learn_said(self, said: Mapping[str, float], churned: bool, weight: float) -> None:
        """Learn from a label of the churn horizon, and what every model that had an answer said before it.

        Only where each part had one that has one everywhere in time: what the first of them said in a young tenant, of
        customers who are all new, says little of how far to believe them later.

        Raises:
            ValueError: a number is not finite; it would spoil every weight. Nothing has changed.
        """
        if not all(name in said for name in self._needed):
            return
        risks = [said[name] for name in PARTS if name in said]
        if not all(map(math.isfinite, (*risks, weight))) or weight <= 0:
            raise ValueError("what was said must be finite")
        odds = dict(zip((name for name in PARTS if name in said), held(np.array(risks)).tolist(), strict=True))
        mean = sum(odds.values()) / len(odds)
        z = np.array([*(odds.get(name, mean) for name in PARTS), 1.0])
        p = sigmoid(float((self.weights * z).sum()))
        information = max(p * (1.0 - p), _FAINT) * weight
        gain = (self.covariance * z).sum(axis=1)
        surprise = 1.0 / information + float((gain * z).sum())
        self.covariance = self.covariance - np.outer(gain, gain) / surprise
        self.weights = self.weights + gain * ((churned - p) * weight / (information * surprise))
        self.examples += 1

    def forget_full(self) -> LearningStack:
        """One that has learned nothing."""
        stack = LearningStack.new(ChurnConfig(), Scaling.new())
        stack._needed = self._needed
        return stack

    def ready(self, config: ChurnConfig, enough: bool) -> bool:
        """From the start: before any label it says what its parts say, which are asked when they have learned."""
        return True

    def export(self, config: ChurnConfig) -> Stack:
        """The stack as it is now, without its parts.

        Raises:
            ValueError: a number is not finite: what was learned must not be used.
        """
        *weights, intercept = self.weights.tolist()
        return Stack(StackWeights(dict(zip(PARTS, weights, strict=True)), intercept, config.horizon, self.examples))

    @property
    def level(self) -> float:
        """The intercept, not finite once a weight is spoilt."""
        return float(self.weights.sum())

    @property
    def norm(self) -> float:
        """Euclidean norm of the weights, the intercept included."""
        return float(np.sqrt((self.weights**2).sum()))

    def state(self) -> LearningStack:
        """Everything learned."""
        return self

    def resume(self, state: bytes) -> LearningStack:
        """The stack whose `state` this is."""
        stack = decode(state, LearningStack, "the state of the stack")
        stack._needed = self._needed
        return stack


KIND = Kind(
    name="stack",
    column=8,
    meaning="what hazard, direct, BTYD and survival say together, with weights learned from the whole churn horizon",
    basis="learned from what several models said and how customers went on",
    learns_from=("said",),
    read=read,
    start=LearningStack.new,
)
