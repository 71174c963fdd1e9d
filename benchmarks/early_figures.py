"""The figures of an early warning: how well scores tell who is about to leave, and what alerts on them come to.

All of weekly scores beside the truth, as grids (customers, weeks): NaN where somebody was not scored. Column `j` is of
the beginning of week `weeks[j]`: nothing of that week was known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.backtest.evaluation import auc, ece, log_loss

__all__ = ["Alerts", "Group", "alerts_at", "alerts_within", "by_group", "leaving_auc"]

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COOLDOWN = 4  # weeks until the next alert of a customer, as in the shipped plan
CLEAR = 0.65  # log-odds below the threshold at which an alert ends: .8 clears at about .68, .6 at .44
SOON = 4  # weeks within which who leaves was alerted rightly
_TRIES = 100  # thresholds tried for a budget
_CLOSE = 0.03  # how far, as a share of it, the alerts may be from it


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


def alerts_within(score: Array, left: Ints, weeks: Sequence[int], first: int, budget: float) -> Alerts:
    """The alerts at a threshold that keeps to a budget of alerts, or comes closest to it.

    Args:
        score: weekly, the higher the more urgent.
        left: week of leaving of each customer.
        weeks: of the columns.
        first: alerts count that open in this week or later; earlier ones only keep their customer alerted.
        budget: how many alerts.
    """
    inside = score[:, np.array(weeks) >= first]
    thresholds = np.unique(np.quantile(inside[np.isfinite(inside)], np.linspace(0.02, 0.999, _TRIES))).tolist()
    found = [_opened(score, weeks, first, threshold)[0] for threshold in thresholds]
    near = min(abs(len(who) - budget) for who in found)
    close = max(near, _CLOSE * budget)
    # Not the one where a few who left long ago are alerted again and again: of equals, the one with the most customers.
    among = [i for i, who in enumerate(found) if abs(len(who) - budget) <= close]
    best = max(among, key=lambda i: len(np.unique(found[i])))
    return alerts_at(thresholds[best], score, left, weeks, first)


def alerts_at(threshold: float, score: Array, left: Ints, weeks: Sequence[int], first: int) -> Alerts:
    """The alerts at one threshold."""
    who, when, lasted = _opened(score, weeks, first, threshold)
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


def _opened(score: Array, weeks: Sequence[int], first: int, threshold: float) -> tuple[Ints, Ints, Array]:
    """The alerts that open: whose, in which week, and how many weeks each lasts (infinite if it is still open)."""
    odds = threshold / max(1 - threshold, 1e-12) * np.exp(-CLEAR)
    clear = odds / (1 + odds)
    is_open = np.zeros(len(score), dtype=bool)
    last = np.full(len(score), -(10**6))
    number = np.full(len(score), -1)
    found: list[tuple[int, int]] = []
    lasted: list[float] = []
    for column, week in enumerate(weeks):
        said = np.nan_to_num(score[:, column], nan=-1.0)
        for i in np.flatnonzero(is_open & (said < clear)).tolist():
            is_open[i] = False
            if number[i] >= 0:
                lasted[number[i]] = week - last[i]
        for i in np.flatnonzero(~is_open & (said >= threshold) & (week - last >= COOLDOWN)).tolist():
            is_open[i], last[i], number[i] = True, week, -1
            if week >= first:
                number[i] = len(found)
                found.append((i, week))
                lasted.append(np.inf)
    who, when = np.array(found, dtype=np.int64).reshape(-1, 2).T
    return who, when, np.array(lasted)


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
