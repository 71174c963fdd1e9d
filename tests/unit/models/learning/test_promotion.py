"""The champion, by evidence: four blocks, an interval by customers, calibration; and the same rule back."""

import math
import random

import numpy as np
import pytest

from models.churn.panel import MODELS
from models.codec import decode, encode
from models.durations import WEEK
from models.learning.evidence import ENOUGH, SURELY, Blocks
from models.learning.promotion import Promotion, Race
from profiles.errors import Misconfigured

START = 2800 * WEEK


def week(blocks, number, rows, said, *, seed=0, customers=10_000, truth=0.7):
    """The labels due in a week; `said` are the risks by model, NaN where it is left out."""
    roll = random.Random(seed * 1000 + number)
    closed = False
    for _ in range(rows):
        risks = [said.get(model, math.nan) for model in MODELS]
        due = START + (number + roll.random()) * WEEK
        closed |= blocks.add(f"p{roll.randrange(customers)}", due, roll.random() < truth, 1.0, risks)
    return closed


def ece(_):
    return 0.01


def review(promotion, blocks, ece=ece):
    return promotion.review_full(blocks, START, ece)


def led_by(model):
    promotion = Promotion.new()
    promotion.champion = model
    return promotion


SAID = {"hazard": 0.5, "direct": 0.7}


def test_a_challenger_that_is_surely_better_over_four_blocks_is_promoted_with_its_evidence():
    promotion, blocks = led_by("hazard"), Blocks.new()
    changes = []
    for number in range(7):
        if week(blocks, number, 200, SAID):
            changes.append(review(promotion, blocks))

    assert changes[:3] == [None] * 3
    change = changes[3]
    assert (change.model, change.before, change.why) == ("direct", "hazard", "whole horizon")
    assert (change.evidence["blocks"], change.evidence["rows"]) == (4, 800)
    low, high = change.evidence["interval"]
    assert low < change.evidence["difference"] < high < 0
    assert promotion.champion == "direct"
    assert promotion.since == START


def test_what_a_model_said_long_ago_is_not_held_against_what_it_says_now():
    """BG/NBD was better a horizon ago, when the hazard had learned little; on young labels it is not."""
    promotion, blocks = led_by("hazard"), Blocks.new()
    lately = {"hazard": 0.30, "bgnbd": 0.31}.get
    for number in range(7):
        week(blocks, number, 200, {"hazard": 0.5, "bgnbd": 0.7})
        promotion.review_full(blocks, START, ece, lately)
    assert promotion.champion == "hazard"

    promotion.review_full(blocks, START, ece, {"hazard": 0.32, "bgnbd": 0.31}.get)
    assert promotion.champion == "bgnbd"


def test_the_hazard_answers_for_the_stack_on_young_labels():
    """The stack has no answer to the label horizon. Who was better a horizon ago must not be worse than it now."""
    promotion, blocks = led_by("stack"), Blocks.new()
    lately = {"hazard": 0.30, "rules": 0.31}.get
    for number in range(7):
        week(blocks, number, 200, {"stack": 0.5, "rules": 0.7})
        promotion.review_full(blocks, START, ece, lately)
    assert promotion.champion == "stack"

    promotion.review_full(blocks, START, ece, {"hazard": 0.32, "rules": 0.31}.get)
    assert promotion.champion == "rules"


def test_of_equal_models_none_is_promoted():
    """Two that are as good as each other, and err on different customers: over half a year of weekly looks, never."""
    for seed in range(8):
        promotion, blocks, roll = led_by("stack"), Blocks.new(), random.Random(seed)
        for number in range(26):
            for _ in range(ENOUGH):
                odds, off = roll.gauss(0.5, 1.5), roll.gauss(0.0, 0.5)
                said = {"stack": odds + off, "hazard": odds - off}
                risks = [1 / (1 + math.exp(-said[model])) if model in said else math.nan for model in MODELS]
                due = START + (number + roll.random()) * WEEK
                blocks.add(f"p{roll.randrange(1000)}", due, roll.random() < 1 / (1 + math.exp(-odds)), 1.0, risks)
            review(promotion, blocks)
        assert promotion.champion == "stack", seed


def test_a_model_whose_reasons_know_of_no_trouble_is_promoted_by_people_only():
    """BTYD may be better as long as it likes; the stack says what it says, with the hazard's reasons."""
    for model, champion in (("btyd", "hazard"), ("stack", "stack")):
        promotion, blocks = led_by("hazard"), Blocks.new()
        for number in range(7):
            week(blocks, number, 200, {"hazard": 0.5, model: 0.7})
            promotion.review_full(blocks, START, ece)
        assert promotion.champion == champion
    assert led_by("hazard").pin("btyd", START, "kim").model == "btyd"


def test_it_is_demoted_by_the_same_rule():
    promotion, blocks = led_by("direct"), Blocks.new()
    for number in range(7):
        week(blocks, number, 200, {"hazard": 0.7, "direct": 0.45})
        review(promotion, blocks)

    assert promotion.champion == "hazard"


