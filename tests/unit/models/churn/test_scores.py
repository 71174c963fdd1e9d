import math

import msgspec
import numpy as np
import pytest

from models.churn.kinds.bgnbd import BgNbd
from models.churn.kinds.btyd import TYPICAL, Btyd
from models.churn.kinds.rules import rules
from models.churn.lifetimes import Lifetimes
from models.churn.scores import GROUPS, group_shares, next_rescore, score_profiles, told
from models.churn.weights import Weights, read_weights
from models.config import ChurnConfig
from models.durations import DAY, WEEK
from models.features.matrix import matrix, rolled
from models.features.reading import raws
from models.features.table import COLUMN, NAMES, TABLE
from profiles.errors import Misconfigured
from profiles.types import Profile, Score
from tests.build import CONFIG, T0, buyer, customer, event
from tests.models.taught import Taught


def people():
    rng = np.random.default_rng(7)
    some = [buyer(*np.cumsum(rng.exponential(20, rng.integers(1, 9))).tolist()) for _ in range(40)]
    return [*some, customer(event("purchase", 3, amount=900), event("visit", 50), event("complaint", 60))]


def learned(rows):
    model, rng = Taught("ftrl"), np.random.default_rng(3)
    for _ in range(6):
        for x in rows:
            model.learn(x, bool(rng.random() < 1 / (2 + x[0])), float(rng.integers(1, 3)))
    return model


CDNOW = BgNbd(0.243, 4.414, 0.793, 2.426, (1.0, 20.0, 33.0), 2357)
NOW = np.full(41, T0 + 600 * DAY)


def test_numpy_agrees_with_river_on_the_hazard_and_on_the_rolled_risk():
    state = raws(people(), "EUR")
    model = learned(matrix(state, NOW))

    risk = model.export(CONFIG).score(state, NOW, CONFIG).risk

    survived = np.ones(41)
    for step in range(7):
        rows = rolled(state, NOW, np.array([0.0, step * 4 * WEEK]))[:, 1].T
        hazards = np.array([model.model.predict_row(x) for x in rows])
        np.testing.assert_allclose(model.export(CONFIG).short(rows, CONFIG), hazards, atol=1e-9)
        survived *= (1 - hazards) ** min(1.0, 6.5 - step)
    np.testing.assert_allclose(risk, survived, atol=1e-9)


@pytest.mark.parametrize("horizon", ["4w", "26w", "52w"])
@pytest.mark.parametrize("which", ["learned", "rules", "untrained"])
def test_baseline_and_contributions_sum_to_the_log_odds(which, horizon):
    config = ChurnConfig(horizon=horizon)
    state = raws(people(), "EUR")
    weights = {
        "learned": lambda: learned(matrix(state, NOW)).export(CONFIG),
        "rules": lambda: rules(config),
        "untrained": lambda: Taught("ftrl").export(),
    }[which]()

    scores = weights.score(state, NOW, config)

    log_odds = np.log(scores.risk / (1 - scores.risk))
    np.testing.assert_allclose(scores.baseline + scores.contributions.sum(axis=1), log_odds, atol=1e-9)
    np.testing.assert_allclose(scores.baseline + group_shares(scores).sum(axis=1), log_odds, atol=1e-9)
    found = told(scores)
    np.testing.assert_allclose(
        scores.baseline + found.raising.sum(axis=1) + found.lowering.sum(axis=1) + found.rest, log_odds, atol=1e-9
    )
    assert (found.raising >= 0).all()
    assert (found.lowering <= 0).all()


def test_silence_is_told_as_what_has_changed_since_the_next_order_was_due():
    """Whichever of the features that say nearly the same a model has put its weight on, and with whichever sign."""
    model = rules(CONFIG)
    weights = model.weights.copy()
    weights[COLUMN["recency"]] = 0.3  # as correlated features may be learned: offset by what decays
    weights[COLUMN["orders_32w"]] = 2.0
    odd = Weights("odd", model.schema, model.mean, model.scale, weights, model.intercept, model.horizon)
    state = raws([buyer(*range(0, 350, 7)), buyer(*range(0, 350, 7)), buyer(343)], "EUR")
    at = np.array([T0 + (343 + 60) * DAY, T0 + 344 * DAY, T0 + (343 + 60) * DAY])

    by_group = dict(zip(GROUPS, group_shares(odd.score(state, at, CONFIG)).T, strict=True))

    weekly_and_gone, weekly_and_here, once = by_group["silence"]
    assert weekly_and_gone > 0.2
    assert weekly_and_here < 0
    assert once < 0  # who has bought once and waits for less than ten weeks
    assert by_group["habit"][0] < by_group["habit"][2]


