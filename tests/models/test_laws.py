"""The laws that every churn model obeys, and every one that learns."""

import copy
import json
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.churn.bayes import BayesianHazard
from models.churn.gradient import OnlineLogistic
from models.churn.kinds.base_rate import BaseRate
from models.churn.kinds.bgnbd import BgNbd
from models.churn.kinds.rules import rules
from models.churn.model import Model
from models.churn.scores import score_profiles
from models.durations import DAY
from models.features.features import NAMES, matrix, raws
from profiles.state import apply
from tests.build import CONFIG, LIMITS, T0, buyer, customer, event

LEARNERS: dict[str, Callable[[], Any]] = {
    "hazard": BayesianHazard,
    "ftrl": lambda: OnlineLogistic("ftrl"),
    "recency": lambda: OnlineLogistic("recency"),
    "direct": lambda: OnlineLogistic("direct"),
}
every_learner = pytest.mark.parametrize("name", LEARNERS)


def learn(model: Any, x: np.ndarray, y: bool, weight: float = 1.0) -> None:
    (model.learn_row if isinstance(model, BayesianHazard) else model.learn_one)(x, y, weight)


def trained(name: str, seed: int = 1, examples: int = 900) -> Any:
    """Taught by customers who order the sooner, the shorter their silence."""
    rng, model = np.random.default_rng(seed), LEARNERS[name]()
    for _ in range(examples):
        days = np.cumsum(rng.exponential(25, rng.integers(1, 8)))
        silence = rng.exponential(80)
        x = matrix(raws([buyer(*days.tolist())], "EUR"), np.array([T0 + (days[-1] + silence) * DAY]))[0]
        learn(model, x, bool(rng.random() < np.exp(-silence / 60)))
    return model


MODELS: dict[str, Model] = {
    "rules": rules(CONFIG),
    "untrained": OnlineLogistic("ftrl").export(CONFIG),
    **{name: trained(name).export(CONFIG) for name in LEARNERS},
    "bgnbd": BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, average=(1.0, 12.0, 30.0), customers=2357),
    "base_rate": BaseRate(0.2, 0.6, CONFIG.label_horizon, CONFIG.horizon, 500),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def risk(model: Model, profile, day: float) -> float:
    [score] = score_profiles([profile], [T0 + day * DAY], model, CONFIG, "EUR")
    return score.risk


@every_model
def test_scoring_changes_nothing_and_repeats_itself(model):
    profile = customer(event("purchase", 0, amount=100), event("visit", 3), event("csat", 4, rating=1.0))
    before, written = msgspec.msgpack.encode(profile), model.to_json()

    first = score_profiles([profile], [T0 + 9 * DAY], model, CONFIG, "EUR")
    second = score_profiles([profile], [T0 + 9 * DAY], model, CONFIG, "EUR")

    assert first == second
    assert msgspec.msgpack.encode(profile) == before
    assert model.to_json() == written


@every_model
def test_a_score_does_not_depend_on_the_batch(model):
    people = [buyer(0, 9, 30), buyer(5), customer(event("purchase", 1), event("complaint", 8))]

    together = score_profiles(people, [T0 + 60 * DAY] * len(people), model, CONFIG, "EUR")

    for profile, score in zip(people, together, strict=True):
        assert risk(model, profile, 60) == pytest.approx(score.risk, rel=1e-12)


@every_model
def test_a_risk_is_a_probability_for_any_customer(model):
    for profile in (buyer(0), buyer(*range(200)), buyer(0, amount=10**15), customer(event("purchase", 0, amount=-5))):
        for day in (0, 1, 400, 40000):
            assert 0.0 <= risk(model, profile, day) <= 1.0


days = st.lists(st.floats(0, 300), min_size=1, max_size=8)
trouble = st.lists(st.sampled_from(["complaint", "ticket_opened", "refund", "visit", "cart", "login"]), max_size=4)