def test_three_blocks_are_not_enough():
    promotion, blocks = led_by("hazard"), Blocks.new()
    for number in range(5):
        week(blocks, number, 200, SAID)
        review(promotion, blocks)

    standing = next(standing for standing in promotion.standings if standing.model == "direct")
    assert [block.week - 2800 for block in blocks.closed] == list(range(3))
    assert (standing.blocks, standing.better) == (3, False)
    assert standing.interval[1] < 0
    assert promotion.champion == "hazard"


def test_a_block_lost_by_chance_is_outweighed_and_who_is_worse_lately_is_not_promoted():
    """What a model said long ago was of another model."""
    lost = {"hazard": 0.7, "direct": 0.6}
    for losing, champion in ((range(3, 4), "direct"), (range(8, 12), "hazard")):
        promotion, blocks = led_by("hazard"), Blocks.new()
        for number in range(14):
            week(blocks, number, 200, lost if number in losing else SAID)
        review(promotion, blocks)
        standing = blocks.compare("direct", "hazard", 0.01)
        assert standing.interval[1] < 0 or champion == "direct"
        assert promotion.champion == champion


def test_a_difference_within_chance_is_none():
    """Two models that say nearly the same: some weeks go to one, but the interval holds zero."""
    promotion, blocks = led_by("hazard"), Blocks.new()
    for number in range(12):
        week(blocks, number, 60, {"hazard": 0.690, "direct": 0.695})
        review(promotion, blocks)

    assert promotion.champion == "hazard"


def test_few_customers_with_many_labels_are_not_many_customers():
    """The same number of labels, of five customers only: the interval is by customer, and holds zero."""
    few, many = Blocks.new(), Blocks.new()
    for number in range(8):
        for blocks, customers in ((few, 5), (many, 10_000)):
            roll = random.Random(number)
            for i in range(60):
                who = i % 5 if customers == 5 else roll.randrange(customers)
                churned = who < 3 if customers == 5 else roll.random() < 0.6
                risks = [0.6 if model == "hazard" else 0.8 if model == "direct" else math.nan for model in MODELS]
                blocks.add(f"p{who}", START + (number + 0.5) * WEEK, churned, 1.0, risks)

    wide, narrow = (blocks.compare("hazard", "direct", 0.01).interval for blocks in (few, many))
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])


@pytest.mark.parametrize("error", [None, 0.031])
def test_who_is_not_calibrated_is_not_promoted(error):
    promotion, blocks = led_by("hazard"), Blocks.new()
    for number in range(8):
        week(blocks, number, 200, SAID)
        review(promotion, blocks, lambda model: error)

    assert promotion.champion == "hazard"


def test_who_did_not_answer_for_everybody_has_no_evidence():
    promotion, blocks = led_by("hazard"), Blocks.new()
    for number in range(8):
        week(blocks, number, 200, SAID if number else {"hazard": 0.5})
        week(blocks, number, 1, {"hazard": 0.5})
        review(promotion, blocks)

    assert promotion.champion == "hazard"
    assert blocks.known_to("hazard") == 6
    assert blocks.known_to("direct") == 0


