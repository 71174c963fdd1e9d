"""Two groups in one feature: the worked examples by hand, and SciPy on the values themselves."""

from __future__ import annotations

import random

import pytest
from scipy.stats import mannwhitneyu, rankdata, ttest_ind

from analysis.comparison import by_means, by_ranks, by_shares
from analysis.statistics import adjusted


def test_a_share_by_hand() -> None:
    """A ticket was reopened by 30 of 100 who were lost, and by 36 of 300 who were kept."""
    found = by_shares(30, 100, 36, 300)
    assert (found.difference, found.low, found.high) == pytest.approx((0.18, 0.089, 0.281), abs=5e-4)
    assert (found.lift, found.d) == pytest.approx((2.5, 0.45), abs=5e-3)
    assert found.p == pytest.approx(0.000027, abs=5e-7)
    assert adjusted([found.p or 0, 0.008, 0.039, 0.041, 0.2, 0.6]) == pytest.approx(
        [0.00016, 0.024, 0.0615, 0.0615, 0.24, 0.6], abs=5e-6
    )


def test_a_mean_by_hand() -> None:
    """Visits of four weeks: 40 lost, mean 4, deviation 3; 60 kept, mean 6, deviation 4."""
    found = by_means(40, 160, 39 * 9 + 40 * 16, 60, 360, 59 * 16 + 60 * 36)
    assert (found.d, found.d_low, found.d_high) == pytest.approx((-0.57, -0.97, -0.16), abs=5e-3)
    assert found.p == pytest.approx(0.0053, abs=5e-5)
    assert adjusted([found.p or 0, 0.03, 0.03, 0.5]) == pytest.approx([0.021, 0.04, 0.04, 0.5], abs=5e-4)


def test_few_are_compared_exactly() -> None:
    assert by_shares(3, 4, 1, 4).p == pytest.approx(34 / 70)
    assert by_shares(0, 40, 0, 40).d == 0
    assert by_shares(5, 40, 0, 40).lift is None


def test_values_that_are_all_alike() -> None:
    alike = by_means(3, 6, 12, 3, 6, 12)
    assert (alike.d, alike.p) == (0, 1)
    assert by_ranks(3, 3, 10.5, 6**3 - 6) == (0, 1)


def test_as_scipy_has_it() -> None:
    rng = random.Random(2)
    one, other = [rng.randint(0, 6) for _ in range(45)], [rng.randint(1, 8) for _ in range(70)]
    sums = [(len(values), sum(values), sum(value * value for value in values)) for values in (one, other)]
    assert by_means(*sums[0], *sums[1]).p == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue)
    ranks = rankdata(one + other)
    ties = sum(count**3 - count for count in ((one + other).count(value) for value in set(one + other)))
    delta, p = by_ranks(len(one), len(other), float(sum(ranks[: len(one)])), ties)
    theirs = mannwhitneyu(one, other, method="asymptotic")
    assert p == pytest.approx(theirs.pvalue)
    assert delta == pytest.approx(2 * theirs.statistic / (len(one) * len(other)) - 1)
