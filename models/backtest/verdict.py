"""What a backtest came to: figures of every model, how sure they are, and how they moved over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.backtest.evaluation import Figures, Interval, auc, bootstrap, figures, log_loss
from models.backtest.playback import Judged

__all__ = ["Verdict", "Weekly", "verdict"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Weekly:
    """One model, week by week; None where a figure has no meaning."""

    auc: list[float | None]
    log_loss: list[float | None]
    bias: list[float | None]  # mean risk less the share that churned


@dataclass(frozen=True)
class Verdict:
    """Models are in the order of `Judged.risks`; `champion` is what customers would have been shown."""

    figures: dict[str, Figures]
    active: dict[str, Figures]  # of the rows with an order in the horizon before
    intervals: dict[str, dict[str, Interval]]
    differences: dict[str, dict[str, Interval]]  # to the champion: model less champion
    weeks: list[int]
    weekly: dict[str, Weekly]
    churn: float  # share of the judged rows
    churn_active: float | None

    def bias(self, model: str, first: int, last: int) -> float:
        """Mean bias of a model over the weeks from `first` to `last`, both included."""
        held = self.weekly[model].bias
        return float(np.mean([held[i] for i, week in enumerate(self.weeks) if first <= week <= last]))


def verdict(judged: Judged, *, replicates: int = 200, seed: int = 0) -> Verdict:
    """Measure everything.

    Args:
        judged: of a backtest.
        replicates: of the bootstrap.
        seed: of its draws.
    """
    y, active = judged.y, judged.active
    intervals, differences = bootstrap(
        y, judged.risks, judged.customer, "champion", replicates=replicates, seed=seed
    )  # fmt: skip
    weeks = sorted(set(judged.week.tolist()))
    rows = [np.flatnonzero(judged.week == week) for week in weeks]
    return Verdict(
        figures={name: figures(y, p) for name, p in judged.risks.items()},
        active={name: figures(y[active], p[active]) for name, p in judged.risks.items()},
        intervals=intervals,
        differences=differences,
        weeks=weeks,
        weekly={name: _weekly(y, p, rows) for name, p in judged.risks.items()},
        churn=float(y.mean()),
        churn_active=float(y[active].mean()) if active.any() else None,
    )


def _weekly(y: Array, p: Array, rows: list[NDArray[np.int64]]) -> Weekly:
    def each(measure: Callable[[Array, Array], float]) -> list[float | None]:
        found: list[float | None] = []
        for part in rows:
            said = part[np.isfinite(p[part])]
            value = measure(y[said], p[said]) if len(said) else np.nan
            found.append(float(value) if np.isfinite(value) else None)
        return found

    return Weekly(each(auc), each(log_loss), each(lambda came, said: float(said.mean() - came.mean())))
