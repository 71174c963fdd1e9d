"""Our figures are scikit-learn's, and the intervals hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from models.backtest.evaluation import (
    FIGURES,
    auc,
    average_precision,
    bootstrap,
    brier,
    calibration,
    ece,
    figures,
    lift,
    log_loss,
    precision_recall,
    roc,
)


def drawn(n: int = 2000, seed: int = 0, decimals: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Truth and risks with many ties."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 1, n).round(decimals)
    return (rng.random(n) < p).astype(float), p


@pytest.mark.parametrize("decimals", [1, 3, 12])
def test_every_figure_is_that_of_scikit_learn(decimals: int) -> None:
    """Ties or not."""
    y, p = drawn(decimals=decimals)

    assert auc(y, p) == pytest.approx(metrics.roc_auc_score(y, p), abs=1e-12)
    assert average_precision(y, p) == pytest.approx(metrics.average_precision_score(y, p), abs=1e-12)
    assert log_loss(y, p) == pytest.approx(metrics.log_loss(y, np.clip(p, 1e-4, 1 - 1e-4)), abs=1e-12)
    assert brier(y, p) == pytest.approx(metrics.brier_score_loss(y, p), abs=1e-12)


def test_the_curves_go_through_the_points_of_scikit_learn() -> None:
    """As many as were asked for, the ends included."""
    y, p = drawn()

    false, true = roc(y, p)
    exact_false, exact_true, _ = metrics.roc_curve(y, p, drop_intermediate=False)
    recall, precision = precision_recall(y, p, points=10_000)
    exact_precision, exact_recall, _ = metrics.precision_recall_curve(y, p)

    assert set(zip(false.round(9), true.round(9), strict=True)) <= set(
        zip(exact_false.round(9), exact_true.round(9), strict=True)
    )
    assert (false[0], true[0], false[-1], true[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert len(roc(y, p, points=50)[0]) <= 50
    np.testing.assert_allclose(np.sort(recall), np.sort(exact_recall[:-1]), atol=1e-12)
    np.testing.assert_allclose(np.sort(precision), np.sort(exact_precision[:-1]), atol=1e-12)


def test_the_calibration_error_is_the_mean_gap_of_the_groups() -> None:
    """All of them a tenth too high: a tenth."""
    y = np.tile([1.0, 0.0], 500)
    p = np.full(1000, 0.6)

    assert ece(y, p) == pytest.approx(0.1, abs=0.01)
    said, came, error = calibration(y, p)
    assert said == pytest.approx(np.full(15, 0.6))
    assert came.mean() == pytest.approx(0.5, abs=0.01)
    assert (error > 0).all()


def test_lift_says_how_many_times_the_average() -> None:
    """A perfect ranking of one in ten finds them all in its first tenth."""
    y = np.zeros(1000)
    y[:100] = 1.0

    values = lift(y, np.linspace(1, 0, 1000))

    assert values[0] == pytest.approx(10.0)
    assert values[1:].sum() == 0.0


def test_a_figure_without_a_meaning_is_none() -> None:
    """One class has no AUC, and a model that said nothing has no figures; rows without an answer do not count."""
    y, p = drawn(100)
    half = np.where(np.arange(100) < 50, p, np.nan)

    assert figures(np.ones(10), np.full(10, 0.5)).auc is None
    assert figures(np.ones(10), np.full(10, 0.5)).log_loss == pytest.approx(np.log(2))
    assert figures(y, np.full(100, np.nan)).as_dict() == {**dict.fromkeys(FIGURES), "rows": 0}
    assert figures(y, half) == figures(y[:50], p[:50])
    assert np.isnan(auc(np.ones(5), p[:5]))


def test_intervals_hold_the_figure_and_are_wider_for_fewer_customers() -> None:
    """The rows of one customer say nearly the same, so what counts is the number of customers."""
    y, p = drawn(3000, decimals=6)
    many = np.arange(3000)
    few = many // 100

    wide, _ = bootstrap(y, {"champion": p}, few, "champion", replicates=300)
    narrow, _ = bootstrap(y, {"champion": p}, many, "champion", replicates=300)

    exact = figures(y, p).as_dict()
    for figure in ("auc", "pr_auc", "log_loss", "brier"):
        low, high = narrow["champion"][figure]
        assert low < exact[figure] < high
        assert high - low < 0.1
    # The same rows for each customer: the interval widens with the square root of 100, but rows here are independent.
    assert np.isfinite(list(wide["champion"].values())).all()


def test_the_bootstrap_agrees_with_drawing_rows_by_hand() -> None:
    """The spread of the AUC over replicates, one customer a row."""
    y, p = drawn(800, decimals=6)
    rng = np.random.default_rng(1)
    by_hand = []
    for _ in range(300):
        rows = rng.integers(0, 800, 800)
        by_hand.append(auc(y[rows], p[rows]))

    found, _ = bootstrap(y, {"champion": p}, np.arange(800), "champion", replicates=300)

    low, high = found["champion"]["auc"]
    assert high - low == pytest.approx(np.subtract(*np.percentile(by_hand, [97.5, 2.5])), rel=0.25)


def test_a_difference_that_is_sure_excludes_zero() -> None:
    """And one of a model to its own copy is zero."""
    y, p = drawn(3000, decimals=6)
    worse = 0.7 * p
    silent = np.where(np.arange(3000) % 2 == 0, p, np.nan)
    risks = {"champion": p, "worse": worse, "copy": p.copy(), "silent": silent, "mute": np.full(3000, np.nan)}

    intervals, differences = bootstrap(y, risks, np.arange(3000), "champion")

    assert differences["worse"]["log_loss"][0] > 0
    assert differences["worse"]["auc"] == pytest.approx((0.0, 0.0), abs=1e-9)
    assert differences["copy"]["brier"] == (0.0, 0.0)
    assert differences["silent"]["log_loss"] == (0.0, 0.0)
    assert "champion" not in differences
    assert "mute" not in intervals
