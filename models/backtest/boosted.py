"""The batch rival of a backtest: gradient boosting as an analyst would run it every month, on everything that is known.

It is shown every customer of every week, not only the snapshots that our models learn from, as soon as the truth is
known, and is strongly regularised: with scikit-learn's defaults it is worse.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from models.backtest.playback import Batch

__all__ = ["Boosted"]

_EVERY = 4  # weeks between two trainings
_LARGE = 200_000  # rows from which several threads are worth it


class Boosted:
    """`HistGradientBoostingClassifier`: 100 trees of 4 leaves, step .05, L2 10, retrained every 4 weeks.

    Args:
        min_leaf: least rows of a leaf.
    """

    def __init__(self, min_leaf: int = 200) -> None:
        self.name = "gbm"
        self._min_leaf = min_leaf
        self._batches: list[Batch] = []
        self._model: HistGradientBoostingClassifier | None = None
        self._trained = 0
        self.rows = 0

    def learn(self, batch: Batch) -> None:
        """Keep rows whose truth is known for the next training."""
        self._batches.append(batch)
        self.rows += len(batch.y)

    def risk(self, week: int, x: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """The risk of these rows, after a new training if one is due."""
        if self._model is None or week - self._trained >= _EVERY:
            self._train(week)
        if self._model is None:
            return None
        with threadpool_limits(limits=1):
            return np.asarray(self._model.predict_proba(x)[:, 1], dtype=np.float64)

    def _train(self, week: int) -> None:
        y = np.concatenate([batch.y for batch in self._batches]) if self._batches else np.zeros(0)
        if len(np.unique(y)) < 2:
            return
        model = HistGradientBoostingClassifier(
            max_iter=100, learning_rate=0.05, max_leaf_nodes=4, min_samples_leaf=self._min_leaf,
            l2_regularization=10.0, early_stopping=False, random_state=0,
        )  # fmt: skip
        # Threads that wait for one another on a busy machine make small trainings a hundred times slower.
        with threadpool_limits(limits=1 if len(y) < _LARGE else None):
            self._model = model.fit(np.concatenate([batch.x for batch in self._batches]), y)
        self._trained = week
