"""The laws that every churn model obeys, and every one that learns."""

import copy
from functools import cache

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from models.churn.kinds import KINDS
from models.churn.model import Joined, Model, joined
from models.churn.panel import Panel, basis
from models.churn.scores import score_profiles
from models.durations import DAY
from models.features.matrix import matrix
from models.features.reading import raws
from models.features.table import NAMES
from profiles.errors import Misconfigured
from profiles.state import apply
from tests.build import CONFIG, LIMITS, T0, buyer, customer, event
from tests.models.taught import Taught, taught

LEARNERS = [name for name, kind in KINDS.items() if kind.learns_from]
every_learner = pytest.mark.parametrize("name", LEARNERS)

COMPOSED = {name for name in KINDS if isinstance(Taught(name).model.export(CONFIG), Joined)}  # of others of the panel
WEIGHED = [name for name in LEARNERS if name not in COMPOSED and Taught(name).model.norm is not None]  # features
every_model = pytest.mark.parametrize("model", [*KINDS, "untrained"], indirect=True)


@cache
def models() -> dict[str, Model]:
    """Of every kind one that has learned; not before a test asks, as the file is also read where none is run."""
    return joined({name: taught(name).export() for name in KINDS}) | {"untrained": Taught("ftrl").export()}


@pytest.fixture
def model(request):
    return models()[request.param]


def risk(model: Model, profile, day: float) -> float:
    [score] = score_profiles([profile], [T0 + day * DAY], model, CONFIG, "EUR")
    return score.risk


@pytest.mark.parametrize("name", KINDS)
def test_what_is_declared_is_true(name):
    """So that a panel can ship the model, a score name it, and a page describe it."""
    kind, model = KINDS[name], models()[name]

    assert kind.read(model.to_json(), CONFIG).to_json() == model.to_json()
    assert basis(model.id) == kind.basis != kind.meaning
    assert all(np.isfinite(number) for number in model.numbers().values())
    others = KINDS if name in COMPOSED else ("rules",)
    panel = Panel(name, {other: models()[other] for other in (name, *others)})
    again = Panel.from_json(panel.to_json(), CONFIG)
    assert (again.champion_name, again.champion.id, again.left_out) == (name, model.id, ())


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
@pytest.mark.parametrize("name", KINDS)
def test_silence_raises_the_risk(name, orders, happened, silence, more):
    end = max(orders)
    profile = buyer(*orders)
    for k, role in enumerate(happened):
        apply(profile, event(role, end - k), "EUR", LIMITS)

    before, after = (risk(models()[name], profile, end + wait) for wait in (silence, silence + more))

    allowed = {**dict.fromkeys((*WEIGHED, *COMPOSED), 0.02), "survival": 0.05}  # trees go in steps
    assert after >= before - allowed.get(name, 1e-12)


@settings(deadline=None, max_examples=50)
@given(days, st.floats(14, 400))
@pytest.mark.parametrize("name", ["rules", *WEIGHED])
def test_a_purchase_lowers_the_risk(name, orders, silence):
    """Not of BG/NBD: there everybody may quit after a purchase, and after the first one nobody has."""
    profile = buyer(*orders)
    assume(max(orders) + silence < 700)
    at = max(orders) + silence
    before = risk(models()[name], profile, at)

    apply(profile, event("purchase", at, amount=2500), "EUR", LIMITS)

    assert risk(models()[name], profile, at) < max(before, 0.05 if name == "hazard" else 0.0)  # of next to nothing


def test_trouble_raises_and_engagement_lowers_the_risk_from_the_first_hour():
    plain = risk(models()["rules"], buyer(0), 1)
    for role, raises in (("complaint", True), ("subscription_cancel", True), ("refund", True),
                         ("visit", False), ("subscription_start", False)):  # fmt: skip
        profile = customer(event("purchase", 0, amount=2500), event(role, 0.5))
        assert (risk(models()["rules"], profile, 1) > plain) == raises


@every_learner
def test_learning_is_deterministic_and_leaves_its_input_alone(name):
    assert taught(name, 4, 300).state() == taught(name, 4, 300).state()
    x = np.ones(len(NAMES))
    kept = copy.copy(x)
    Taught(name).learn(x, True)

    np.testing.assert_array_equal(x, kept)


@every_learner
def test_the_state_goes_through_json_and_on_to_the_bit(name):
    straight = taught(name, 2, 300)
    restarted = straight.restarted()
    x = matrix(raws([buyer(0, 3)], "EUR"), np.array([T0 + 20 * DAY]))[0]
    for one in (straight, restarted):
        for i in range(30):
            one.learn(x * (1 + i / 10), i % 3 == 0)

    assert restarted.state() == straight.state()
    assert restarted.answer(x) == straight.answer(x)
    assert restarted.export().to_json() == straight.export().to_json()


@every_learner
def test_a_damaged_state_is_refused(name):
    state = msgspec.json.decode(taught(name, 2, 100).state())[1]
    for damaged in (b"", b"{", b"[7]", *(msgspec.json.encode({**state, key: "?"}) for key in state)):
        with pytest.raises(Misconfigured, match="damaged"):
            Taught(name).model.resume(damaged)


@every_learner
def test_the_memory_of_a_model_does_not_grow(name):
    small, large = (len(taught(name, 1, n).state()) for n in (300, 900))

    assert large < small * 1.1


@pytest.mark.parametrize("name", [name for name in WEIGHED if name != "recency"])
def test_a_feature_that_begins_late_is_learned_and_one_that_is_missing_says_nothing(name):
    """Not of recency, which sees the time since the last order only: everybody has that."""
    model, late = taught(name), NAMES.index("visit_2w")
    x = matrix(raws([buyer(0, 3)], "EUR"), np.array([T0 + 20 * DAY]))[0]
    with_visits = x.copy()
    with_visits[late] = 2.0

    assert model.export().weights[late] == 0.0
    for i in range(400):
        model.learn(with_visits if i % 2 else x, bool(i % 2))

    assert abs(model.export().weights[late]) > 0.05


@every_learner
def test_of_another_churn_horizon_nothing_is_left_that_its_labels_taught(name):
    only_short = Taught(name)
    only_short.model = only_short.model.forget_full()
    learned = taught(name, 3, 300)
    before = learned.state()
    learned.model = learned.model.forget_full()

    if KINDS[name].learns_from == ("full",):
        assert learned.model.export(CONFIG).to_json() == only_short.model.export(CONFIG).to_json()
    elif "full" not in KINDS[name].learns_from:
        assert learned.state() == before


def test_an_untrained_model_knows_nothing():
    scores = models()["untrained"].score(raws([buyer(0), buyer(5, 50)], "EUR"), np.full(2, T0 + 90 * DAY), CONFIG)

    np.testing.assert_allclose(scores.risk, 0.5**6.5)
    assert not scores.contributions.any()
