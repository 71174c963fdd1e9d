"""Growing the nightly survival model: scikit-learn's histogram gradient boosting, written out as arrays.

Of every snapshot and block of the label horizon: did the first order come in this block, given that none had come
before? Trees are small and regularised; with the library's own settings they are worse. What was tried: docs/study.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.churn.kinds.survival import Survival
from models.codec import Array
from models.config import ChurnConfig
from models.features.feature import FadingOrders
from models.features.table import NAMES, ORDERED, SCHEMA, TABLE
from models.libraries import load
from models.nightly.sample import Blocks, SnapshotSample
from models.nightly.trees import DEPTH, LEAVES, NEVER, QUESTIONS, Trees

__all__ = ["can_grow", "grow", "grown_on", "survival_of", "trees_of"]

_TREES, _STEP, _LEAF, _RIDGE = 100, 0.1, 50, 10.0
_TREND = [
    -1 if feature.group == "silence" else isinstance(feature.path, FadingOrders) or feature.name == "order_rate"
    for feature in TABLE[:ORDERED]
]  # silence lowers the chance of an order, all else alike, and what fades with it raises it
_LARGE = 100_000  # rows from which several threads are worth it: they wait for one another on a busy machine


def can_grow() -> bool:
    """Whether the library is installed."""
    try:
        load("sklearn.ensemble")
    except ImportError:
        return False
    return True


def grow(sample: SnapshotSample, config: ChurnConfig, now: float) -> Survival | None:
    """The model of a sample; None while it holds too little of either outcome.

    Args:
        sample: of snapshots whose labels are known.
        config: of the same definition of churn.
        now: the time, which the model is told to be of.
    """
    blocks = sample.blocks()
    if blocks.snapshots < config.min_examples or min(blocks.y.sum(), (~blocks.y).sum()) < config.min_class:
        return None
    return survival_of(grown_on(blocks), config, now, sample.until, blocks.snapshots)


def survival_of(classifier: Any, config: ChurnConfig, now: float, until: float, snapshots: int) -> Survival:
    """The model as it travels, of the library's classifier."""
    trees = trees_of(classifier)
    return Survival(SCHEMA, NAMES, config.horizon, config.label_horizon, now, until, snapshots, trees)


def grown_on(blocks: Blocks) -> Any:
    """The library's own classifier, of rows."""
    classifier = load("sklearn.ensemble").HistGradientBoostingClassifier(
        max_iter=_TREES, learning_rate=_STEP, max_depth=DEPTH, max_leaf_nodes=LEAVES, min_samples_leaf=_LEAF,
        l2_regularization=_RIDGE, early_stopping=False, random_state=0,
        monotonic_cst=[*map(int, _TREND), *[0] * (len(NAMES) + 1 - ORDERED)],
    )  # fmt: skip
    with load("threadpoolctl").threadpool_limits(limits=1 if len(blocks.y) < _LARGE else None):
        return classifier.fit(blocks.x, blocks.y)


def trees_of(classifier: Any) -> Trees:
    """A classifier of two classes as arrays; no deeper than DEPTH, and without categories."""
    grown = [predictors[0].nodes for predictors in classifier._predictors]
    shape = (len(grown), QUESTIONS)
    column, threshold = np.zeros(shape), np.full(shape, NEVER)
    value, cover = np.zeros((len(grown), LEAVES)), np.zeros((len(grown), LEAVES))
    for tree, nodes in enumerate(grown):
        _write(nodes, 0, 0, column[tree], threshold[tree], value[tree], cover[tree])
    return Trees(float(classifier._baseline_prediction.item()), column, threshold, value, cover)


def _write(nodes: Any, node: int, place: int, column: Array, threshold: Array, value: Array, cover: Array) -> None:
    """Write a node, and what is below it, at its place of a whole tree; a leaf above the bottom says the same below."""
    found = nodes[node]
    if place >= QUESTIONS:
        value[place - QUESTIONS], cover[place - QUESTIONS] = found["value"], found["count"]
    elif found["is_leaf"]:
        _write(nodes, node, 2 * place + 1, column, threshold, value, cover)
    else:
        column[place], threshold[place] = found["feature_idx"], found["num_threshold"]
        _write(nodes, int(found["left"]), 2 * place + 1, column, threshold, value, cover)
        _write(nodes, int(found["right"]), 2 * place + 2, column, threshold, value, cover)
