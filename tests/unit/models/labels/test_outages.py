import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.config import ChurnConfig
from models.durations import DAY
from models.labels.outages import (
    EVENTS,
    KEPT,
    ORDERS,
    arrived,
    collect,
    gathered,
    hidden,
    label_clock,
    outages_of,
    settle,
)
from profiles.store import ArrivalRate

T0 = 1_700_000_000.0
CONFIG = ChurnConfig()
LEAST = 3 * DAY


def visits(per_day: float, days: float, seed: int, *, weekends: bool = True) -> list[float]:
    """Times of events, days: visits by day more than by night, each of a few events within minutes."""
    chance = np.random.default_rng(seed)
    starts = np.sort(chance.uniform(0, days, chance.poisson(3 * per_day * days)))
    hour, weekday = starts % 1 * 24, starts // 1 % 7
    weight = np.where((hour > 8) & (hour < 22), 0.5, 0.05) * (weekends | (weekday < 5))
    kept = starts[chance.uniform(size=len(starts)) < weight]
    events = [start + np.cumsum(chance.exponential(0.0014, chance.geometric(0.15))) for start in kept]
    return sorted(np.concatenate(events).tolist()) if events else []


def heard(days: list[float], least: float | None = LEAST) -> tuple[ArrivalRate, list[tuple[float, float]]]:
    arrivals, found = ArrivalRate(), []
    for day in days:
        if outage := arrived(arrivals, T0 + day * DAY, least):
            found.append(((outage[0] - T0) / DAY, (outage[1] - T0) / DAY))
    return arrivals, found


def without(days: list[float], begin: float, end: float) -> list[float]:
    return [day for day in days if not begin < day < end]


@pytest.mark.parametrize("per_day", [4, 30])
@pytest.mark.parametrize("begin", [21, 100, 300])
def test_an_outage_of_a_busy_partition_is_noticed(per_day, begin):
    days = without(visits(per_day, 400, 1), begin, begin + 4)

    _, [(found, end)] = heard(days)

    assert begin - 1 < found < begin
    assert begin + 4 < end < begin + 6


@pytest.mark.parametrize("per_day", [0.05, 0.2, 0.5, 1])
def test_a_quiet_partition_is_no_outage(per_day):
    false = sum(len(heard(visits(per_day, 400, seed))[1]) for seed in range(10))

    assert false <= 1  # in eleven years


def test_weekends_and_their_holidays_are_usual():
    days = visits(10, 400, 3, weekends=False)

    assert heard(without(days, 105, 106))[1] == []  # a Monday


def test_a_new_partition_does_not_know_yet_what_is_usual():
    assert heard([*visits(30, 2, 1), 6.0])[1] == []


@pytest.mark.parametrize("strays", [[-9000.0], [-9000.0, -5000.0, -400.0, -399.0], [-60.0]])
def test_events_of_long_ago_hide_no_outage(strays):
    """A clock that was never set: what came before it, and then nothing for years, is not what is usual."""
    days = without(visits(30, 100, 1), 60, 65)

    assert heard([*strays, *days])[1] == heard(days)[1]
    assert len(heard(days)[1]) == 1


def test_an_outage_says_nothing_about_what_is_usual():
    days = visits(10, 400, 5)
    for begin in (60, 80, 100):
        days = without(days, begin, begin + 4)

    assert [round(begin) for begin, _ in heard(days)[1]] == [60, 80, 100]


def test_nothing_is_noticed_where_the_plan_says_so_and_the_latest_few_are_kept():
    days = visits(10, 30 * 15, 5)
    for begin in range(20, 30 * 15, 30):
        days = without(days, begin, begin + 5)

    arrivals, found = heard(days)
    assert len(found) == 15
    assert len(arrivals.silences) == KEPT
    assert heard(days, None)[1] == []


@given(st.lists(st.floats(0, 100), min_size=1, max_size=30), st.randoms())
def test_late_events_change_nothing(days, chance):
    straight, _ = heard(sorted(days))
    late: list[float] = []
    for day in sorted(days):
        late += [day, *(chance.choice([earlier for earlier in days if earlier <= day]) for _ in range(2))]

    assert heard(late)[0] == straight


