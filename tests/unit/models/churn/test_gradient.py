import msgspec
import numpy as np
import pytest
from river import compose, linear_model, optim, preprocessing

from models.churn.gradient import OnlineLogistic
from models.churn.kinds.recency import COLUMNS
from models.churn.scaling import CLIP
from models.churn.weights import Weights
from models.codec import encode
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix
from models.features.reading import raws
from models.features.table import NAMES, SCHEMA, WEIGHED
from profiles.errors import Misconfigured
from tests.build import CONFIG, T0, buyer, customer, event
from tests.models.taught import Taught

TARGETS = ("ftrl", "direct", "recency")
every_target = pytest.mark.parametrize("target", TARGETS)


def people():
    rng = np.random.default_rng(7)
    some = [buyer(*np.cumsum(rng.exponential(20, rng.integers(1, 9))).tolist()) for _ in range(40)]
    return [*some, customer(event("purchase", 3, amount=900), event("visit", 50), event("complaint", 60))]


RAWS = raws(people(), "EUR")
NOW = np.full(41, T0 + 600 * DAY)
ROWS = matrix(RAWS, NOW)


def learned(target, rounds=6) -> Taught:
    model, rng = Taught(target), np.random.default_rng(3)
    for _ in range(rounds):
        for x in ROWS:
            model.learn(x, bool(rng.random() < 1 / (2 + x[0] / 10)), float(rng.integers(1, 3)))
    return model


@every_target
def test_the_exported_model_agrees_with_river(target):
    model = learned(target)

    ordered = [model.model.predict_row(x) for x in ROWS]

    weights, config = model.export(CONFIG), ChurnConfig(horizon=CONFIG.label_horizon)
    if target == "direct":
        np.testing.assert_allclose(weights.score(RAWS, NOW, CONFIG).risk, 1 - np.array(ordered), atol=1e-9)
        assert np.isnan(weights.short(ROWS, CONFIG)).all()
    else:
        np.testing.assert_allclose(weights.short(ROWS, CONFIG), ordered, atol=1e-9)
        np.testing.assert_allclose(weights.score(RAWS, NOW, config).risk, 1 - np.array(ordered), atol=1e-9)


def test_it_is_rivers_pipeline():
    river = (
        preprocessing.StandardScaler()
        | compose.FuncTransformer(lambda z: {name: min(max(v, -CLIP), CLIP) for name, v in z.items()})
        | linear_model.LogisticRegression(optim.FTRLProximal(alpha=0.05, beta=1.0, l1=0.0, l2=1.0))
    )
    ours, late = Taught("ftrl"), NAMES.index("recency_share")
    for i, x in enumerate(np.tile(ROWS, (5, 1))):
        x[late] *= i > 100
        y, weight = i % 3 == 0, 1.0 + i % 4
        named = {name: x[NAMES.index(name)] for name in WEIGHED}
        river.learn_one(named, y, w=weight)
        ours.learn(x, y, weight)
        assert ours.model.predict_row(x) == pytest.approx(river.predict_proba_one(named)[True], abs=1e-13)

    scaler, regression = river["StandardScaler"], river["LogisticRegression"]
    places = [NAMES.index(name) for name in WEIGHED]
    assert ours.scaling.mean[places].tolist() == [scaler.means[name] for name in WEIGHED]
    assert ours.scaling.variance[places].tolist() == [scaler.vars[name] for name in WEIGHED]
    for name, weight in zip(WEIGHED, ours.model.weights, strict=True):
        assert weight == pytest.approx(regression.weights.get(name, 0.0), rel=1e-9, abs=1e-12)
    assert ours.model.intercept == pytest.approx(regression.intercept, rel=1e-12)


@every_target
def test_a_column_that_first_appears_after_a_restart_is_learned_as_ever(target):
    rows = np.tile(ROWS, (4, 1))
    rows[:80, [0, 1, 5, 20]] = 0.0
    straight, parted = Taught(target), Taught(target)

    for i, x in enumerate(rows):
        straight.learn(x, i % 3 == 0)
        parted.learn(x, i % 3 == 0)
        if i in (0, 79, 81, 120):
            parted = parted.restarted()

    assert parted.state() == straight.state()
    assert [parted.model.predict_row(x) for x in ROWS] == [straight.model.predict_row(x) for x in ROWS]


def test_the_direct_model_is_a_plain_logistic_regression_of_churn():
    model = learned("direct").export(CONFIG)

    scores = model.score(RAWS, NOW, CONFIG)

    z = np.clip((ROWS - model.mean) * np.divide(1, model.scale, np.zeros(len(NAMES)), where=model.scale > 0), -4, 4)
    np.testing.assert_allclose(scores.contributions, -model.weights * z, atol=1e-9)
    np.testing.assert_allclose(scores.baseline, -model.intercept, atol=1e-9)


