import math

import numpy as np
import pytest

from models.churn.kinds.bgnbd import BgNbd
from models.churn.kinds.btyd import TYPICAL
from models.churn.kinds.rules import rules
from models.churn.kinds.stack import HELD, PARTS, LearningStack, Stack, StackWeights, held, read
from models.churn.model import Outdated, joined
from models.churn.panel import MODELS, Panel
from models.churn.scaling import Scaling
from models.churn.scores import group_shares, score_profiles
from models.churn.weights import ahead
from models.codec import encode
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix
from models.features.reading import raws
from profiles.errors import Misconfigured
from tests.build import CONFIG, T0, buyer, customer, event
from tests.models.taught import Taught
from tests.models.taught import taught as all_taught

PEOPLE = [
    buyer(0), buyer(0, 20, 40), buyer(*range(0, 100, 3)),
    customer(event("purchase", 0, amount=900), event("visit", 80), event("complaint", 99), event("login", 100)),
]  # fmt: skip
NOW = np.full(len(PEOPLE), T0 + 130 * DAY)
RAWS = raws(PEOPLE, "EUR")


def learned(name):
    one, rng = Taught(name), np.random.default_rng(3)
    for x in np.repeat(matrix(RAWS, NOW), 120, axis=0):
        one.learn(x * rng.uniform(0.5, 2.0), bool(rng.random() < 1 / (2 + x[0])), 1.0)
    return one.export()


OTHERS = {"hazard": learned("hazard"), "direct": learned("direct"), "btyd": TYPICAL, "rules": rules(CONFIG),
          "survival": all_taught("survival").export()}  # fmt: skip
WEIGHTS = StackWeights({"hazard": 0.5, "direct": 0.2, "btyd": 0.4, "survival": 0.1}, -0.1, CONFIG.horizon, 300)
STACK = Stack(WEIGHTS).joined(OTHERS)


def taught(labels, start=None):
    """A stack after labels: (what was said by PARTS, whether they churned)."""
    stack = start or LearningStack.new(CONFIG, Scaling.new())
    for said, churned in labels:
        stack.learn_said(dict(zip(PARTS, said, strict=True)), churned, 1.0)
    return stack


