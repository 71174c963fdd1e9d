"""How many times as often: ratios of rates and of shares, their intervals and tests."""

from __future__ import annotations

from statistics import NormalDist

from statsmodels.stats.proportion import binom_test, proportion_confint

__all__ = ["normal_p", "quantile_of_normal", "rate_ratio"]


def rate_ratio(count: int, other: int, confidence: float = 0.95) -> tuple[float, float, float]:
    """Of two Poisson counts over equal times: the exact interval of the ratio of their rates, and p that they are one.

    Given their sum the first is binomial; the interval is Clopper and Pearson's.
    """
    low, high = proportion_confint(count, count + other, 1 - confidence, method="beta")
    p = float(binom_test(count, count + other, 0.5))
    return float(low / (1 - low)), float(high / (1 - high)) if high < 1 else float("inf"), p


def quantile_of_normal(confidence: float = 0.95) -> float:
    """How many standard errors an interval reaches to each side."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def normal_p(z: float) -> float:
    """p of a difference of so many standard errors, to either side."""
    return 2 * NormalDist().cdf(-abs(z))
