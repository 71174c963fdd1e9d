"""What we learn with is what River knows as a classifier, by all that River asks of one."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from river import checks, compose, evaluate, metrics

from models.churn.bayes import BayesianHazard
from models.churn.by_name import ByName
from models.churn.gradient import OnlineLogistic
from models.codec import encode
from models.features.table import NAMES

ESTIMATORS = (
    BayesianHazard(),
    BayesianHazard(("recency", "log_orders")),
    OnlineLogistic(),
    OnlineLogistic("recency", ("recency", "log_recency")),
)
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda one: f"{one}{len(one.columns or ())}")


def examples(n: int = 400) -> list[tuple[dict[str, float], bool]]:
    """The shorter the silence, the likelier an order; with a feature that is none of ours."""
    chance = np.random.default_rng(2)
    found = []
    for _ in range(n):
        x = dict(zip(NAMES, chance.normal(size=len(NAMES)).tolist(), strict=True)) | {"moon": 7.0}
        found.append((x, bool(chance.random() < 1 / (1 + np.exp(2 * x["recency"])))))
    return found


@every_estimator
def test_it_passes_all_checks_of_river(estimator: ByName) -> None:
    """Parameters, clones, representation, pickles, features that come and go, memory, and the rest."""
    for check in checks.yield_checks(estimator):
        check(estimator.clone())


@every_estimator
def test_river_evaluates_it_like_its_own(estimator: ByName) -> None:
    """In a pipeline; and a pickle goes on as if nothing had been."""
    model = compose.Select(*NAMES) | estimator.clone()
    quality = evaluate.progressive_val_score(examples(), model, metrics.ROCAUC())
    assert quality.get() > 0.6

    straight = estimator.clone()
    for x, y in examples(300):
        straight.learn_one(x, y)
    resumed = pickle.loads(pickle.dumps(straight))
    for x, y in examples()[300:]:
        assert straight.predict_proba_one(x) == resumed.predict_proba_one(x)
        straight.learn_one(x, y)
        resumed.learn_one(x, y)
    assert encode(straight.state()) == encode(resumed.state())


@every_estimator
def test_a_clone_has_the_parameters_and_learned_nothing(estimator: ByName) -> None:
    """Whatever its original has learned."""
    learned = estimator.clone()
    for x, y in examples(100):
        learned.learn_one(x, y)

    assert encode(learned.clone().state()) == encode(estimator.clone().state()) != encode(learned.state())
    assert learned.clone().columns == estimator.columns


@every_estimator
def test_names_and_rows_are_two_ways_to_say_the_same(estimator: ByName) -> None:
    """A feature that is missing is 0, and an unknown one says nothing."""
    named, rows = estimator.clone(), estimator.clone()
    for x, y in examples(120):
        del x["orders"]
        named.learn_one(x, y, w=2.0)
        rows.learn_row(np.array([x.get(name, 0.0) for name in NAMES]), y, 2.0)

    assert encode(named.state()) == encode(rows.state())