@every_target
def test_baseline_and_contributions_sum_to_the_log_odds(target):
    scores = learned(target).export(CONFIG).score(RAWS, NOW, CONFIG)

    log_odds = np.log(scores.risk / (1 - scores.risk))
    np.testing.assert_allclose(scores.baseline + scores.contributions.sum(axis=1), log_odds, atol=1e-9)


@every_target
def test_a_model_names_its_kind_its_features_and_what_it_has_learned(target):
    model = learned(target, rounds=2)

    weights = model.export(CONFIG)

    assert weights.id == f"{target}-{SCHEMA}-82"
    assert weights.examples == model.model.examples == 82
    assert weights.horizon == (26 * WEEK if target == "direct" else 4 * WEEK)


def test_the_recency_model_sees_nothing_but_silence():
    model = learned("recency").export(CONFIG)

    assert {NAMES[i] for i in np.flatnonzero(model.weights)} == set(COLUMNS)
    assert (np.flatnonzero(np.abs(model.score(RAWS, NOW, CONFIG).contributions).sum(axis=0))
            == sorted(NAMES.index(name) for name in COLUMNS)).all()  # fmt: skip


@every_target
def test_killed_and_restored_it_goes_on_to_the_bit(target):
    straight, first = learned(target, 1), learned(target, 1)

    second = first.restarted()

    for model in (straight, second):
        for i, x in enumerate(ROWS):
            model.learn(x * (1 + i / 10), i % 3 == 0, 2.0)
    assert second.state() == straight.state()
    assert second.export(CONFIG).to_json() == straight.export(CONFIG).to_json()
    assert [second.model.predict_row(x) for x in ROWS] == [straight.model.predict_row(x) for x in ROWS]


def test_an_untaught_model_goes_through_its_state():
    model = Taught("direct").restarted().model

    assert (model.name, model.examples) == ("direct", 0)
    assert model.predict_row(ROWS[0]) == 0.5


def test_it_learns_from_the_features_that_it_sees():
    model = OnlineLogistic("direct", ("recency", "log_orders"))
    for i, x in enumerate(ROWS):
        model.learn_full(x, i % 3 == 0, 1.0)

    assert np.count_nonzero(model.export(CONFIG).weights) == 2


@pytest.mark.parametrize("bad", [np.full(len(NAMES), np.nan), np.full(len(NAMES), np.inf), np.zeros(3)])
def test_what_is_not_finite_is_refused_and_changes_nothing(bad):
    model = learned("direct", 1)
    before = model.state()

    with pytest.raises(ValueError, match="finite"):
        model.learn(bad, True)
    with pytest.raises(ValueError, match="finite"):
        model.learn(ROWS[0], True, float("nan"))

    assert model.state() == before


def test_what_is_far_beyond_anything_seen_counts_as_four_deviations():
    model = learned("ftrl")
    x = ROWS[0].copy()
    place = NAMES.index("recency")
    weights = model.export(CONFIG)
    x[place] = weights.mean[place] + CLIP * weights.scale[place]
    edge = model.model.predict_row(x)
    x[place] *= 1000

    assert model.model.predict_row(x) == pytest.approx(edge, abs=1e-12)


@pytest.mark.parametrize(
    "damage",
    [
        {"z": []},
        {"weights": None},
        {"intercept": float("nan")},
        {"n": [float("inf")] * len(NAMES)},
        {"columns": ["moon"]},
        {"name": 7},
        {"scaling": {"count": "many"}},
    ],
)
def test_a_damaged_state_is_refused(damage):
    with pytest.raises(Misconfigured, match="damaged"):
        Taught("ftrl").model.resume(encode(msgspec.structs.asdict(learned("ftrl", 1).model.state()) | damage))


def test_what_was_spoilt_is_not_exported():
    spoilt = learned("ftrl", 1)
    spoilt.model.intercept = float("nan")

    with pytest.raises(ValueError, match="finite"):
        spoilt.export(CONFIG)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_weights_are_finite_or_there_are_none(bad):
    good = learned("ftrl", 1).export(CONFIG)
    for name in ("mean", "scale", "weights"):
        values = {n: getattr(good, n).copy() for n in ("mean", "scale", "weights")}
        values[name][3] = bad
        with pytest.raises(ValueError, match="finite"):
            Weights("x", SCHEMA, **values, intercept=0.0, horizon=WEEK)
