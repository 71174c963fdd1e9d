"""The simulated shop: its truth is consistent, its events are the plan's, and its oracle is right."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import numpy as np
import pytest

from console.files.event_log import read_history
from console.files.rows import FileSpec
from models.backtest.evaluation import auc
from models.durations import WEEK
from plan import load_plan
from tests import REPOSITORY
from tests.worlds.lives import HERE
from tests.worlds.rules import CAUSES, HELD, SHOP
from tests.worlds.shop import Shop, shop
from tests.worlds.telling import AFTER, START

HORIZON = 8

# What tells of a cause.
TRACES = {
    "price": {"Coupon Denied", "Coupon Applied", "Complaint Received", "Order Completed", "Subscription Renewed"},
    "delivery": {
        "Delivery Failed",
        "Order Delivered",
        "Complaint Received",
        "Ticket Opened",
        "Return Requested",
        "Order Refunded",
    },
    "support": {"Ticket Reopened", "Ticket Opened", "CSAT Answered", "CES Answered"},
}


@pytest.fixture(scope="module")
def few() -> Shop:
    return shop(40, 50, seed=3)


@pytest.fixture(scope="module", params=[SHOP, HELD], ids=["shop", "held"])
def many(request) -> Shop:
    return shop(1500, 78, seed=5, rules=request.param)


def test_the_same_seed_gives_the_same_events(few):
    again, other = shop(40, 50, seed=3), shop(40, 50, seed=4)

    assert list(again.lines()) == list(few.lines()) != list(other.lines())


def test_the_plan_takes_every_event_as_it_is(few):
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    log = few.log(plan)

    assert len(log.records) > 2000
    assert log.weeks == 50
    assert {record.profile for record in log.records} == set(few.profiles(plan))
    roles = {"purchase", "visit", "feature_use", "complaint", "ces", "cart", "delivered", "undelivered", "return"}
    assert roles <= {record.role for record in log.records}


def test_its_lines_are_what_is_sent(few, tmp_path):
    plan = load_plan(REPOSITORY / "tracking_plan.yaml")
    file = tmp_path / "shop.jsonl"
    file.write_bytes(b"\n".join(few.lines()))

    reading = read_history(file, FileSpec(), plan)

    assert not reading.rejected
    assert len(list(reading.records)) == sum(1 for _ in few.events())


def test_nothing_comes_before_the_beginning_and_only_echoes_after_the_end(few):
    truth, ended = few.truth, 0
    for event in few.events():
        customer = int(event["messageId"].split("-")[2])
        week = (datetime.fromisoformat(event["timestamp"]).timestamp() - START) / WEEK
        assert week >= truth.begins[customer]
        if week >= truth.left[customer]:
            assert event.get("event", event["type"]) in AFTER
            ended += 1

    assert ended > 50


def test_what_led_to_leaving_is_told_before(few):
    names = defaultdict(set)
    for event in few.events():
        customer = int(event["messageId"].split("-")[2])
        week = (datetime.fromisoformat(event["timestamp"]).timestamp() - START) / WEEK
        if few.truth.left[customer] - 12 <= week < few.truth.left[customer]:
            names[customer].add(event.get("event"))
    shown = [i for i, shows in enumerate(few.truth.shown) if shows and few.truth.cause[i] in TRACES]

    assert len(shown) > 3
    for customer in shown:
        assert names[customer] & TRACES[few.truth.cause[customer]]


def test_causes_come_in_the_shares_of_the_rules(many):
    truth = many.truth
    cause = np.array(truth.cause)[(truth.left > 20) & (np.array(truth.kind) != "bot") & (truth.left < HERE)]
    shares = {name: float(np.mean(cause == name)) for name in CAUSES}
    shown = truth.shown[np.isin(truth.cause, ("price", "delivery", "support"))]

    assert 0.35 < shares["base"] < 0.55
    assert 0.14 < shares["price"] < 0.3
    assert 0.1 < shares["delivery"] < 0.25
    assert 0.06 < shares["usage"] < 0.16
    assert 0.05 < shares["support"] < 0.15
    assert 0.7 < np.mean(shown) < 0.95  # of some nothing shows


def test_prices_drive_the_price_sensitive_away_twice_as_fast_after_the_drift(many):
    rules, truth = many.lives.rules, many.truth
    pressed = (np.array(truth.kind) == "price")[:, None] & (truth.price == 2) & (truth.hazard > 0)
    week = np.arange(many.lives.weeks)
    before, after = (truth.hazard[pressed & side].mean() for side in (week < rules.drift, week >= rules.drift))

    assert after > 1.5 * before


def test_many_who_have_trouble_stay_and_many_leave_without(many):
    truth = many.truth
    trouble = (truth.delivery + truth.support > 0) & (truth.hazard > 0)
    left = truth.left < HERE
    last = np.array([trouble[i, week - 1] if week < HERE else False for i, week in enumerate(truth.left)])

    assert truth.hazard[trouble].mean() < 0.15
    assert 0.1 < last[left].mean() < 0.6


def test_the_oracle_is_calibrated_and_the_one_that_knows_all_is_better(many):
    weeks = range(20, 78 - HORIZON + 1, HORIZON)  # so that no two rows of a customer look at the same weeks
    now, left, orders = np.array(weeks), many.truth.left[:, None], many.lives.signs.orders
    ever = np.concatenate([np.zeros((len(orders), 1)), orders.cumsum(axis=1)], axis=1)
    begun = many.truth.begins[:, None] < now
    seen, latent = many.oracle.seen(weeks, HORIZON), many.oracle.latent(weeks, HORIZON)
    gone = (left <= now).astype(float)
    leaves = (left <= now + HORIZON).astype(float)
    silent = (ever[:, now + HORIZON] == ever[:, now]).astype(float)
    here = begun & (left > now)

    for said, came, rows in (
        (seen.gone, gone, begun), (seen.silent, silent, begun), (latent.silent, silent, begun),
        (seen.leaves, leaves, here), (latent.leaves, leaves, here),
    ):  # fmt: skip
        for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
            inside = rows & (said >= low) & (said < high)
            if inside.sum() > 100:
                chance = 4 * float(np.sqrt((said[inside] * (1 - said[inside])).sum())) / inside.sum()
                assert said[inside].mean() == pytest.approx(came[inside].mean(), abs=chance)
    recent = here & (ever[:, now] > ever[:, now - 2])
    assert 0.6 < auc(leaves[recent], seen.leaves[recent]) < auc(leaves[recent], latent.leaves[recent]) < 0.8
    assert 0.93 < auc(silent[begun], seen.silent[begun]) < auc(silent[begun], latent.silent[begun])