def test_a_score_carries_its_model_time_band_trend_and_reasons():
    profile = buyer(0, 20, 40)
    [first] = score_profiles([profile], [T0 + 60 * DAY], rules(CONFIG), CONFIG, "EUR")
    profile.score = first

    [second] = score_profiles([profile], [T0 + 160 * DAY], rules(CONFIG), CONFIG, "EUR")

    assert second.model == "rules-3"
    assert second.at == T0 + 160 * DAY
    assert second.previous == first.risk < second.risk
    assert second.band == CONFIG.bands.of(second.risk)
    assert second.reasons[0].feature in {"recency", "log_recency", "log_gap_ratio"}
    assert second.reasons[0].contribution > 0
    assert [abs(r.contribution) for r in second.reasons] == sorted(
        (abs(r.contribution) for r in second.reasons), reverse=True
    )  # there is no cause among them, which would come first


def test_what_went_wrong_comes_before_silence_where_the_model_lets_it_raise_the_risk():
    trouble = customer(event("purchase", 0, amount=2500), event("purchase", 20, amount=2500), event("complaint", 75))
    cold = rules(CONFIG)
    blind = cold.weights.copy()
    blind[COLUMN["complaint_8w"]] = 0.4  # it takes complaints for a sign of life
    against = Weights("against", cold.schema, cold.mean, cold.scale, blind, cold.intercept, cold.horizon)

    [first] = score_profiles([trouble], [T0 + 120 * DAY], cold, CONFIG, "EUR")
    [other] = score_profiles([trouble], [T0 + 120 * DAY], against, CONFIG, "EUR")

    assert first.reasons[0].feature == "complaint_8w"
    assert 0 < first.reasons[0].contribution < max(reason.contribution for reason in first.reasons[1:])
    assert "complaint_8w" not in [reason.feature for reason in other.reasons]


def test_of_one_order_everything_is_one_fact():
    """Rules see one order, which raises, and that it was yesterday, which lowers more: told is one of them, the sum."""
    scores = rules(CONFIG).score(raws([buyer(0)], "EUR"), np.array([T0 + DAY]), CONFIG)
    found = told(scores)
    [score] = score_profiles([buyer(0)], [T0 + DAY], rules(CONFIG), CONFIG, "EUR")

    assert [(TABLE[COLUMN[reason.feature]].group, reason.contribution < 0) for reason in score.reasons] == [
        ("silence", True)
    ]
    shares = group_shares(scores)[0]
    together = sum(shares[GROUPS.index(group)] for group in ("silence", "habit", "tenure"))
    assert score.reasons[0].contribution == pytest.approx(together)
    assert (found.raising + found.lowering).sum() + found.rest[0] == pytest.approx(scores.contributions.sum())


@pytest.mark.parametrize("kind", ["bgnbd", "btyd"])
def test_models_of_orders_tell_silence_against_the_customers_own_gap(kind):
    """A weekly customer, silent for five weeks: less than the average customer is, and long for them."""
    model = {"bgnbd": CDNOW, "btyd": TYPICAL}[kind]
    weekly = buyer(*range(0, 140, 7))
    [score] = score_profiles([weekly], [T0 + 168 * DAY], model, CONFIG, "EUR")
    [fresh] = score_profiles([weekly], [T0 + 134 * DAY], model, CONFIG, "EUR")

    silence = next(reason for reason in score.reasons if reason.feature == "recency")
    assert silence.contribution > 0
    assert all(reason.contribution < 0 for reason in fresh.reasons if reason.feature == "recency")


def test_of_a_state_that_lasts_the_chance_that_it_ends_soon_follows_from_the_risk():
    definition = {"name": "cancels", "ends_by": {"subscription": "ended"}, "horizon": "16w"}
    config = ChurnConfig(definitions=[definition], leaving_within="8w").of("cancels")
    [score] = score_profiles(
        [customer(event("subscription_start", 0, subject="s"))], [T0 + 50 * DAY], rules(config), config, "EUR"
    )

    assert score.left == 0.0
    assert (1 - score.leaving) ** 2 == pytest.approx(1 - score.risk)
    assert score.lost == score.leaving


def test_a_score_says_who_has_left_and_who_leaves():
    people = [buyer(0, 20, 40), buyer(0, 120), Profile("x")]
    now = [T0 + 160 * DAY] * 3
    btyd = Btyd(Lifetimes(0.8, 4.0, 0.6, 20.0, 1.2, 0.6, 0.1, 1.0), (1.5, 12.0, 30.0, 2.0, 9.0), 1200)

    gone, here, never = score_profiles(people, now, rules(CONFIG), CONFIG, "EUR", btyd.departures)
    [by_hand, other, _] = score_profiles(people, now, rules(CONFIG), CONFIG, "EUR")

    assert gone.left > here.left
    assert 0 < gone.leaving < here.leaving < here.lost == here.left + here.leaving < 1
    assert never is None
    assert 1 > by_hand.lost > 0.6 > other.lost > 0.1
    longer = score_profiles(people, now, rules(CONFIG), ChurnConfig(leaving_within="26w"), "EUR", btyd.departures)[1]
    assert (longer.left, longer.leaving > here.leaving) == (here.left, True)


