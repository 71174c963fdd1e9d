"""How good probabilities were, once the truth is known: figures, curves, and how sure we are of both.

Everywhere `y` is 1 for churn and `p` the risk that was said before; both are (n,). Exact, over all rows; the same
figures as scikit-learn's `roc_auc_score`, `average_precision_score`, `log_loss` and `brier_score_loss` (tested).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

__all__ = [
    "FIGURES",
    "Figures",
    "Interval",
    "auc",
    "average_precision",
    "bootstrap",
    "brier",
    "calibration",
    "ece",
    "figures",
    "lift",
    "log_loss",
    "precision_recall",
    "roc",
]

Array = NDArray[np.float64]
Interval = tuple[float, float]

FIGURES = ("auc", "pr_auc", "log_loss", "brier", "ece")
"""The figures by name; the first two are better the larger, the others the smaller."""

_FLOOR = 1e-4  # one certain mistake must not be the only thing that counts
_FINE = 1000  # bins of the bootstrap: ranks within one are taken as equal
_BINS = 15  # of equal count, for the calibration error


@dataclass(frozen=True)
class Figures:
    """One model on the judged rows. A figure is None where it has no meaning, such as an AUC of one class."""

    auc: float | None
    pr_auc: float | None
    log_loss: float | None
    brier: float | None
    ece: float | None
    rows: int

    def as_dict(self) -> dict[str, float | int | None]:
        """By name, in this order."""
        return asdict(self)


def figures(y: Array, p: Array) -> Figures:
    """All figures of one model; rows in which it said nothing (NaN) are left out."""
    said = np.isfinite(p)
    y, p = y[said], p[said]
    if not len(y):
        return Figures(None, None, None, None, None, 0)
    both = 0.0 < y.sum() < len(y)
    return Figures(
        auc(y, p) if both else None,
        average_precision(y, p) if both else None,
        log_loss(y, p),
        brier(y, p),
        ece(y, p),
        len(y),
    )


def auc(y: Array, p: Array) -> float:
    """Area under the ROC curve, ties counted half; NaN without both classes."""
    below, at = _by_score(y, p)
    positives, negatives = at[:, 1].sum(), at[:, 0].sum()
    if not positives or not negatives:
        return float("nan")
    return float(at[:, 1] @ (below[:, 0] + 0.5 * at[:, 0]) / (positives * negatives))


def average_precision(y: Array, p: Array) -> float:
    """Area under the precision-recall curve as a sum over steps of recall, of churn; NaN without churn."""
    _, at = _by_score(y, p)
    down = at[::-1]
    hits, all_ = np.cumsum(down[:, 1]), np.cumsum(down.sum(axis=1))
    return float(down[:, 1] @ (hits / all_) / hits[-1]) if hits[-1] else float("nan")


def log_loss(y: Array, p: Array) -> float:
    """Mean log loss of probabilities held within [0.0001, 0.9999]."""
    return float(_losses(y, p).mean())


def brier(y: Array, p: Array) -> float:
    """Mean squared error."""
    return float(((p - y) ** 2).mean())


def ece(y: Array, p: Array, bins: int = _BINS) -> float:
    """Expected calibration error over bins of equal count."""
    parts = np.array_split(np.argsort(p, kind="stable"), bins)
    return float(sum(abs(y[part].sum() - p[part].sum()) for part in parts) / len(y))


def roc(y: Array, p: Array, points: int = 200) -> tuple[Array, Array]:
    """The ROC curve at about so many points: (false positive rate, true positive rate)."""
    _, at = _by_score(y, p)
    counts = np.vstack([[0.0, 0.0], np.cumsum(at[::-1], axis=0)])
    rates = counts / np.maximum(counts[-1], 1.0)
    keep = _spread(len(rates), points)
    return rates[keep, 0], rates[keep, 1]


def precision_recall(y: Array, p: Array, points: int = 200) -> tuple[Array, Array]:
    """The precision-recall curve at about so many points: (recall, precision), by falling threshold."""
    _, at = _by_score(y, p)
    counts = np.cumsum(at[::-1], axis=0)
    keep = _spread(len(counts), points)
    counts = counts[keep]
    return counts[:, 1] / max(at[:, 1].sum(), 1.0), counts[:, 1] / counts.sum(axis=1)


def calibration(y: Array, p: Array, bins: int = _BINS) -> tuple[Array, Array, Array]:
    """What was said and what came, in bins of equal count: (mean risk, share that churned, its standard error)."""
    parts = [part for part in np.array_split(np.argsort(p, kind="stable"), bins) if len(part)]
    said = np.array([p[part].mean() for part in parts])
    came = np.array([y[part].mean() for part in parts])
    counts = np.array([len(part) for part in parts])
    return said, came, np.sqrt(came * (1 - came) / counts)


def lift(y: Array, p: Array, parts: int = 10) -> Array:
    """How many times as often as on average those of each tenth churned, the highest risks first."""
    groups = np.array_split(np.argsort(-p, kind="stable"), parts)
    base = y.mean()
    return np.array([y[group].mean() / base if len(group) and base else np.nan for group in groups])


def bootstrap(
    y: Array,
    risks: Mapping[str, Array],
    customers: NDArray[np.int64],
    champion: str,
    *,
    replicates: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[dict[str, dict[str, Interval]], dict[str, dict[str, Interval]]]:
    """How far the figures, and their differences to the champion's, may be from the truth.

    Customers are drawn, not rows: the rows of one customer say nearly the same. Each weighs Poisson(1) in a replicate
    (the online bootstrap of Oza and Russell 2001). AUC and precision use a thousand bins of the risk.

    Args:
        y: what came true.
        risks: by model; NaN where one said nothing. A difference is over the rows in which both answered.
        customers: of each row, as numbers from 0.
        champion: what the others are compared with.
        replicates: how often to draw.
        seed: of the draws.
        level: share of the replicates within an interval.

    Returns:
        Intervals by model and figure, and those of the differences (model less champion) of all but the champion.
    """
    weights = np.random.default_rng(seed).poisson(1.0, (replicates, int(customers.max()) + 1)).astype(np.float64)
    tails = (50 * (1 - level), 100 - 50 * (1 - level))
    answered = {name: np.isfinite(p) for name, p in risks.items()}
    drawn = {
        name: _replicate(y, p, customers, answered[name], weights) for name, p in risks.items() if answered[name].any()
    }

    def between(values: Mapping[str, Array]) -> dict[str, Interval]:
        found = {}
        for figure, column in values.items():
            low, high = np.nanpercentile(column, tails)
            found[figure] = (float(low), float(high))
        return found

    differences: dict[str, dict[str, Interval]] = {}
    for name, values in drawn.items():
        if name == champion or champion not in drawn:
            continue
        both = answered[name] & answered[champion]
        if not both.any():
            continue
        mine = values if both.sum() == answered[name].sum() else _replicate(y, risks[name], customers, both, weights)
        same = both.sum() == answered[champion].sum()
        best = drawn[champion] if same else _replicate(y, risks[champion], customers, both, weights)
        differences[name] = between({figure: mine[figure] - best[figure] for figure in FIGURES})
    return {name: between(values) for name, values in drawn.items()}, differences


def _replicate(
    y: Array, p: Array, customers: NDArray[np.int64], rows: NDArray[np.bool_], weights: Array
) -> dict[str, Array]:
    """Every figure in every replicate, from what each customer adds to it."""
    y, p, who = y[rows], p[rows], customers[rows]
    n = weights.shape[1]
    order = np.argsort(p, kind="stable")
    place = np.empty(len(p), dtype=np.int64)
    place[order] = np.arange(len(p)) * _FINE // max(len(p), 1)
    # Equal risks belong into one bin.
    _, first, inverse = np.unique(p, return_index=True, return_inverse=True)
    place = place[first][inverse]

    def binned(values: Array) -> Array:
        table = sparse.csr_matrix((values, (who, place)), shape=(n, _FINE))
        return np.asarray(weights @ table)

    def summed(values: Array) -> Array:
        return np.asarray(weights @ np.bincount(who, values, minlength=n))

    churned, stayed, said = binned(y), binned(1.0 - y), binned(p)
    positives, negatives = churned.sum(axis=1), stayed.sum(axis=1)
    total = positives + negatives
    below = np.cumsum(stayed, axis=1) - 0.5 * stayed
    hits, all_ = np.cumsum(churned[:, ::-1], axis=1), np.cumsum((churned + stayed)[:, ::-1], axis=1)
    precision = np.divide(hits, all_, out=np.zeros_like(hits), where=all_ > 0)
    coarse = np.arange(_FINE) * _BINS // _FINE
    gaps = np.stack([np.abs((churned - said)[:, coarse == bin_].sum(axis=1)) for bin_ in range(_BINS)])
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "auc": (churned * below).sum(axis=1) / (positives * negatives),
            "pr_auc": (churned[:, ::-1] * precision).sum(axis=1) / positives,
            "log_loss": summed(_losses(y, p)) / total,
            "brier": summed((p - y) ** 2) / total,
            "ece": gaps.sum(axis=0) / total,
        }


def _losses(y: Array, p: Array) -> Array:
    held = np.clip(p, _FLOOR, 1 - _FLOOR)
    return -(y * np.log(held) + (1 - y) * np.log(1 - held))


def _by_score(y: Array, p: Array) -> tuple[Array, Array]:
    """For each distinct risk, ascending: (how many of each class lie below it, how many have it)."""
    _, inverse = np.unique(p, return_inverse=True)
    at: Array = np.stack([np.bincount(inverse, 1.0 - y), np.bincount(inverse, y)], axis=1).astype(np.float64)
    return np.cumsum(at, axis=0) - at, at


def _spread(length: int, points: int) -> NDArray[np.int64]:
    return np.unique(np.linspace(0, length - 1, min(points, length)).round().astype(np.int64))
