"""The Bayesian hazard: against the answer that all data at once would give, and its own promises."""

import msgspec
import numpy as np
import pytest
from scipy.optimize import minimize

from models.churn.bayes import _LEVEL, _WEIGHT, RESCALE, WARM, BayesianHazard
from models.codec import encode
from models.config import ChurnConfig
from models.features.table import NAMES, WEIGHED
from profiles.errors import Misconfigured

CONFIG = ChurnConfig()
SOME = ("log_recency", "log_orders", "spend_8w", "visit_2w")


def world(n: int, seed: int = 0, level: float = -1.0):
    """Correlated features of odd scales, and outcomes of a logistic truth; weights on one standard deviation."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, len(NAMES)))
    shared = rng.normal(size=n)
    for k, name in enumerate(SOME):
        x[:, NAMES.index(name)] = 10.0**k * (0.8 * shared + 0.6 * rng.normal(size=n)) + 3 * k
    z = (x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    truth = np.zeros(len(NAMES))
    truth[[NAMES.index(name) for name in SOME]] = [-0.8, 0.5, 0.3, 0.0]
    y = rng.random(n) < 1 / (1 + np.exp(-(z @ truth + level)))
    return x, z, y


def taught(x, y, **settings) -> BayesianHazard:
    model = BayesianHazard(**settings)
    for row, outcome in zip(x, y, strict=True):
        model.learn_row(row, bool(outcome))
    return model


def test_it_comes_to_what_all_data_at_once_would_give():
    """The mode of the exact posterior under the same prior, from every example at once (L-BFGS)."""
    x, z, y = world(8000)
    places = [NAMES.index(name) for name in SOME]
    design = np.column_stack([z[WARM:, places], np.ones(len(z) - WARM)])
    prior = np.array([_WEIGHT] * len(SOME) + [_LEVEL])

    def loss(w):
        u = design @ w
        return np.sum(np.logaddexp(0, u) - y[WARM:] * u) + 0.5 * np.sum(w * w / prior)

    exact = minimize(loss, np.zeros(len(SOME) + 1), method="L-BFGS-B").x

    model = taught(x, y, columns=SOME)

    np.testing.assert_allclose(model._weights[:-1], exact[:-1], atol=0.02)
    assert model._weights[-1] == pytest.approx(exact[-1], abs=0.08)  # the level moves with the latest examples


def test_scorers_say_what_it_says():
    x, _, y = world(1500)
    model = taught(x, y)
    weights = model.export(CONFIG)

    np.testing.assert_allclose(weights.short(x[:50], CONFIG), [model.predict_row(row) for row in x[:50]], rtol=1e-9)
    assert not weights.weights[[NAMES.index(name) for name in NAMES if name not in WEIGHED]].any()


def test_other_units_of_a_feature_change_nothing():
    x, _, y = world(1500)
    other = x.copy()
    other[:, NAMES.index("spend_8w")] = 0.01 * x[:, NAMES.index("spend_8w")] - 7

    ours, theirs = taught(x, y), taught(other, y)

    assert theirs.predict_row(other[9]) == pytest.approx(ours.predict_row(x[9]), rel=1e-6)


def test_carrying_the_belief_over_changes_no_prediction():
    x, _, y = world(WARM + RESCALE)  # the next example is one of those that carry it over
    model = taught(x, y)
    inside = x[np.abs((x - x.mean(axis=0)) / np.where(x.std(axis=0) > 0, x.std(axis=0), 1)).max(axis=1) < 2][:20]
    before = [model.predict_row(row) for row in inside]

    model._rescale()

    np.testing.assert_allclose([model.predict_row(row) for row in inside], before, rtol=1e-9)


def test_the_level_follows_a_change_within_some_hundred_examples():
    x, _, y = world(6000)
    more, _, fewer = world(2000, seed=1, level=-2.0)
    model = taught(x, y)
    told = []
    for row, outcome in zip(more, fewer, strict=True):
        told.append(model.predict_row(row))
        model.learn_row(row, bool(outcome))

    assert np.mean(told[:200]) - fewer[:200].mean() > 0.08
    assert abs(np.mean(told[1000:]) - fewer[1000:].mean()) < 0.03


def test_it_goes_through_json_and_on_to_the_bit():
    x, _, y = world(3000)
    straight = taught(x[:1700], y[:1700])
    resumed = BayesianHazard().resume(encode(straight.state()))
    for model in (straight, resumed):
        for row, outcome in zip(x[1700:], y[1700:], strict=True):
            model.learn_row(row, bool(outcome))

    assert encode(resumed.state()) == encode(straight.state())
    assert len(encode(straight.state())) < 60_000


def test_a_long_life_keeps_the_covariance_sound():
    x, _, y = world(20_000)
    model = taught(x, y)

    np.testing.assert_array_equal(model.covariance, model.covariance.T)
    assert np.linalg.eigvalsh(model.covariance).min() > 0


DAMAGE = [{"weights": [1.0]}, {"covariance": "AAAA"}, {"residual": float("nan")}, {"columns": ["no_such"]}]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_state_is_refused(damage):
    with pytest.raises(Misconfigured, match="damaged"):
        BayesianHazard().resume(encode(msgspec.structs.asdict(BayesianHazard().state()) | damage))


def test_it_is_a_classifier_of_river():
    x, _, y = world(400)
    by_name, by_row = BayesianHazard(), BayesianHazard()
    for row, outcome in zip(x, y, strict=True):
        by_name.learn_one(dict(zip(NAMES, row.tolist(), strict=True)), bool(outcome))
        by_row.learn_row(row, bool(outcome))

    assert encode(by_name.state()) == encode(by_row.state())
    answer = by_name.predict_proba_one({"log_recency": 2.0})
    assert answer[True] == pytest.approx(1 - answer[False])


def test_a_feature_that_begins_to_vary_is_learned_anew():
    """Next to nothing at first and then one: what was learned of the former would be multiplied by a million."""
    x, _, y = world(3000)
    late = NAMES.index("price_rise")
    x[:, late] = 0.0
    x[60:500:9, late] = 1e-6
    x[1500::9, late] = 1.0
    weights = taught(x, y).export(ChurnConfig())

    assert abs(weights.weights[late]) < 0.5
    assert abs(weights.intercept) < 10
