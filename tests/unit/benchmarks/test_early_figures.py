"""The figures of an early warning, on a few lives that can be judged by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.early_figures import Policy, alerts_at, alerts_within, by_group, leaving_auc

WEEKS = range(10, 20)
NEVER = 10**6
#                             10   11   12   13   14   15   16   17   18   19
SCORES = np.array([
    [0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9],  # leaves in week 15, alerted in 12
    [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.9, 0.9, 0.9],  # left in week 14, alerted in 17
    [0.1, 0.9, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.1, 0.1],  # stays; alerted in 11 and, three weeks after that ended, in 15
    [0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9],  # left long ago, alerted before
    [np.nan, np.nan, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1],  # leaves in week 18, never alerted
])  # fmt: skip
LEFT = np.array([15, 14, NEVER, 3, 18])


def test_alerts_open_once_end_and_are_early_or_late():
    found = alerts_at(0.8, SCORES, LEFT, WEEKS, 11, Policy.between(0.8, 0.65, cooldown=3))

    assert (found.alerts, found.customers) == (4, 3)
    assert found.precision == 0.5  # the first two
    assert found.recall == pytest.approx(2 / 3)
    assert found.before == pytest.approx(1 / 3)
    assert found.lead == 0.0  # of 3 weeks and −3
    assert found.ended == pytest.approx(2 / 4)
    assert found.repeated == pytest.approx(1 / 3)


def test_an_alert_ends_where_its_rule_says():
    policy = Policy.between(0.5, 0.18, cooldown=8)

    assert policy.clears(0.5) == pytest.approx(0.18)
    assert policy.clears(0.8) == pytest.approx(0.4675, abs=0.001)  # as far away in log-odds


def test_the_best_threshold_keeps_to_the_budget():
    """A score that rises four weeks before somebody leaves, with noise."""
    rng = np.random.default_rng(0)
    weeks = range(10, 40)
    left = rng.integers(15, 80, 400)
    scores = 0.6 / (1 + np.exp(left[:, None] - np.array(weeks) - 4.0)) + 0.4 * rng.random((400, 30))

    best = alerts_within(scores, left, weeks, 20, 200, Policy())

    assert best.alerts <= 200
    assert best.before > 0.6
    assert best.precision > 0.6
    assert alerts_at(best.threshold, scores, left, weeks, 20, Policy()) == best
    assert alerts_within(scores, left, weeks, 20, 40, Policy()).alerts <= 40


def test_only_who_is_here_and_ordered_of_late_counts():
    recent = np.zeros(SCORES.shape, dtype=bool)
    recent[:3, :3] = True

    area, rows = leaving_auc(SCORES, LEFT, recent, WEEKS, horizon=5)

    assert rows == 9
    assert area == pytest.approx(7.5 / 18)  # six who leave, three weeks of one who stays
    recent[:, 8] = True  # week 18: only the third is here
    assert leaving_auc(SCORES, LEFT, recent, WEEKS, horizon=5)[1] == 10


def test_small_groups_are_left_out():
    p, y = np.full(300, 0.5), np.tile([0.0, 1.0], 150)
    groups = np.array(["many"] * 250 + ["few"] * 50)

    found = by_group(p, y, groups, least=200)

    assert set(found) == {"many"}
    assert found["many"].bias == pytest.approx(0.0)
