"""TrainingRecords for tests of the learner: a small world whose truth is known."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import numpy as np

from models.churn.panel import MODELS
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import pack
from models.features.table import NAMES, SCHEMA
from models.labels.examples import Example, OrderSummary, TrainingRecord
from tests.build import T0, buyer, row

__all__ = ["CONFIG", "chance", "full", "short", "summary", "world"]

CONFIG = ChurnConfig(min_examples=200, min_class=20)

_BASE = row(buyer(0, 12, 30), 40)


def chance(silence: int) -> float:
    """P(order within four weeks) of who has been silent for so many weeks."""
    return 0.6 * math.exp(-silence / 6)


def features(silence: int) -> bytes:
    """Of who has been silent for so many weeks."""
    x = _BASE.copy()
    x[NAMES.index("recency")] = silence
    x[NAMES.index("log_recency")] = math.log1p(silence)
    return pack(x)


def short(
    profile: str, due: float, silence: int, y: bool, *, config: ChurnConfig = CONFIG, **more: object
) -> Example:  # fmt: skip
    """A label of the label horizon."""
    return Example(profile, due - config.label_horizon, due, SCHEMA, features(silence), y, **more)


def full(
    profile: str,
    due: float,
    y: bool,
    said: dict[str, float],
    silence: int = 4,
    *,
    config: ChurnConfig = CONFIG,
    **more: object,
) -> Example:
    """A label of the churn horizon, with what the models had said."""
    risks = np.array([said.get(model, math.nan) for model in MODELS], dtype="<f4").tobytes()
    return Example(
        profile, due - config.horizon, due, SCHEMA, features(silence), y, horizon="full", risks=risks, **more
    )  # fmt: skip


def summary(profile: str, at: float, *, orders: int = 3, active: bool = False, silence: float = 4) -> OrderSummary:
    """A customer who first ordered forty weeks ago."""
    first = at - 40 * WEEK
    return OrderSummary(profile, at, float(orders), first, first if orders == 1 else at - silence * WEEK, active)


def world(
    begin: int,
    end: int,
    seed: int = 0,
    *,
    config: ChurnConfig = CONFIG,
    scale: Callable[[float], float] = lambda at: 1.0,
    customers: int = 3000,
) -> list[TrainingRecord]:
    """Three training records each twentieth of a day: an order summary, a short label, and now and then one of the
    whole horizon.

    Args:
        begin: number of the first step.
        end: number behind the last step.
        seed: of chance; a step is the same in every stretch that holds it.
        config: of the horizons.
        scale: by event time, how many times as often as usual customers order.
        customers: so many.
    """
    records: list[TrainingRecord] = []
    for step in range(begin, end):
        roll = random.Random(seed * 1_000_003 + step)
        at = T0 + step * DAY / 20
        silence = roll.randrange(20)
        p = min(chance(silence) * scale(at), 0.95)
        name = f"p{roll.randrange(customers)}"
        first = at - roll.uniform(21, 60) * WEEK
        orders = roll.choice((1, 1, 2, 3, 5))
        last = at - silence * WEEK if orders > 1 else first
        records.append(OrderSummary(name, at, float(orders), first, last, roll.random() < p / 3))
        segments = ["vip", "new"][: roll.randrange(3)]
        records.append(short(name, at, silence, roll.random() < p, config=config, segments=segments))
        if step % 4 == 0:
            gone = (1 - p) ** (26 / 4)
            said = {"hazard": gone, "direct": gone, "bgnbd": 0.8 * gone, "recency": 0.9 * gone, "rules": 0.5,
                    "stack": gone}  # fmt: skip
            stays, groups = roll.random() >= gone, ["source:app" if step % 8 else "source:web"]
            records.append(full(name, at, stays, said, silence, config=config, segments=segments, groups=groups))
    return records
