"""An alarm takes two signals that agree; the detectors are the same after a restart."""

import random

import pytest

from models.codec import decode, encode
from models.durations import DAY, WEEK
from models.learning.drift import WINDOW, Drift, Signal
from profiles.errors import Misconfigured

T0 = 1_700_000_000.0


def feed(drift, count, *, error, active, begin=0, seed=1):
    """So many customers, one an hour: the hazard says 0.25; `error` and `active` are the true rates."""
    roll = random.Random(seed)
    alarms = []
    for i in range(begin, begin + count):
        at = T0 + i * DAY / 24
        alarms.append(drift.seen(roll.random() < active, at))
        alarms.append(drift.erred((roll.random() < error) - 0.25, at))
    return [alarm for alarm in alarms if alarm]


def test_both_signals_falling_is_an_alarm_with_its_evidence():
    drift = Drift.new(6 * WEEK)
    assert feed(drift, 3000, error=0.25, active=0.2) == []
    (alarm,) = feed(drift, 1500, error=0.12, active=0.1, begin=3000, seed=2)

    assert alarm.direction == -1
    assert alarm.error.before == pytest.approx(0.0, abs=0.03)
    assert alarm.error.after < -0.02
    assert alarm.activity.before == pytest.approx(0.2, abs=0.03)
    assert alarm.activity.after < 0.18
    assert 0 <= alarm.at - T0 - 3000 * DAY / 24 < 1500 * DAY / 24
    assert "order less" in alarm.text
    assert drift.alarms == [alarm]


@pytest.mark.parametrize(("error", "active"), [(0.12, 0.2), (0.25, 0.08), (0.12, 0.35), (0.4, 0.1)])
def test_one_signal_or_two_that_disagree_are_no_alarm(error, active):
    drift = Drift.new(6 * WEEK)
    feed(drift, 3000, error=0.25, active=0.2)

    assert feed(drift, 3000, error=error, active=active, begin=3000, seed=2) == []
    assert drift.error_moved or drift.activity_moved  # something was seen


def test_signals_far_apart_are_no_alarm():
    drift = Drift.new(within=2 * WEEK)
    feed(drift, 3000, error=0.25, active=0.2)
    feed(drift, 6000, error=0.25, active=0.1, begin=3000, seed=2)

    assert feed(drift, 1500, error=0.12, active=0.1, begin=9000, seed=3) == []


def test_nothing_changes_and_nothing_is_told():
    assert feed(Drift.new(6 * WEEK), 20_000, error=0.25, active=0.2) == []


def test_restarts_make_no_difference():
    straight, restarted = Drift.new(6 * WEEK), Drift.new(6 * WEEK)
    told = feed(straight, 3000, error=0.25, active=0.2) + feed(straight, 1500, error=0.1, active=0.1, begin=3000)
    again = []
    for begin in range(0, 4500, 100):
        rates = {"error": 0.25, "active": 0.2} if begin < 3000 else {"error": 0.1, "active": 0.1}
        again += feed_from(restarted, begin, straight=begin, **rates)
        restarted = decode(encode(restarted), Drift, "it")

    assert again == told
    assert encode(restarted) == encode(straight)


def feed_from(drift, begin, *, straight, error, active):
    """A hundred of the customers that `feed` makes, with the same chances."""
    origin = 0 if begin < 3000 else 3000
    roll = random.Random(1)
    for _ in range(2 * (begin - origin)):
        roll.random()
    alarms = []
    for i in range(begin, begin + 100):
        at = T0 + i * DAY / 24
        alarms.append(drift.seen(roll.random() < active, at))
        alarms.append(drift.erred((roll.random() < error) - 0.25, at))
    return [alarm for alarm in alarms if alarm]


def test_the_memory_is_bounded_and_restarts_at_its_edge_make_no_difference():
    straight, restarted = Signal.new(), Signal.new()
    roll = random.Random(4)
    for i in range(2 * WINDOW * 32 + 5000):
        value = roll.random() - 0.5
        straight.update(value, T0 + i)
        restarted.update(value, T0 + i)
        if i % 1777 == 0:
            restarted = decode(encode(restarted), Signal, "it")

    assert encode(restarted) == encode(straight)
    assert len(straight.blocks) < 2 * WINDOW
    assert straight.mean == pytest.approx(0.0, abs=0.01)


@pytest.mark.parametrize("state", [b"{}", b'{"error":{},"activity":{}}', b"[]", b"{"])
def test_a_damaged_state_is_refused(state):
    with pytest.raises(Misconfigured, match="damaged"):
        decode(state, Drift, "it")
