"""Customers who leave for a cause that shows: truth, snapshots, and what is seen of them later.

They order and visit as BTYD says, and each has trouble or none. Trouble makes them leave four times as soon, which BTYD
cannot know while they still order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.config import ChurnConfig
from models.durations import WEEK
from models.features.matrix import pack
from models.features.table import NAMES, SCHEMA
from models.labels.examples import Example, OrderSummary
from models.leaving.hindsight import waits_for
from tests.build import T0

__all__ = ["CONFIG", "Leavers", "leavers", "trouble"]

CONFIG = ChurnConfig(min_examples=200, min_class=20)
_RATE, _VISITS, _STAYS = 0.5, 1.5, 60.0  # orders and visits a week, mean weeks that who is content stays
_PLACES = {name: NAMES.index(name) for name in ("orders", "recency", "tenure", "visit_2w", "visit_8w", "complaint_8w")}


@dataclass(frozen=True)
class Leavers:
    """Snapshots of many customers."""

    x: np.ndarray  # (customers, features)
    troubled: np.ndarray
    here: np.ndarray  # still there then
    leaves: np.ndarray  # …and gone eight weeks later
    summaries: list[OrderSummary]
    examples: list[Example]


def trouble(x: np.ndarray) -> np.ndarray:
    """The same customers, without any trouble."""
    content = x.copy()
    content[:, _PLACES["complaint_8w"]] = 0.0
    return content


def leavers(customers: int, seed: int = 1, config: ChurnConfig = CONFIG) -> Leavers:
    """Customers whose snapshots are taken one after the other."""
    rng = np.random.default_rng(seed)
    within, later = config.leaving_within / WEEK, waits_for(config) / WEEK
    rows, here, leaves, summaries, examples = [], [], [], [], []
    troubled = rng.random(customers) < 0.4
    for i in range(customers):
        at, age = T0 + i * 3600.0, rng.uniform(6, 40)
        begins = age - rng.uniform(0, 6)  # trouble is of late
        life = rng.exponential(_STAYS)
        if troubled[i] and life > begins:
            life = begins + rng.exponential(_STAYS / 8)
        rate, visiting = _RATE * rng.gamma(3, 1 / 3), _VISITS * rng.gamma(3, 1 / 3)
        orders = np.append(0.0, np.sort(rng.uniform(0, age + later, rng.poisson(rate * (age + later)))))
        orders = orders[orders < max(life, 1e-9)]
        seen = np.sort(rng.uniform(0, min(life, age + later), rng.poisson(visiting * min(life, age + later))))
        first = at - age * WEEK

        def look(
            until: float, profile: str = f"p{i}", orders: np.ndarray = orders, seen: np.ndarray = seen,
            first: float = first,
        ) -> OrderSummary:  # fmt: skip
            past, visits = orders[orders <= until], until - seen[seen <= until]
            fast, slow = (float(np.exp2(-visits / half_life).sum()) for half_life in (2, 8))
            then = first + until * WEEK
            last = first + past[-1] * WEEK
            return OrderSummary(profile, then, float(len(past)), first, last, False, fast=fast, slow=slow)

        now = look(age)
        x = np.zeros(len(NAMES))
        x[[_PLACES["orders"], _PLACES["recency"], _PLACES["tenure"]]] = now.orders, (at - now.last) / WEEK, age
        x[[_PLACES["visit_2w"], _PLACES["visit_8w"]]] = np.sqrt([now.fast, now.slow])
        x[_PLACES["complaint_8w"]] = troubled[i] * rng.uniform(0.8, 1.5)
        rows.append(x)
        here.append(life > age)
        leaves.append(age < life <= age + within)
        summaries.append(now)
        due = at + waits_for(config)
        examples.append(
            Example(f"p{i}", at, due, SCHEMA, pack(x), False, horizon="hindsight", seen=look(age + later))
        )  # fmt: skip
    return Leavers(np.array(rows), troubled, np.array(here), np.array(leaves), summaries, examples)