def test_weeks_with_few_labels_become_one_block():
    blocks = Blocks.new()
    for number in range(9):
        week(blocks, number, ENOUGH // 2, SAID)

    assert [(block.week - 2800, block.rows) for block in blocks.closed] == [(1, 50), (3, 50), (5, 50)]


def test_a_label_that_comes_when_its_block_is_closed_is_counted_as_late():
    blocks = Blocks.new()
    week(blocks, 0, 60, SAID)
    week(blocks, 3, 1, SAID)
    before = blocks.closed[0].sums.copy()
    week(blocks, 0, 1, SAID)

    assert blocks.late == 1
    np.testing.assert_array_equal(blocks.closed[0].sums, before)


def test_evidence_is_bounded_and_survives_a_restart_to_the_bit():
    straight, restarted = Blocks.new(), Blocks.new()
    for number in range(18):
        week(straight, number, 60, SAID)
        week(restarted, number, 60, SAID)
        parts, restarted = restarted.parts(), decode(encode(restarted), Blocks, "")
        restarted.restore(parts)

    assert restarted.parts() == straight.parts()
    assert restarted == straight
    assert len(straight.closed) == 12


def test_the_bootstrap_agrees_with_theory():
    """The interval of a mean of independent losses is that of the normal distribution."""
    blocks = Blocks.new()
    roll = random.Random(8)
    differences = []
    for number in range(5):
        for i in range(800):
            p, q = roll.uniform(0.5, 0.9), roll.uniform(0.5, 0.9)
            churned = roll.random() < 0.7
            risks = [p if model == "hazard" else q if model == "direct" else math.nan for model in MODELS]
            blocks.add(f"p{number}-{i}", START + (number + 0.5) * WEEK, churned, 1.0, risks)
            if number < 3:
                loss = [-math.log(r if churned else 1 - r) for r in (p, q)]
                differences.append(loss[0] - loss[1])
    model, other = ("hazard", "direct") if np.mean(differences[-800:]) < 0 else ("direct", "hazard")
    standing = blocks.compare(model, other, 0.01)
    run = np.array(differences[-800 * standing.blocks :])

    assert abs(standing.difference) == pytest.approx(abs(run.mean()), rel=1e-9)
    width = 2 * SURELY * run.std() / math.sqrt(len(run))
    assert standing.interval[1] - standing.interval[0] == pytest.approx(width, rel=0.2)


def test_nobody_is_promoted_over_a_model_that_a_person_has_chosen():
    promotion, blocks = led_by("hazard"), Blocks.new()
    promotion.pin("recency", START, "Ada")
    for number in range(8):
        week(blocks, number, 200, {**SAID, "recency": 0.4})
        review(promotion, blocks)

    assert promotion.champion == "recency"
    assert next(standing for standing in promotion.standings if standing.model == "direct").better
    assert promotion.release(START, "Ada", {"hazard", "rules"}).model == "hazard"
    review(promotion, blocks)
    assert promotion.champion == "direct"


def test_the_race_compares_on_the_same_customers_only():
    race = Race.new()
    for _ in range(10):
        race.add({"rules": 0.5, "hazard": 0.9}, y=False, weight=1.0)
    race.add({"rules": 0.5, "hazard": 0.9, "bgnbd": 0.5}, y=True, weight=2.0)

    assert race.rows == 1
    assert race.losses == pytest.approx(
        {"rules": -2 * math.log(0.5), "hazard": -2 * math.log(0.9), "bgnbd": -2 * math.log(0.5)}
    )


def cold(losses, champion="rules", rows=500, **known):
    promotion = led_by(champion)
    promotion.race.rows, promotion.race.losses = rows, losses
    promotion.review_short(START, **{"fits": "bgnbd" in losses, "ready": "hazard" in losses, "enough": 100, **known})
    return promotion.champion


def test_in_the_cold_the_anchors_lead_until_the_hazard_beats_both():
    assert cold({"rules": 1.0}) == "rules"
    assert cold({"rules": 1.0, "bgnbd": 2.0}, rows=10) == "bgnbd"  # as soon as it fits
    assert cold({"rules": 1.0, "bgnbd": 1.1}, "bgnbd") == "rules"  # it turned out worse
    assert cold({"rules": 1.0, "bgnbd": 0.9, "hazard": 0.95}) == "bgnbd"
    assert cold({"rules": 1.0, "bgnbd": 0.9, "hazard": 0.89}) == "hazard"
    assert cold({"rules": 1.0, "bgnbd": 0.9, "hazard": 0.89}, ready=False) == "bgnbd"
    assert cold({"rules": 1.0, "bgnbd": 0.9, "hazard": 0.93}, "hazard") == "hazard"  # patience
    assert cold({"rules": 1.0, "bgnbd": 0.9, "hazard": 0.96}, "hazard") == "bgnbd"
    assert cold({"rules": 1.0, "bgnbd": 2.0, "hazard": 2.0}, "hazard", rows=3) == "hazard"  # all have started anew


def test_in_the_cold_the_stack_speaks_in_the_place_of_the_hazard():
    """From when it can be asked; with the hazard it steps back, and where it is refused the hazard speaks itself."""
    losses = {"rules": 1.0, "bgnbd": 0.9, "hazard": 0.89}
    assert cold(losses, stack=True) == cold(losses, "hazard", stack=True) == "stack"
    assert cold(losses, "stack") == "hazard"  # it can be asked no more
    assert cold({**losses, "hazard": 0.93}, "stack", stack=True) == "stack"  # patience
    assert cold({**losses, "hazard": 0.96}, "stack", stack=True) == "bgnbd"
    assert cold(losses, "stack", rows=3, stack=True) == "stack"  # all have started anew
    assert cold({"rules": 1.0}, stack=True) == "rules"
    assert cold(losses, stack=True, short=True) == "bgnbd"  # labels that cannot decide
    for refused, champion in (({"stack"}, "hazard"), ({"hazard"}, "bgnbd")):
        promotion = led_by("rules")
        promotion.race.rows, promotion.race.losses = 500, losses
        promotion.refused = dict.fromkeys(refused, "worse than the rules")
        promotion.review_short(START, fits=True, ready=True, enough=100, stack=True)
        assert promotion.champion == champion


def test_a_record_survives_a_restart():
    promotion, blocks = led_by("hazard"), Blocks.new()
    for number in range(8):
        week(blocks, number, 200, SAID)
        review(promotion, blocks)
    state = encode(promotion)

    assert encode(decode(state, Promotion, "it")) == state
    with pytest.raises(Misconfigured, match="damaged"):
        decode(b"{}", Promotion, "it")
