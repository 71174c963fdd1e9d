"""The floor: who ranks customers worse than the rules on their whole horizon is not the champion, and short labels do
not decide where no gap is as short."""

import random

import msgspec
import numpy as np
import pytest

from models.churn.panel import MODELS
from models.codec import decode, encode
from models.durations import DAY, WEEK
from models.features.matrix import pack
from models.features.table import COLUMN
from models.labels.examples import Example
from models.learning.floor import Floor
from models.learning.learner import Learner
from models.learning.promotion import Promotion
from tests.build import T0
from tests.models.training import CONFIG, full, world

MONTH = 30 * DAY


def outcomes(floor, count, said, seed=0, at=4 * WEEK):
    """Customers of whom the rules know something, and others what `said` makes of the truth."""
    roll = random.Random(seed)
    floor.since = dict.fromkeys(MODELS, 0.0)
    for _ in range(count):
        truth = roll.random()
        churned = roll.random() < truth
        floor.on_full({"rules": 0.5 * truth + 0.25, **said(truth)}, churned, 1.0, at=at, label_horizon=WEEK)
    return floor


def test_a_model_that_ranks_the_wrong_way_round_is_below_the_rules():
    floor = outcomes(Floor.new(), 300, lambda truth: {"hazard": 1 - truth, "direct": truth})

    assert list(floor.below({})) == ["hazard"]
    assert "AUC 0." in floor.below({})["hazard"]


@pytest.mark.parametrize("count", [0, 15, 300])
def test_chance_is_held_against_nobody(count):
    """Twenty worlds in which a model differs from the rules by noise alone."""
    for seed in range(20):
        noise = random.Random(seed)
        floor = outcomes(Floor.new(), count, lambda truth: {"hazard": truth + 0.05 * noise.random()}, seed)  # noqa: B023
        assert floor.below({}) == {}


def test_it_comes_back_when_it_is_no_longer_worse_and_not_by_chance():
    """Its AUC must come near that of the rules, not only within chance of it."""
    floor = outcomes(Floor.new(), 300, lambda truth: {"hazard": 1 - truth})
    before = floor.below({})
    outcomes(floor, 690, lambda truth: {"hazard": truth}, seed=1)
    assert list(floor.below(before)) == ["hazard"]

    outcomes(floor, 5000, lambda truth: {"hazard": truth}, seed=2)
    assert floor.below(before) == {}


def test_what_a_model_said_when_it_had_hardly_learned_is_not_held_against_it():
    floor = outcomes(Floor.new(), 300, lambda truth: {"hazard": 1 - truth}, at=3.9 * WEEK)
    assert floor.below({}) == {}
    assert (floor.rows, floor.pairs) == (300, {})


def test_a_label_horizon_that_reaches_no_gap_is_too_short():
    def floor_of(gaps, label):
        floor = Floor.new()
        for gap in gaps:
            floor.on_short(gap, label)
        return floor

    assert floor_of([0.0] * 100 + [MONTH] * 19, 2 * WEEK).reached is None
    monthly = floor_of([MONTH] * 100, 2 * WEEK)
    assert (monthly.too_short(), monthly.usual) == (True, 3)
    assert not floor_of([MONTH] * 100, 5 * WEEK).too_short()
    irregular = random.Random(1)
    assert not floor_of([irregular.expovariate(1 / MONTH) for _ in range(1000)], WEEK).too_short()


def test_what_is_held_against_models_survives_a_restart():
    floor = outcomes(Floor.new(), 50, lambda truth: {"hazard": 1 - truth})
    floor.on_short(MONTH, WEEK)
    floor.settle()

    assert encode(decode(encode(floor), Floor, "")) == encode(floor)


def test_how_outcomes_were_batched_makes_no_difference():
    """Who answers first may be settled before who stands first has an answer."""
    told = [{"rules": 0.5, "bgnbd": 0.4}, {"rules": 0.5, "bgnbd": 0.4, "hazard": 0.3}]
    whole, parts = Floor.new(), Floor.new()
    for floor in (whole, parts):
        floor.since = dict.fromkeys(MODELS, 0.0)
        for said in told:
            floor.on_full(said, True, 1.0, at=4 * WEEK, label_horizon=WEEK)
            if floor is parts:
                floor.settle()
        floor.settle()

    assert list(parts.pairs) == ["hazard", "bgnbd"]
    assert encode(parts) == encode(whole)


def learned(more):
    """A learner whose stack is the champion by short labels, after full ones in which `more` was said."""
    learner = Learner(CONFIG)
    learner.take(record for record in world(0, 1200) if getattr(record, "horizon", "short") == "short")
    assert learner.panel().champion_name == "stack"
    roll = random.Random(0)
    for number in range(400):
        truth = roll.random()
        said = {"rules": truth, "hazard": more(truth), "stack": more(truth)}
        due = T0 + 61 * DAY + (number > 0) * 16 * WEEK  # all of a week: no block is closed, so nothing else decides
        learner.take([full(f"f{number}", due, roll.random() >= truth, said)])
    return learner


def test_a_champion_worse_than_the_rules_on_the_whole_horizon_gives_way_and_is_not_chosen_again():
    learner = learned(lambda truth: 1 - truth)

    change = learner.promotion.changes[-1]
    assert (change.model, change.before, change.why) == ("rules", "stack", "worse than the rules")
    assert "AUC" in learner.news()[-1].text
    learner.take(record for record in world(1200, 1500) if getattr(record, "horizon", "short") == "short")
    assert learner.panel().champion_name in {"rules", "bgnbd"}  # though the hazard's short labels are the best
    again = Learner.restore(learner.checkpoint(), CONFIG)
    assert {"hazard", "stack"} <= again.promotion.refused.keys()


def test_a_champion_as_good_as_the_rules_stays():
    assert learned(lambda truth: truth).panel().champion_name == "stack"


def test_a_person_may_choose_what_is_refused():
    promotion = Promotion.new()
    promotion.pin("hazard", 1.0, "Ada")

    assert promotion.review_floor(2.0, {"hazard": "it is worse"}) is None
    assert promotion.champion == "hazard"
    assert promotion.release(3.0, "Ada", ["hazard", "rules"]).model == "rules"


def with_gap(record, weeks):
    """The same training record, of a customer whose last gap was so long."""
    if not isinstance(record, Example):
        return record
    x = np.frombuffer(record.x, dtype="<f4").copy()
    x[COLUMN["last_gap"]] = weeks
    return msgspec.structs.replace(record, x=pack(x))


@pytest.mark.parametrize(("gap", "champion", "notices"), [(2.0, "stack", 0), (26.0, "rules", 1)])
def test_short_labels_of_a_longer_rhythm_promote_nobody_and_that_is_told_once(gap, champion, notices):
    learner = Learner(CONFIG)
    learner.take(with_gap(record, gap) for record in world(0, 1200) if getattr(record, "horizon", "short") == "short")

    assert learner.panel().champion_name == champion
    told = [notice for notice in learner.news() if notice.kind == "refused"]
    assert len(told) == notices
    assert all("label horizon of 4w is shorter" in notice.text for notice in told)
