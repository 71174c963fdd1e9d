"""One kind of model taught by itself, as the learner teaches all of them together."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec
import numpy as np

from models.churn.kinds import KINDS
from models.churn.model import LearningModel, Model, Orders, Row
from models.churn.scaling import Scaling
from models.codec import Array, decode, encode
from models.config import ChurnConfig
from models.durations import DAY
from models.features.matrix import matrix
from models.features.reading import raws
from models.nightly.growing import grown_on, survival_of
from models.nightly.sample import Blocks, blocks_of
from tests.build import CONFIG, T0, buyer

__all__ = ["Taught", "taught"]


class Taught:
    """A model of a kind, with the scaling that the others would share with it."""

    def __init__(self, name: str, model: LearningModel | None = None, scaling: Scaling | None = None) -> None:
        self.kind = KINDS[name]
        self.scaling = scaling or Scaling.new()
        self.model: Any = model or self.kind.start(CONFIG, self.scaling)

    def learn(self, x: Array, y: bool, weight: float = 1.0) -> None:
        """Learn one label, of each horizon that the kind learns from."""
        if "short" in self.kind.learns_from:
            self.scaling.learn(x)
            self.model.learn_short(Row(x, self.scaling.standard(x)), y, weight)
        if "full" in self.kind.learns_from:
            self.model.learn_full(x, y, weight)

    def answer(self, x: Array) -> float | None:
        """What it says of a row before it learns it."""
        answer: float | None = self.model.answer(Row(x, self.scaling.standard(x)))
        return answer

    def state(self) -> bytes:
        """All that is kept."""
        return encode((self.scaling, self.model.state()))

    def restarted(self) -> Taught:
        """Another one that goes on from the state of this."""
        scaling, state = decode(self.state(), tuple[Scaling, msgspec.Raw], "it")
        return Taught(self.kind.name, self.kind.start(CONFIG, scaling).resume(bytes(state)), scaling)

    def export(self, config: ChurnConfig = CONFIG) -> Model:
        """The model for the scorers."""
        found: Model | None = self.model.export(config)
        assert found is not None
        return found


def taught(name: str, seed: int = 1, examples: int = 900) -> Taught:
    """By customers who order the sooner, the shorter their silence."""
    one = Taught(name)
    lessons, orders = _lessons(seed, examples)
    for x, y in lessons:
        one.learn(x, y)
    one.model.learn_orders(orders)
    if "grown" in one.kind.learns_from:
        one.model.take_up(_grown(lessons))
    return one


@cache
def _lessons(seed: int, examples: int) -> tuple[list[tuple[Array, bool]], Orders]:
    """Features and label of each customer, and orders of others: the same for every kind."""
    rng = np.random.default_rng(seed)
    lessons = []
    for _ in range(examples):
        days = np.cumsum(rng.exponential(25, rng.integers(1, 8)))
        silence = rng.exponential(80)
        x = matrix(raws([buyer(*days.tolist())], "EUR"), np.array([T0 + (days[-1] + silence) * DAY]))[0]
        lessons.append((x, bool(rng.random() < np.exp(-silence / 60))))
    return lessons, _orders(rng)


def _grown(lessons: list[tuple[Array, bool]]) -> bytes:
    """As if what came of the label horizon came of a later block."""
    x = np.array([[*row, float(number % blocks_of(CONFIG))] for number, (row, _) in enumerate(lessons)])
    y = np.array([came for _, came in lessons])
    return survival_of(grown_on(Blocks(x, y, len(lessons))), CONFIG, T0, T0, len(lessons)).to_json()


def _orders(rng: np.random.Generator, customers: int = 400) -> Orders:
    """Of customers who order at steady rates of their own until one in five orders was the last."""
    repeats, last, age = np.zeros((3, customers))
    for i, rate in enumerate(rng.gamma(0.5, 0.4, customers)):
        age[i] = rng.uniform(10, 60)
        while rng.random() > 0.2 and (at := last[i] + rng.exponential(1 / rate)) < age[i]:
            repeats[i], last[i] = repeats[i] + 1, at
    nothing = np.zeros(customers)
    return Orders(repeats, last, age, nothing, nothing)
