"""Who is about to leave, learned in hindsight: it finds whom orders cannot tell, and goes on to the byte."""

import random
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from models.backtest.evaluation import auc
from models.learning.learner import Learner
from models.leaving.hindsight import Hindsight
from models.leaving.learning import LearningDepartures
from tests.models.leavers import CONFIG, leavers, trouble

CUSTOMERS = 1500


@pytest.fixture(scope="module")
def records():
    people = leavers(CUSTOMERS)
    mixed = [*people.summaries[:500], *people.examples]
    random.Random(1).shuffle(mixed[500:])
    return mixed


@pytest.fixture(scope="module")
def learned(records):
    learner = Learner(CONFIG)
    learner.take(records)
    return learner


def test_it_tells_of_those_who_still_order_who_leaves_for_trouble(learned):
    """BTYD alone cannot: who has trouble and who has none order alike. Others than those it learned from."""
    later, panel = leavers(1500, seed=9), learned.panel()
    here = later.here & (later.x[:, 1] < 2)

    def told(score) -> float:
        return auc(later.leaves[here].astype(float), np.sum(score(later.x[here], CONFIG), axis=0))

    assert told(panel.departures) > 0.7
    assert told(panel.lifetimes.departures) < 0.6


def test_trouble_alone_makes_the_difference(learned):
    later, panel = leavers(300, seed=9), learned.panel()
    left, leaving = panel.departures(later.x, CONFIG)
    without = panel.departures(trouble(later.x), CONFIG)

    assert (left + leaving)[later.troubled].mean() > 1.3 * np.sum(without, axis=0)[later.troubled].mean()
    assert ((left + leaving) == np.sum(without, axis=0))[~later.troubled].all()


def test_what_it_says_comes_true_more_nearly_than_what_btyd_says(learned):
    later, panel = leavers(1500, seed=9), learned.panel()
    lost, before = (np.sum(score(later.x, CONFIG), axis=0) for score in (panel.departures, panel.lifetimes.departures))
    came = ~later.here | later.leaves

    assert lost.mean() == pytest.approx(came.mean(), abs=0.08)
    off, off_before = (abs((said - came)[later.troubled].mean()) for said in (lost, before))
    assert off < 0.75 * off_before


def test_it_is_told_once_when_it_speaks(learned):
    [notice] = [notice for notice in learned.told.notices if notice.kind == "leaving"]

    assert notice.evidence["speaks"] is True
    assert notice.evidence["causes"] < notice.evidence["btyd"]


def test_without_labels_btyd_speaks_alone(records):
    learner = Learner(CONFIG)
    learner.take(records[:700])

    assert learner.panel().lifetimes.customers > 0
    assert learner.panel().leaving is None


def test_batches_and_restarts_make_no_difference(records, learned):
    chance = random.Random(3)
    cuts = [0, *sorted(chance.sample(range(len(records)), 12)), len(records)]
    learner = Learner(CONFIG)
    for begin, end in pairwise(cuts):
        learner.take(records[begin:end])
        if chance.random() < 0.4:
            learner = Learner.restore(learner.checkpoint(), CONFIG)

    assert learner.checkpoint() == learned.checkpoint()


def test_treated_customers_teach_nothing(records):
    learner = Learner(CONFIG)
    learner.take([msgspec.structs.replace(one, treated=True) if hasattr(one, "seen") else one for one in records])

    assert learner.counts.hindsight == CUSTOMERS
    assert learner.departures.labels == 0


def test_another_time_ahead_begins_anew(learned):
    other = Learner.restore(learned.checkpoint(), CONFIG.changed({"leaving_within": "4w"}))

    assert (other.departures.labels, other.judge.leaving.labels, other.panel().leaving) == (0, 0, None)
    assert learned.departures.labels > 1000


def test_what_is_not_finite_changes_nothing():
    model, x = LearningDepartures(CONFIG), leavers(1).x[0]
    spoilt = Hindsight(*(np.array([value]) for value in (0.0, 0.1, np.nan, 0.2)))

    with pytest.raises(ValueError, match="finite"):
        model.learn(x, spoilt, 0, 1.0)
    assert model.labels == 0
