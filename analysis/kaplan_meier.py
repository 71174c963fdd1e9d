"""Waiting times of which some have not ended: the estimate of Kaplan and Meier, with Greenwood's intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from models.libraries import load

__all__ = ["Step", "curve", "log_rank", "quantile", "restricted_mean"]


@dataclass(frozen=True, slots=True)
class Step:
    """The estimate from one time until the next.

    Args:
        time: of the step.
        at_risk: who had waited so long without an end, just before.
        ended: at this time.
        censored: who is known no longer than this time.
        waiting: estimated share of those who still wait after it.
        low, high: its interval; None where nobody or everybody has ended.
    """

    time: float
    at_risk: int
    ended: int
    censored: int
    waiting: float
    low: float | None
    high: float | None


def curve(counts: Iterable[tuple[float, int, int]], confidence: float = 0.95) -> list[Step]:
    """The curve of counts by time: (time, ended, censored); who is censored at a time was at risk until then.

    Intervals are on the log-log scale.
    """
    ordered = sorted(counts)
    at_risk = sum(ended + censored for _, ended, censored in ordered)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    waiting, greenwood = 1.0, 0.0
    steps: list[Step] = []
    for time, ended, censored in ordered:
        if ended:
            waiting *= 1 - ended / at_risk
            greenwood += ended / (at_risk * (at_risk - ended)) if at_risk > ended else math.inf
        low = high = None
        if 0 < waiting < 1:
            width = z * math.sqrt(greenwood) / math.log(waiting)
            low, high = waiting ** math.exp(-width), waiting ** math.exp(width)
        steps.append(Step(time, at_risk, ended, censored, waiting, low, high))
        at_risk -= ended + censored
    return steps


def quantile(steps: Sequence[Step], q: float) -> tuple[float | None, float | None, float | None]:
    """The time by which a share `q` has ended, lowest and highest (Brookmeyer and Crowley); None is not reached yet."""

    def reached(name: str) -> float | None:
        for step in steps:
            value = getattr(step, name)
            if step.waiting == 0 or (value is not None and value <= 1 - q + 1e-12):
                return step.time
        return None

    return reached("waiting"), reached("low"), reached("high")


def restricted_mean(steps: Sequence[Step], until: float) -> float | None:
    """The mean waiting time, of which no more than `until` counts; None if nobody was observed so long."""
    if not steps or (steps[-1].time < until and steps[-1].waiting > 0):
        return None
    area, since, waiting = 0.0, 0.0, 1.0
    for step in steps:
        if step.time >= until:
            break
        area += (step.time - since) * waiting
        since, waiting = step.time, step.waiting
    return area + (until - since) * waiting


def log_rank(groups: Sequence[Sequence[tuple[float, int, int]]]) -> tuple[float, float]:
    """The log-rank test that all groups wait alike: chi-squared with one degree of freedom less than groups, and p.

    Args:
        groups: counts by time of each, as of `curve`.
    """
    pinvh, chi2 = load("scipy.linalg").pinvh, load("scipy.stats").chi2  # slow to load, and seldom asked for
    tables = [{time: (ended, censored) for time, ended, censored in group} for group in groups]
    at_risk = [sum(ended + censored for ended, censored in table.values()) for table in tables]
    size = len(groups)
    excess = [0.0] * size
    variance = [[0.0] * size for _ in range(size)]
    for time in sorted({time for table in tables for time in table}):
        ended = [table.get(time, (0, 0))[0] for table in tables]
        n, d = sum(at_risk), sum(ended)
        if d:
            spread = d * (n - d) / (n * n * (n - 1)) if n > 1 else 0.0
            for i in range(size):
                excess[i] += ended[i] - d * at_risk[i] / n
                for j in range(size):
                    variance[i][j] += spread * at_risk[i] * ((n if i == j else 0) - at_risk[j])
        at_risk = [risk - sum(table.get(time, (0, 0))) for risk, table in zip(at_risk, tables, strict=True)]
    last = size - 1
    inverse = pinvh([row[:last] for row in variance[:last]])
    statistic = sum(excess[i] * inverse[i][j] * excess[j] for i in range(last) for j in range(last))
    return float(statistic), float(chi2.sf(statistic, last))
