"""The figures of an early warning: how well scores tell who is about to leave, and what alerts on them come to.

All of weekly scores beside the truth, as grids (customers, weeks): NaN where somebody was not scored. Column `j` is of
the beginning of week `weeks[j]`: nothing of that week was known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.backtest.evaluation import auc, ece, log_loss

__all__ = ["Alerts", "Group", "Policy", "alerts_at", "alerts_within", "by_group", "leaving_auc"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

SOON = 4  # weeks within which who leaves was alerted rightly
BEFORE, PRECISION = 0.4, 0.55  # aims: of those who leave, alerted before they do; of the alerts, right
_TRIES = 100  # thresholds


@dataclass(frozen=True)
class Policy:
    """When an alert ends, and when the next may come, as `models.segments.alerts` has it."""

    gap: float = 0.65  # log-odds below the threshold at which it ends
    cooldown: float = 4.0  # weeks after it ended

    @classmethod
    def between(cls, threshold: float, clear: float, cooldown: float) -> Policy:
        """The policy of a rule."""
        return cls(_odds(threshold) - _odds(clear), cooldown)

    def clears(self, threshold: float) -> float:
        """The score below which an alert of this threshold ends."""
        return float(1 / (1 + np.exp(self.gap - _odds(threshold))))


@dataclass(frozen=True)
class Alerts:
    """What the alerts of one score came to."""

    threshold: float
    alerts: int
    customers: int
    precision: float  # had left, or left within four weeks
    recall: float  # of those who left in these weeks: alerted before or after
    before: float  # …alerted before they left
    lead: float | None  # weeks from the alert to leaving, median of those who ever left; negative: too late
    lead_10: float | None
    lead_90: float | None
    ended: float  # share that ended within two weeks
    repeated: float  # share of the alerted customers who were alerted more than once

    def as_dict(self) -> dict[str, Any]:
        """By name."""
        return asdict(self)


@dataclass(frozen=True)
class Group:
    """Calibration within a group."""

    rows: int
    bias: float  # mean risk less the share that came true
    ece: float
    log_loss: float
    auc: float | None


def leaving_auc(score: Array, left: Ints, recent: Flags, weeks: Sequence[int], horizon: int) -> tuple[float, int]:
    """AUC of "leaves within the horizon", among those still here who ordered of late; and the number of rows."""
    now = np.array(weeks)
    rows = recent & (left[:, None] > now) & np.isfinite(score)
    leaves = (left[:, None] <= now + horizon)[rows].astype(np.float64)
    return auc(leaves, score[rows]), int(rows.sum())


def alerts_within(score: Array, left: Ints, weeks: Sequence[int], first: int, budget: float, policy: Policy) -> Alerts:
    """The best alerts within a budget: of all thresholds that keep to it the one that comes nearest to both aims.

    Nearest: the lesser of `before` / .40 and `precision` / .55 is greatest. The truth is asked for this one number,
    alike for every score; the thresholds of the shipped plan are judged beside it as they are.

    Args:
        score: weekly, the higher the more urgent.
        left: week of leaving of each customer.
        weeks: of the columns.
        first: alerts count that open in this week or later; earlier ones only keep their customer alerted.
        budget: how many alerts at most.
        policy: when they end, and when they may come again.
    """
    inside = score[:, np.array(weeks) >= first]
    thresholds = np.unique(np.quantile(inside[np.isfinite(inside)], np.linspace(0.02, 0.999, _TRIES))).tolist()
    found = [alerts_at(threshold, score, left, weeks, first, policy) for threshold in thresholds]
    within = [each for each in found if each.alerts <= budget] or found
    return max(within, key=lambda each: min(each.before / BEFORE, each.precision / PRECISION))


def alerts_at(threshold: float, score: Array, left: Ints, weeks: Sequence[int], first: int, policy: Policy) -> Alerts:
    """The alerts at one threshold."""
    who, when, lasted = _opened(score, weeks, first, threshold, policy)
    lead = (left[who] - when).astype(np.float64)
    ever = left[who] < 10 * max(weeks)  # who never leaves has no week of it
    leavers = np.flatnonzero((left > first) & (left <= max(weeks)))
    early = np.unique(who[lead > 0])
    times = np.bincount(who)
    known = when <= max(weeks) - 2
    quantiles = np.quantile(lead[ever], [0.5, 0.1, 0.9]).tolist() if ever.any() else [None, None, None]
    return Alerts(
        threshold=threshold,
        alerts=len(who),
        customers=int((times > 0).sum()),
        precision=_share(lead <= SOON),
        recall=_share(np.isin(leavers, who)),
        before=_share(np.isin(leavers, early)),
        lead=quantiles[0],
        lead_10=quantiles[1],
        lead_90=quantiles[2],
        ended=_share(lasted[known] <= 2),
        repeated=_share(times[times > 0] > 1),
    )


def _share(of: Flags) -> float:
    return float(of.mean()) if len(of) else 0.0


def _opened(
    score: Array, weeks: Sequence[int], first: int, threshold: float, policy: Policy
) -> tuple[Ints, Ints, Array]:
    """The alerts that open: whose, in which week, and how many weeks each lasts (infinite if it is still open)."""
    clear = policy.clears(threshold)
    is_open = np.zeros(len(score), dtype=bool)
    ended, opened, number = (np.full(len(score), -(10**6)) for _ in range(3))
    found: list[tuple[int, int]] = []
    lasted: list[float] = []
    for column, week in enumerate(weeks):
        said = np.nan_to_num(score[:, column], nan=-1.0)
        for i in np.flatnonzero(is_open & (said < clear)).tolist():
            is_open[i], ended[i] = False, week
            if number[i] >= 0:
                lasted[number[i]] = week - opened[i]
        for i in np.flatnonzero(~is_open & (said >= threshold) & (week - ended >= policy.cooldown)).tolist():
            is_open[i], opened[i], number[i] = True, week, -1
            if week >= first:
                number[i] = len(found)
                found.append((i, week))
                lasted.append(np.inf)
    who, when = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return who, when, np.array(lasted)


def _odds(p: float) -> float:
    held = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(held / (1 - held))


def by_group(p: Array, y: Array, groups: NDArray[np.str_], least: int = 200) -> dict[str, Group]:
    """Calibration within each group of so many rows at least."""
    found = {}
    for name in sorted(set(groups.tolist())):
        rows = (groups == name) & np.isfinite(p)
        if rows.sum() >= least:
            said, came = p[rows], y[rows]
            both = 0 < came.sum() < len(came)
            found[name] = Group(
                int(rows.sum()), float(said.mean() - came.mean()), ece(came, said), log_loss(came, said),
                auc(came, said) if both else None,
            )  # fmt: skip
    return found