def labels(number, seed=1, slope=1.0, level=0.0):
    """The first part is right but for slope and level, the second says it with noise, the others know nothing."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.5, number)
    chance = 1 / (1 + np.exp(-np.array([truth, truth + rng.normal(0, 1.5, number), *rng.normal(0, 1.5, (2, number))])))
    churned = rng.random(number) < 1 / (1 + np.exp(-slope * truth - level))
    return list(zip(map(tuple, chance.T.tolist()), churned.tolist(), strict=True))


def loss(weights, some):
    z = np.array([[*map(float, held(np.array(said))), 1.0] for said, _ in some])
    p = 1 / (1 + np.exp(-z @ weights))
    y = np.array([churned for _, churned in some])
    return -np.log(np.where(y, p, 1 - p)).mean()


FIRST = LearningStack.new(CONFIG, Scaling.new()).weights


def test_it_speaks_before_any_label_and_believes_the_hazard_most():
    """Together with another part, it says what both say."""
    start = LearningStack.new(CONFIG, Scaling.new())
    assert start.ready(CONFIG, enough=False)
    assert FIRST[0] == max(FIRST) == pytest.approx(0.45)
    assert FIRST.sum() == pytest.approx(1.0)
    x = ahead(RAWS, NOW, CONFIG)
    odds = {name: held(OTHERS[name].risk(x, CONFIG)) for name in PARTS}

    whole = start.export(CONFIG).joined(OTHERS)
    two = start.export(CONFIG).joined({name: OTHERS[name] for name in ("hazard", "btyd")})

    expected = sum(weight * odds[name] for weight, name in zip(FIRST, PARTS, strict=False))
    np.testing.assert_allclose(held(whole.risk(x, CONFIG)), expected, atol=1e-9)
    np.testing.assert_allclose(held(two.risk(x, CONFIG)), 0.65 * odds["hazard"] + 0.35 * odds["btyd"], atol=1e-9)


def test_it_learns_whom_to_believe_and_calibrates():
    stack = taught(labels(4000, slope=0.8, level=0.5))

    first, second, *others, level = stack.weights
    assert first > second > max(others)
    assert first + second + sum(others) == pytest.approx(0.8, abs=0.2)
    assert level == pytest.approx(0.5, abs=0.15)
    later = labels(2000, seed=2, slope=0.8, level=0.5)
    assert loss(stack.weights, later) < loss(LearningStack.new(CONFIG, Scaling.new()).weights, later) - 0.02


def test_few_labels_move_it_little():
    stack = taught(labels(20))

    np.testing.assert_allclose(stack.weights, FIRST, atol=0.15)


def test_the_same_labels_give_the_same_state_to_the_byte_restarted_or_not():
    some = labels(300)
    whole = taught(some)

    half = taught(some[:150])
    resumed = taught(some[150:], LearningStack.new(CONFIG, Scaling.new()).resume(encode(half.state())))

    assert encode(resumed.state()) == encode(whole.state())
    assert resumed.export(CONFIG).to_json() == whole.export(CONFIG).to_json()


def test_a_part_without_an_answer_counts_as_the_mean_of_the_others():
    two = dict(list(OTHERS.items())[:1]) | {"btyd": TYPICAL}
    stack = Stack(WEIGHTS).joined(two)
    x = ahead(RAWS, NOW, CONFIG)

    hazard, btyd = (held(two[name].risk(x, CONFIG)) for name in ("hazard", "btyd"))

    expected = -0.1 + 0.5 * hazard + 0.3 * (hazard + btyd) / 2 + 0.4 * btyd
    np.testing.assert_allclose(held(stack.risk(x, CONFIG)), np.clip(expected, -HELD, HELD), atol=1e-9)


def test_it_learns_where_every_part_had_an_answer():
    state = LearningStack.new(CONFIG, Scaling.new())
    before = encode(state.state())

    state.learn_said({"hazard": 0.3, "btyd": 0.6, "rules": 0.4}, True, 1.0)

    assert encode(state.state()) == before


def test_it_learns_where_nobody_grows_the_nightly_model_too():
    """Which then counts as the mean of the others."""
    state = LearningStack.new(CONFIG, Scaling.new())

    state.learn_said({"hazard": 0.3, "direct": 0.2, "btyd": 0.6}, True, 1.0)

    assert state.examples == 1
    assert "survival" not in state.export(CONFIG).joined(dict(list(OTHERS.items())[:3])).parts


def test_a_further_definition_needs_no_answer_of_the_part_that_goes_by_orders():
    """BTYD never has one there. It counts as the mean of the others, as in a score; also after a restart."""
    plan = ChurnConfig.model_validate({"definitions": [{"name": "unseen", "ends_by": {"no": "visit"}}]})
    for stack in (
        new := LearningStack.new(plan.of("unseen"), Scaling.new()),
        new.resume(encode(new)),
        new.forget_full(),
    ):
        stack.learn_said({"hazard": 0.3}, True, 1.0)
        stack.learn_said({"hazard": 0.3, "btyd": 0.3}, True, 1.0)
        assert stack.examples == 0
        stack.learn_said({"hazard": 0.3, "direct": 0.6}, True, 1.0)
        assert stack.examples == 1
        mean = float(np.mean(held(np.array([0.3, 0.6]))))
        same = LearningStack.new(CONFIG, Scaling.new())
        same.learn_said({"hazard": 0.3, "direct": 0.6, "btyd": 1 / (1 + math.exp(-mean))}, True, 1.0)
        np.testing.assert_allclose(stack.weights, same.weights)


def test_of_one_part_there_is_no_stack():
    assert Stack(WEIGHTS).joined({"hazard": OTHERS["hazard"], "rules": OTHERS["rules"]}) is None
    assert joined({"hazard": OTHERS["hazard"], "stack": Stack(WEIGHTS)}).keys() == {"hazard"}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_finite_is_refused_and_changes_nothing(bad):
    state = taught(labels(50))
    before = encode(state.state())

    with pytest.raises(ValueError, match="finite"):
        state.learn_said(dict.fromkeys(PARTS, bad), True, 1.0)

    assert encode(state.state()) == before


@pytest.mark.parametrize("certain", [0.0, 1.0, 1e-30])
def test_no_part_is_certain(certain):
    state = taught([((certain, 0.5, 0.5, 0.5), True), ((certain, 0.5, 0.5, 0.5), False)])

    assert np.isfinite(state.weights).all()
    assert abs(held(np.array(certain))) == pytest.approx(HELD)


@pytest.mark.parametrize("horizon", ["4w", "26w"])
def test_baseline_and_contributions_sum_to_the_log_odds(horizon):
    config = ChurnConfig(horizon=horizon)
    gone = RAWS, np.full(len(PEOPLE), T0 + 4000 * DAY)  # parts are held
    for rows, at in ((RAWS, NOW), gone):
        scores = STACK.score(rows, at, config)

        log_odds = np.log(scores.risk) - np.log1p(-scores.risk)
        np.testing.assert_allclose(scores.baseline + scores.contributions.sum(axis=1), log_odds, atol=1e-8)
        np.testing.assert_allclose(scores.baseline + group_shares(scores).sum(axis=1), log_odds, atol=1e-8)
        np.testing.assert_allclose(STACK.risk(ahead(rows, at, config), config), scores.risk, atol=1e-9)


def test_contributions_are_the_weighted_ones_of_its_parts():
    parts = {name: OTHERS[name].score(RAWS, NOW, CONFIG) for name in PARTS}
    free = np.all([np.abs(held(scores.risk)) < HELD for scores in parts.values()], axis=0)

    shares = group_shares(STACK.score(RAWS, NOW, CONFIG))[free]

    assert free.sum() > 1
    expected = sum(WEIGHTS.weights[name] * group_shares(scores)[free] for name, scores in parts.items())
    np.testing.assert_allclose(shares, expected, atol=1e-9)


def test_a_panel_ships_the_weights_and_joins_them_with_their_parts():
    others = {**OTHERS, "bgnbd": BgNbd(0.243, 4.414, 0.793, 2.426, (1.0, 26.0, 33.0), 2357)}
    panel = Panel("stack", joined({**others, "stack": Stack(WEIGHTS)}))

    after = Panel.from_json(panel.to_json(), CONFIG)

    assert after.to_json() == panel.to_json()
    assert after.champion_name == "stack"
    column = after.risks(RAWS, NOW, CONFIG)[:, MODELS.index("stack")]
    np.testing.assert_allclose(column, STACK.score(RAWS, NOW, CONFIG).risk, rtol=1e-6)
    [score, *_] = score_profiles(PEOPLE, NOW.tolist(), after.champion, CONFIG, "EUR")
    assert score.model == "stack-300"


def test_it_has_no_answer_for_the_label_horizon():
    assert np.isnan(STACK.short(matrix(RAWS, NOW), CONFIG)).all()


def test_it_is_of_its_horizon():
    with pytest.raises(Outdated):
        read(STACK.to_json(), ChurnConfig(horizon=9 * WEEK))


@pytest.mark.parametrize("damage", [(b'"hazard"', b'"gbm"'), (b"0.5", b"1e999"), (b"-0.1", b"null")])
def test_a_damaged_one_is_refused(damage):
    with pytest.raises(Misconfigured, match="damaged"):
        read(STACK.to_json().replace(*damage), CONFIG)