@pytest.mark.parametrize("step", [1, 2, 7, 13, 60])
def test_by_steps_neither_order_nor_batches_make_a_difference(step):
    """As if all had come in order, also over a week in which none did."""
    chance = random.Random(step)
    days = without(visits(8, 60, 11), 40, 47)
    straight, outages = heard(days)
    arrivals, found = ArrivalRate(), []
    for begin in range(0, 60, step):
        times = [T0 + day * DAY for day in days if begin <= day < begin + step]
        chance.shuffle(times)
        cut = chance.randrange(len(times) + 1)
        collect(arrivals, times[:cut])
        collect(arrivals, times[cut:] + times[:3])
        found += settle(arrivals, LEAST)
    assert arrivals == straight
    assert len(outages) == 1
    assert [time for outage in found for time in outage] == pytest.approx(
        [T0 + day * DAY for outage in outages for day in outage]
    )
    assert settle(arrivals, LEAST) == []


@pytest.mark.parametrize("partitions", [1, 2, 5, 16])
def test_partitions_together_notice_what_one_would(partitions):
    """However their events are divided, and whether each of them settles what it has collected or not."""
    chance = random.Random(partitions)
    days = without(visits(8, 60, 11), 40, 47)
    straight, _ = heard(days)
    parts, everybody = [{EVENTS: ArrivalRate()} for _ in range(partitions)], {}
    for begin in range(0, 60, 5):
        for day in days:
            if begin <= day < begin + 5:
                collect(chance.choice(parts)[EVENTS], [T0 + day * DAY])
        for _ in range(2):
            everybody = gathered(everybody, parts, LEAST)
        for part in chance.sample(parts, partitions // 2):
            settle(part[EVENTS], LEAST)
    assert everybody == {EVENTS: straight}


def test_labels_wait_for_a_later_order_of_anybody_but_not_for_ever():
    arrival_rates = {EVENTS: ArrivalRate(T0, T0 + 50 * DAY), ORDERS: ArrivalRate(T0, T0 + 49 * DAY)}
    watermark, now = T0 + 50 * DAY, T0 + 60 * DAY

    assert label_clock(arrival_rates, now, watermark, CONFIG) == T0 + 49 * DAY
    assert label_clock(arrival_rates, T0 + 40 * DAY, watermark, CONFIG) == T0 + 40 * DAY
    arrival_rates[ORDERS].last = T0 + 20 * DAY
    assert label_clock(arrival_rates, now, watermark, CONFIG) == T0 + 47 * DAY
    assert label_clock({}, now, watermark, CONFIG) == T0 + 47 * DAY
    none = CONFIG.model_copy(update={"outage": None})
    assert label_clock(arrival_rates, now, watermark, none) == watermark


@given(st.floats(0, 400), st.floats(0, 400), st.floats(0, 400))
def test_the_clock_of_labels_is_never_ahead_of_any_other(orders, watermark, now):
    arrival_rates = {ORDERS: ArrivalRate(T0, T0 + min(orders, watermark) * DAY)}

    assert label_clock(arrival_rates, T0 + now * DAY, T0 + watermark * DAY, CONFIG) <= T0 + min(now, watermark) * DAY


def test_known_are_the_declared_the_noticed_and_the_one_under_way():
    config = ChurnConfig.model_validate({"outages": [{"from": "2023-11-20T00:00:00Z", "to": "2023-11-21T00:00:00Z"}]})
    orders, _ = heard(without(visits(10, 130, 1), 60, 64))
    last = orders.last
    arrival_rates = {EVENTS: ArrivalRate(T0, T0 + 133 * DAY), ORDERS: orders}

    known = outages_of(arrival_rates, T0 + 132 * DAY, config)
    assert known[0] == (config.outages[0].from_, config.outages[0].to)
    assert len(known) == 2
    assert outages_of(arrival_rates, last + 5 * DAY, config)[2:] == [(last, last + 5 * DAY)]


@pytest.mark.parametrize(
    ("outages", "after", "until", "answer"),
    [
        ([(10, 20)], 0, 10, False),
        ([(10, 20)], 20, 30, False),
        ([(10, 20)], 12, 13, True),
        ([(10, 15)], 0, 100, False),  # exactly one part in twenty
        ([(10, 15.1)], 0, 100, True),
        ([(95, 300)], 0, 100, False),
        ([(-200, 5.1)], 0, 100, True),
        ([(10, 13), (50, 53)], 0, 100, True),  # together
        ([(10, 15), (10, 15), (11, 14)], 0, 100, False),  # of events and of orders: the same time counts once
        ([(12, 15), (10, 13), (14.9, 15.2)], 0, 100, True),
        ([], 0, 100, False),
    ],
)
def test_a_horizon_is_hidden_by_outages_that_cover_more_than_a_twentieth(outages, after, until, answer):
    assert hidden(outages, after, until) is answer
