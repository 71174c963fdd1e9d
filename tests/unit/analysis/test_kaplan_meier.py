"""Kaplan-Meier, quantiles, restricted mean and log-rank: a textbook's data, and statsmodels on random ones."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from analysis.kaplan_meier import curve, log_rank, quantile, restricted_mean


def counted(times: list[int], ended: list[int]) -> list[tuple[float, int, int]]:
    ends, others = Counter(), Counter()
    for time, end in zip(times, ended, strict=True):
        (ends if end else others)[time] += 1
    return [(time, ends[time], others[time]) for time in {*ends, *others}]


def test_by_hand() -> None:
    """Ends at 2, 5, 5 and 9, two censored at 3 and 9: 5/6, then of four 2/4, then of two 1/2."""
    steps = curve(counted([2, 3, 5, 5, 9, 9], [1, 0, 1, 1, 1, 0]))
    assert [(step.time, step.at_risk, step.ended) for step in steps] == [(2, 6, 1), (3, 5, 0), (5, 4, 2), (9, 2, 1)]
    assert [step.waiting for step in steps] == pytest.approx([5 / 6, 5 / 6, 5 / 12, 5 / 24])
    assert quantile(steps, 0.5)[0] == 5
    assert quantile(steps, 0.9)[0] is None
    assert restricted_mean(steps, 9) == pytest.approx(2 + 3 * 5 / 6 + 4 * 5 / 12)
    assert restricted_mean(steps, 12) is None


def test_as_statsmodels_has_it() -> None:
    rng = random.Random(5)
    times = [rng.randint(1, 60) for _ in range(300)]
    ended = [int(rng.random() < 0.6) for _ in times]
    group = [number % 3 for number in range(300)]
    steps = curve(counted(times, ended))
    theirs = SurvfuncRight(times, ended)
    ours = {step.time: step for step in steps if step.ended}
    assert [ours[time].waiting for time in theirs.surv_times] == pytest.approx(theirs.surv_prob)
    low, high = theirs.quantile_ci(0.5, method="cloglog")
    assert quantile(steps, 0.5) == (theirs.quantile(0.5), low, high)
    parts = [
        counted([t for t, g in zip(times, group, strict=True) if g == which],
                [e for e, g in zip(ended, group, strict=True) if g == which])
        for which in range(3)
    ]  # fmt: skip
    assert log_rank(parts) == pytest.approx(survdiff(np.array(times), np.array(ended), np.array(group)))
