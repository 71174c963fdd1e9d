"""How two groups of customers differ in one feature: by shares, by means, by ranks (rules R9 to R11)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from analysis.statistics import difference_of_shares
from models.libraries import load

__all__ = ["Difference", "by_means", "by_ranks", "by_shares"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Of a group against another.

    Args:
        one, other: the share or the mean of each.
        difference, low, high: one less the other, with its interval.
        d, d_low, d_high: standardised difference (Cohen's, of the mean of both variances), with its interval.
        p: that it is none; None where it cannot be told.
        lift, lift_low, lift_high: one over the other, of shares; None where the other is 0.
    """

    one: float
    other: float
    difference: float
    low: float
    high: float
    d: float
    d_low: float
    d_high: float
    p: float | None
    lift: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None


def by_shares(part: int, whole: int, other_part: int, other_whole: int, confidence: float = 0.95) -> Difference:
    """Newcombe's interval of the difference, logarithmic with the delta method of the lift; p by the two-sample score
    test, by Fisher's exact one if a count below 5 is expected."""
    one, other = part / whole, other_part / other_whole
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    low, high = difference_of_shares(part, whole, other_part, other_whole, confidence)
    pooled = (part + other_part) / (whole + other_whole)
    if min(pooled, 1 - pooled) * min(whole, other_whole) < 5:
        fisher_exact = load("scipy.stats").fisher_exact  # slow to load, and seldom asked for
        table = [[part, whole - part], [other_part, other_whole - other_part]]
        p = float(fisher_exact(table).pvalue)
    else:
        score = (one - other) / math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / other_whole))
        p = math.erfc(abs(score) / math.sqrt(2))
    lift = one / other if other else None
    ends: tuple[float | None, float | None] = (None, None)
    if part and other_part:
        width = z * math.sqrt(1 / part - 1 / whole + 1 / other_part - 1 / other_whole)
        ends = (one / other * math.exp(-width), one / other * math.exp(width))
    spread = (one * (1 - one) + other * (1 - other)) / 2
    return Difference(
        one, other, one - other, low, high, *_standardised(one - other, spread, whole, other_whole, z), p, lift, *ends
    )


def by_means(
    n: int, total: float, squares: float, other_n: int, other_total: float, other_squares: float,
    confidence: float = 0.95,
) -> Difference:  # fmt: skip
    """Welch's test and interval, of two values or more on each side; of sums and sums of squares."""
    one, other = total / n, other_total / other_n
    variance = max(squares - n * one * one, 0.0) / (n - 1)
    other_variance = max(other_squares - other_n * other * other, 0.0) / (other_n - 1)
    a, b = variance / n, other_variance / other_n
    difference = one - other
    width, p = 0.0, 1.0 if difference == 0 else 0.0
    if a + b > 0:
        t = load("scipy.stats").t
        freedom = (a + b) ** 2 / (a * a / (n - 1) + b * b / (other_n - 1))
        width = float(t.ppf(0.5 + confidence / 2, freedom)) * math.sqrt(a + b)
        p = float(2 * t.sf(abs(difference) / math.sqrt(a + b), freedom))
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    standardised = _standardised(difference, (variance + other_variance) / 2, n, other_n, z)
    return Difference(one, other, difference, difference - width, difference + width, *standardised, p)


def by_ranks(n: int, other_n: int, rank_sum: float, ties: float) -> tuple[float, float]:
    """Cliff's delta (from -1, all of the group below the other, to 1), and p of Mann and Whitney's test.

    Args:
        n, other_n: sizes of the groups.
        rank_sum: of the first group; mid-ranks from 1 among both.
        ties: the sum of t³ - t over all values, each had by t of both groups.
    """
    u = rank_sum - n * (n + 1) / 2
    every = n + other_n
    variance = n * other_n / 12 * (every + 1 - ties / (every * (every - 1)))
    delta = 2 * u / (n * other_n) - 1
    if variance <= 0:
        return delta, 1.0
    distance = max(abs(u - n * other_n / 2) - 0.5, 0.0)
    return delta, math.erfc(distance / math.sqrt(2 * variance))


def _standardised(difference: float, variance: float, n: int, other_n: int, z: float) -> tuple[float, float, float]:
    if variance <= 0:
        return (0.0, 0.0, 0.0) if difference == 0 else (math.copysign(math.inf, difference),) * 3
    d = difference / math.sqrt(variance)
    width = z * math.sqrt((n + other_n) / (n * other_n) + d * d / (2 * (n + other_n)))
    return d, d - width, d + width
