"""What is said of the past agrees with what happened."""

from itertools import pairwise

import numpy as np
import pytest

from models.backtest.evaluation import auc
from models.churn.lifetimes import Known, Lifetimes
from models.leaving.hindsight import certain, hindsight, waits_for
from tests.models.leavers import CONFIG, leavers

SHOP = Lifetimes(r=3.0, alpha=6.0, s=3.0, beta=60.0, a=3.0, b=2.0, leak=0.01, clump=1.0)


@pytest.fixture(scope="module")
def people():
    return leavers(1500)


@pytest.fixture(scope="module")
def told(people):
    return hindsight(SHOP, people.x, people.examples, CONFIG)


def test_it_tells_who_left_of_those_who_still_ordered(people, told):
    here = people.here
    then = 1 / (1 + np.exp(-told.odds))
    before = then + (1 - then) * told.leaves

    assert auc(people.leaves[here].astype(float), told.lost[here]) > 0.95
    assert auc(people.leaves[here].astype(float), before[here]) < 0.65
    assert told.lost[here].mean() == pytest.approx(people.leaves[here].mean(), abs=0.05)


def test_who_orders_afterwards_was_there(people, told):
    ordered = np.array([one.seen.last > one.at for one in people.examples])

    assert ordered.sum() > 500
    assert (told.gone[ordered] == 0).all()
    assert (told.gone <= told.lost + 1e-12).all()
    assert ((told.went >= 0) & (told.went <= 1)).all()


def test_left_at_any_time_is_left_by_now_and_long_ago_is_never():
    known = Known(*np.array([[5, 9, 40, 1, 3], [0, 30, 30, 0, 1], [20, 1, 30, 5, 9]], dtype=float).T)
    now = 1 / (1 + np.exp(-SHOP.log_odds_left(known)))

    assert SHOP.left_before(known, np.zeros(3)) == pytest.approx(now, rel=1e-6)
    assert (SHOP.left_before(known, known.recency) == 0).all()
    spans = [SHOP.left_before(known, np.full(3, ago)) for ago in (0.0, 0.5, 2.0, 8.0, 29.0)]
    assert all((later <= sooner + 1e-12).all() for sooner, later in pairwise(spans))


def test_what_is_said_of_one_does_not_depend_on_the_others(people, told):
    alone = hindsight(SHOP, people.x[7:8], people.examples[7:8], CONFIG)

    assert [column[0] for column in alone] == [column[7] for column in told]


def test_labels_in_doubt_count_less():
    assert certain(0.5) < 0.4
    assert certain(0.0) == certain(1.0) == pytest.approx(1.0)
    assert waits_for(CONFIG) == 1.5 * CONFIG.leaving_within