@settings(deadline=None, max_examples=50)
@given(days, trouble, st.floats(0, 400), st.floats(1, 200))
@pytest.mark.parametrize("name", ["rules", "hazard", "ftrl", "direct", "recency", "bgnbd"])
def test_silence_raises_the_risk(name, orders, happened, silence, more):
    end = max(orders)
    profile = buyer(*orders)
    for k, role in enumerate(happened):
        apply(profile, event(role, end - k), "EUR", LIMITS)

    before, after = (risk(MODELS[name], profile, end + wait) for wait in (silence, silence + more))

    assert after >= before - (1e-12 if name in {"rules", "bgnbd"} else 0.02)


@settings(deadline=None, max_examples=50)
@given(days, st.floats(14, 400))
@pytest.mark.parametrize("name", ["rules", "hazard", "ftrl", "direct", "recency"])
def test_a_purchase_lowers_the_risk(name, orders, silence):
    """Not of BG/NBD: there everybody may quit after a purchase, and after the first one nobody has."""
    profile = buyer(*orders)
    assume(max(orders) + silence < 700)
    at = max(orders) + silence
    before = risk(MODELS[name], profile, at)

    apply(profile, event("purchase", at, amount=2500), "EUR", LIMITS)

    assert risk(MODELS[name], profile, at) < max(before, 0.05 if name == "hazard" else 0.0)  # of next to nothing


def test_trouble_raises_and_engagement_lowers_the_risk_from_the_first_hour():
    plain = risk(MODELS["rules"], buyer(0), 1)
    for role, raises in (("complaint", True), ("subscription_cancel", True), ("refund", True),
                         ("visit", False), ("subscription_start", False)):  # fmt: skip
        profile = customer(event("purchase", 0, amount=2500), event(role, 0.5))
        assert (risk(MODELS["rules"], profile, 1) > plain) == raises


@every_learner
def test_learning_refuses_what_is_not_finite_and_stays_as_it_was(name):
    model = trained(name, examples=50)
    before = model.state()
    for bad in (np.full(len(NAMES), np.nan), np.full(len(NAMES), np.inf), np.zeros(3)):
        with pytest.raises(ValueError, match="finite"):
            learn(model, bad, True)
    with pytest.raises(ValueError, match="finite"):
        learn(model, np.zeros(len(NAMES)), True, float("nan"))

    assert model.state() == before


@every_learner
def test_learning_is_deterministic_and_leaves_its_input_alone(name):
    assert trained(name, 4, 300).state() == trained(name, 4, 300).state()
    x = np.ones(len(NAMES))
    kept = copy.copy(x)
    learn(LEARNERS[name](), x, True)

    np.testing.assert_array_equal(x, kept)


@every_learner
def test_the_state_goes_through_json_and_on_to_the_bit(name):
    straight = trained(name, 2, 300)
    resumed = type(straight).from_state(json.loads(json.dumps(straight.state())))
    x = matrix(raws([buyer(0, 3)], "EUR"), np.array([T0 + 20 * DAY]))[0]
    for model in (straight, resumed):
        for i in range(30):
            learn(model, x * (1 + i / 10), i % 3 == 0)

    assert resumed.state() == straight.state()


@every_learner
def test_the_memory_of_a_model_does_not_grow(name):
    small, large = (len(json.dumps(trained(name, 1, n).state())) for n in (300, 900))

    assert large < small * 1.1


@every_learner
def test_a_feature_that_begins_late_is_learned_and_one_that_is_missing_says_nothing(name):
    if name == "recency":
        pytest.skip("sees the time since the last order only, which everybody has")
    model, late = trained(name), NAMES.index("visit_2w")
    x = matrix(raws([buyer(0, 3)], "EUR"), np.array([T0 + 20 * DAY]))[0]
    with_visits = x.copy()
    with_visits[late] = 2.0

    assert model.export(CONFIG).weights[late] == 0.0
    for i in range(400):
        learn(model, with_visits if i % 2 else x, bool(i % 2))

    assert abs(model.export(CONFIG).weights[late]) > 0.05


def test_an_untrained_model_knows_nothing():
    scores = MODELS["untrained"].score(raws([buyer(0), buyer(5, 50)], "EUR"), np.full(2, T0 + 90 * DAY), CONFIG)

    np.testing.assert_allclose(scores.risk, 0.5**6.5)
    assert not scores.contributions.any()
