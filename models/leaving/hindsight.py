"""Hindsight: whether a customer had left, as it looks some weeks later.

That somebody is about to leave shows in no label: they still order. But some weeks after they would have left, silence
has told. So BTYD (`models.churn.lifetimes`) is asked about the past: given what a customer has done until now, had they
left when the snapshot was taken, and had they left within `leaving_within` of it? The answers are chances. Whoever
ordered since was there.

Half as long again as one looks ahead is waited: in a simulated shop hindsight after 4 weeks tells who left within 8
with an AUC of .99, after 8 with no more (docs/study.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.churn.kinds.btyd import known
from models.churn.lifetimes import Known, Lifetimes
from models.codec import Array
from models.config import ChurnConfig
from models.durations import WEEK
from models.labels.examples import Example, OrderSummary

__all__ = ["AFTER", "Hindsight", "certain", "hindsight", "waits_for"]

AFTER = 0.5
"""How long hindsight waits after the time that is looked ahead, as a share of that."""

_LEAST = 0.3  # the weight of a label that may as well be otherwise


def waits_for(config: ChurnConfig) -> float:
    """Seconds from a snapshot until hindsight tells."""
    return (1.0 + AFTER) * config.leaving_within


class Hindsight(NamedTuple):
    """What BTYD says of snapshots, as arrays (snapshots,): then, and in hindsight."""

    odds: Array  # then: the log-odds of having left
    leaves: Array  # then: P(leaves within `leaving_within` | is still there)
    gone: Array  # in hindsight: P(had left then)
    lost: Array  # in hindsight: P(had left `leaving_within` later)

    @property
    def went(self) -> Array:
        """In hindsight: P(left within `leaving_within` | was still there)."""
        return np.clip((self.lost - self.gone) / np.maximum(1.0 - self.gone, 1e-9), 0.0, 1.0)


def hindsight(lifetimes: Lifetimes, x: Array, examples: Sequence[Example], config: ChurnConfig) -> Hindsight:
    """What BTYD says of customers.

    Args:
        lifetimes: its numbers.
        x: rows of `features.matrix`, of the snapshots.
        examples: their labels of horizon `hindsight`.
        config: how far the leaving score looks ahead.
    """
    then = known(x.T)
    seen = [example.seen for example in examples]
    now = _known([one for one in seen if one is not None])
    since = np.array([(one.at - example.at) / WEEK for one, example in zip(seen, examples, strict=True) if one])
    within = config.leaving_within / WEEK
    return Hindsight(
        lifetimes.log_odds_left(then),
        lifetimes.leaves(then.tenure, within),
        lifetimes.left_before(now, since),
        lifetimes.left_before(now, since - within),
    )


def certain(chance: float) -> float:
    """How much a label that is known with this chance counts: less where it may as well be otherwise."""
    return _LEAST + (1.0 - _LEAST) * abs(2.0 * chance - 1.0)


def _known(seen: Sequence[OrderSummary]) -> Known:
    orders, first, last, at, fast, slow = np.array(
        [(one.orders, one.first, one.last, one.at, one.fast, one.slow) for one in seen], dtype=np.float64
    ).reshape(-1, 6).T  # fmt: skip
    last = np.minimum(last, at)
    return Known(np.maximum(orders - 1.0, 0.0), (at - last) / WEEK, (at - first) / WEEK, fast, slow)
