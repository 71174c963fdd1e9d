"""Learning who leaves, and for what: BTYD corrected by the features, one label of hindsight at a time.

Each label is first judged: how well BTYD alone, and how well the corrected score had told what hindsight now says
(`models.leaving.standing`). Then it is learned, by the learner of the hazard (`models.churn.bayes`) with BTYD's
log-odds as an offset: who had left already by all customers, who left by those who were still there. A label of which
hindsight is not sure counts little: what BTYD takes for leaving, in doubt, is most often somebody who orders seldom,
and would teach that.
"""

from __future__ import annotations

import math

import numpy as np

from models.churn.bayes import BayesianHazard, Belief
from models.churn.calibration import log_odds
from models.churn.scaling import sigmoid
from models.churn.weights import Weights
from models.codec import Array, State, encode
from models.config import ChurnConfig
from models.leaving.departures import Correction, Departures
from models.leaving.hindsight import Hindsight, certain
from models.leaving.standing import Standing

__all__ = ["Learned", "LearningDepartures"]

_VARIANCE = 0.01  # prior, of a weight on one standard deviation
_GONE = 0.9  # chance of having left then, from which on a label tells nothing of who leaves


class Learned(State):
    """What is kept of it."""

    within: float  # seconds that are looked ahead
    labels: int
    left: Belief
    leaves: Belief


class LearningDepartures:
    """Both corrections as they learn. Same labels in the same order: same model, to the bit.

    Args:
        config: how far the leaving score looks ahead.
        kept: what was kept, of the same time ahead.
    """

    def __init__(self, config: ChurnConfig, kept: Learned | None = None) -> None:
        self._within, self.labels = config.leaving_within, 0
        self._left, self._leaves = (BayesianHazard(variance=_VARIANCE) for _ in range(2))
        if kept is not None:
            self.labels = kept.labels
            self._left, self._leaves = self._left.resume(encode(kept.left)), self._leaves.resume(encode(kept.leaves))

    def lost(self, x: Array, odds: float, leaves: float) -> float:
        """P(has left or leaves soon) of a row of `features.matrix`.

        Args:
            x: the row.
            odds: log-odds of having left, by BTYD.
            leaves: P(leaves within `leaving_within` | still there), by BTYD.
        """
        left = self._left.predict_row(x, odds)
        return left + (1.0 - left) * self._leaves.predict_row(x, _odds(leaves))

    def judge(self, x: Array, told: Hindsight, row: int, weight: float, standing: Standing) -> None:
        """Judge a label that was not learned yet."""
        odds, leaves = float(told.odds[row]), float(told.leaves[row])
        left = sigmoid(odds)
        before = left + (1.0 - left) * leaves
        standing.add(before, self.lost(x, odds, leaves), float(told.lost[row]), weight, left)

    def learn(self, x: Array, told: Hindsight, row: int, weight: float) -> None:
        """Learn a label.

        Raises:
            ValueError: a number is not finite; it would spoil every weight. Nothing has changed.
        """
        gone, went = float(told.gone[row]), float(told.went[row])
        odds, leaves = float(told.odds[row]), _odds(float(told.leaves[row]))
        self._left.correct_row(x, gone, weight * certain(gone), odds)
        if gone <= _GONE:
            self._leaves.correct_row(x, went, weight * (1.0 - gone) ** 2 * certain(went), leaves)
        self.labels += 1

    @property
    def sound(self) -> bool:
        """Whether every weight is finite."""
        return math.isfinite(self._left.norm) and math.isfinite(self._leaves.norm)

    def export(self, config: ChurnConfig) -> Departures:
        """Both corrections as they are now, for the scorers.

        Raises:
            ValueError: a number is not finite: what was learned must not be used.
        """
        left, leaves = (_correction(model.export(config)) for model in (self._left, self._leaves))
        return Departures(left, leaves, self._within, self.labels)

    def state(self) -> Learned:
        """Everything learned."""
        return Learned(self._within, self.labels, self._left.state(), self._leaves.state())


def _correction(weights: Weights) -> Correction:
    return Correction(weights.mean, weights.scale, weights.weights, weights.intercept)


def _odds(chance: float) -> float:
    return float(log_odds(np.array([chance]))[0])
