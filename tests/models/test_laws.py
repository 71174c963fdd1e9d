"""The laws that every churn model obeys: the rules, an untrained and a trained one."""

import copy
import json

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.churn import Weights, score_profiles
from models.cold import rules
from models.config import DAY
from models.features import NAMES, matrix, raws
from models.hazard import OnlineLogistic
from profiles.state import apply
from tests.models.build import CAPS, CONFIG, T0, buyer, customer, event


def trained(seed: int = 1, examples: int = 600) -> OnlineLogistic:
    """Taught by customers who order the sooner, the shorter their silence."""
    rng, model = np.random.default_rng(seed), OnlineLogistic("hazard")
    for _ in range(examples):
        days = np.cumsum(rng.exponential(25, rng.integers(1, 8)))
        silence = rng.exponential(80)
        x = matrix(raws([buyer(*days.tolist())], "EUR"), np.array([T0 + (days[-1] + silence) * DAY]))[0]
        model.learn_one(x, bool(rng.random() < np.exp(-silence / 60)))
    return model


MODELS = {"rules": rules(CONFIG), "untrained": OnlineLogistic("hazard").export(CONFIG), "trained": trained().export(CONFIG)}
every_model = pytest.mark.parametrize("weights", MODELS.values(), ids=MODELS)


def risk(weights: Weights, profile, day: float) -> float:
    [score] = score_profiles([profile], [T0 + day * DAY], weights, CONFIG, "EUR")
    return score.risk


@every_model
def test_scoring_changes_nothing_and_repeats_itself(weights):
    profile = customer(event("purchase", 0, amount=100), event("visit", 3), event("csat", 4, rating=1.0))
    before, model = msgspec.msgpack.encode(profile), weights.to_json()

    first = score_profiles([profile], [T0 + 9 * DAY], weights, CONFIG, "EUR")
    second = score_profiles([profile], [T0 + 9 * DAY], weights, CONFIG, "EUR")

    assert first == second
    assert msgspec.msgpack.encode(profile) == before
    assert weights.to_json() == model


@every_model
def test_a_score_does_not_depend_on_the_batch(weights):
    people = [buyer(0, 9, 30), buyer(5), customer(event("purchase", 1), event("complaint", 8))]

    together = score_profiles(people, [T0 + 60 * DAY] * len(people), weights, CONFIG, "EUR")

    for profile, score in zip(people, together, strict=True):
        assert risk(weights, profile, 60) == pytest.approx(score.risk, rel=1e-12)


@every_model
def test_a_risk_is_a_probability_for_any_customer(weights):
    for profile in (buyer(0), buyer(*range(200)), buyer(0, amount=10**15), customer(event("purchase", 0, amount=-5))):
        for day in (0, 1, 400, 40000):
            assert 0.0 <= risk(weights, profile, day) <= 1.0


days = st.lists(st.floats(0, 300), min_size=1, max_size=8)
trouble = st.lists(st.sampled_from(["complaint", "ticket_opened", "refund", "visit", "cart", "login"]), max_size=4)


@settings(deadline=None)
@given(days, trouble, st.floats(0, 400), st.floats(1, 200))
@pytest.mark.parametrize("name", ["rules", "trained"])
def test_silence_raises_the_risk(name, orders, happened, silence, more):
    end = max(orders)
    profile = buyer(*orders)
    for k, role in enumerate(happened):
        apply(profile, event(role, end - k), "EUR", CAPS)

    before, after = (risk(MODELS[name], profile, end + wait) for wait in (silence, silence + more))

    assert after >= before - (0.0 if name == "rules" else 0.02)


@settings(deadline=None)
@given(days, st.floats(14, 400))
@pytest.mark.parametrize("name", ["rules", "trained"])
def test_a_purchase_lowers_the_risk(name, orders, silence):
    profile = buyer(*orders)
    assume(max(orders) + silence < 700)
    at = max(orders) + silence
    before = risk(MODELS[name], profile, at)

    apply(profile, event("purchase", at, amount=2500), "EUR", CAPS)

    assert risk(MODELS[name], profile, at) < before


def test_trouble_raises_and_engagement_lowers_the_risk_from_the_first_hour():
    plain = risk(MODELS["rules"], buyer(0), 1)
    for role, raises in (("complaint", True), ("subscription_cancel", True), ("refund", True),
                         ("visit", False), ("subscription_start", False)):  # fmt: skip
        profile = customer(event("purchase", 0, amount=2500), event(role, 0.5))
        assert (risk(MODELS["rules"], profile, 1) > plain) == raises


def test_learning_refuses_what_is_not_finite_and_stays_as_it_was():
    model = trained(examples=50)
    before = model.state()
    for bad in (np.full(len(NAMES), np.nan), np.full(len(NAMES), np.inf), np.zeros(3)):
        with pytest.raises(ValueError, match="finite"):
            model.learn_one(bad, True)
    with pytest.raises(ValueError, match="finite"):
        model.learn_one(np.zeros(len(NAMES)), True, float("nan"))

    assert model.state() == before


def test_learning_is_deterministic_and_leaves_its_input_alone():
    assert trained(4, 80).state() == trained(4, 80).state()
    x = np.ones(len(NAMES))
    kept = copy.copy(x)
    OnlineLogistic("hazard").learn_one(x, True)

    np.testing.assert_array_equal(x, kept)


def test_the_state_goes_through_json_and_on_to_the_bit():
    straight = trained(2, 60)
    resumed = OnlineLogistic.from_state(json.loads(json.dumps(straight.state())))
    x = matrix(raws([buyer(0, 3)], "EUR"), np.array([T0 + 20 * DAY]))[0]
    for model in (straight, resumed):
        for i in range(30):
            model.learn_one(x * (1 + i / 10), i % 3 == 0)

    assert resumed.state() == straight.state()


def test_the_memory_of_a_model_does_not_grow():
    small, large = (len(json.dumps(trained(1, n).state())) for n in (100, 600))

    assert large < small * 1.1


def test_an_untrained_model_knows_nothing():
    scores = MODELS["untrained"].score(raws([buyer(0), buyer(5, 50)], "EUR"), np.full(2, T0 + 90 * DAY), CONFIG)

    np.testing.assert_allclose(scores.risk, 0.5**6.5)
    assert not scores.contributions.any()