def test_a_score_of_before_is_read():
    before = msgspec.msgpack.encode([0.5, "medium", 1.0, "m", [], None, 0.0, []])

    after = msgspec.msgpack.decode(before, type=Score)

    assert after == Score(0.5, "medium", 1.0, "m")
    assert (after.left, after.leaving, after.lost) == (None, None, 0.5)


def scored_on(days, **models):
    """The last score of a customer who was scored on each of these days."""
    profile = buyer(0, 20, 40)
    for day in days:
        model = models.get(f"from_{day:g}") or models.get("model") or rules(CONFIG)
        [profile.score] = score_profiles([profile], [T0 + day * DAY], model, CONFIG, "EUR")
    return profile.score


@pytest.mark.parametrize("every", [0.25, 1.0, 3.0])
def test_the_trend_is_against_the_risk_of_about_a_week_before(every):
    for end in (60.0, 63.0, 71.5):
        score = scored_on(np.arange(41, end + every, every))

        assert 7 * DAY <= score.at - score.previous_at < (10.5 + every) * DAY
        then = scored_on([(score.previous_at - T0) / DAY])
        assert score.previous == pytest.approx(then.risk)
        assert len(score.marks) <= 3


def test_the_first_risk_is_compared_with_until_another_is_a_week_old():
    assert scored_on([41]).previous is None
    first = scored_on([41])
    for days in ([41, 42], [41, 42, 45], [41, 45, 47.9]):
        assert (scored_on(days).previous, scored_on(days).previous_at) == (first.risk, first.at)


def test_of_one_who_is_seldom_scored_it_is_the_score_before():
    before = scored_on([41, 69])

    assert (scored_on([41, 69, 97]).previous, scored_on([41, 69, 97]).previous_at) == (before.risk, before.at)
    assert scored_on([41, 69, 97]).marks == []


def test_what_another_kind_of_model_said_is_no_trend():
    model = learned(matrix(raws(people(), "EUR"), NOW)).export(CONFIG)

    change = scored_on([41, 60], from_60=model)
    after = scored_on([41, 60, 61], model=model, from_41=rules(CONFIG))

    assert (change.previous, change.marks) == (None, [])
    assert after.previous == change.risk


def test_who_never_ordered_has_no_score():
    assert score_profiles([Profile("x"), buyer(0)], [T0, T0], rules(CONFIG), CONFIG, "EUR")[0] is None
    assert score_profiles([Profile("x")], [T0], rules(CONFIG), CONFIG, "EUR") == [None]
    assert next_rescore(Profile("x"), T0, CONFIG) is None


def test_the_silent_are_rescored_ever_more_rarely():
    profile = buyer(0)

    waits = [next_rescore(profile, T0 + d * DAY, CONFIG) - T0 - d * DAY for d in (1, 200, 900)]

    assert waits == [DAY, 7 * DAY, 28 * DAY]


def test_weights_survive_json_to_the_bit():
    state = raws(people(), "EUR")
    weights = learned(matrix(state, NOW)).export(CONFIG)

    back = read_weights(weights.to_json(), CONFIG.label_horizon)

    np.testing.assert_array_equal(back.score(state, NOW, CONFIG).risk, weights.score(state, NOW, CONFIG).risk)
    assert back.id == weights.id


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-3],
        lambda text: text.replace(b'"schema":"', b'"schema":"0'),
        lambda text: text.replace(b'"intercept":', b'"intercept":null,"x":'),
        lambda text: text.replace(b'"mean":[', b'"mean":[1.0,'),
    ],
)
def test_a_damaged_model_is_refused(damage):
    with pytest.raises(Misconfigured):
        read_weights(damage(rules(CONFIG).to_json()), CONFIG.label_horizon)


def test_extreme_weights_still_give_finite_scores():
    state = raws(people(), "EUR")
    for scale in (1e-12, 1.0, 50.0):
        weights = Weights(
            "x", "y", np.zeros(len(NAMES)), np.ones(len(NAMES)), np.full(len(NAMES), scale), -3.0, 4 * WEEK
        )
        scores = weights.score(state, NOW, CONFIG)
        assert np.isfinite(scores.contributions).all()
        assert ((scores.risk >= 0) & (scores.risk <= 1)).all()
    assert math.isfinite(weights.score(state, NOW, CONFIG).baseline[0])
