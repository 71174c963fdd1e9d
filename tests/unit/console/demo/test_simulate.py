"""The simulated shop: seeded, ordered, and true to the plan."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import islice

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.demo import monday_before, simulate, time_of
from console.demo.people import DAY, EXAMPLE, WEEK
from console.demo.play import Tempo
from plan import load_plan
from tests import REPOSITORY

START = datetime(2026, 1, 5, tzinfo=UTC).timestamp()
PLAN = REPOSITORY / "tracking_plan.yaml"


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Ids included; another seed gives another shop."""
    one, two, other = (orjson.dumps(list(simulate(seed, 60, START, START + 8 * WEEK))) for seed in (3, 3, 4))

    assert one == two
    assert one != other


def test_a_later_end_only_adds_events() -> None:
    """Nobody knows the future."""
    early = list(simulate(3, 60, START, START + 4 * WEEK))
    late = simulate(3, 60, START, START + 8 * WEEK)

    assert list(islice(late, len(early))) == early
    assert next(late)


@pytest.fixture(scope="module")
def half_a_year() -> list[dict[str, object]]:
    """The events of the default shop up to its present."""
    return list(simulate(1, 300, START, START + 26 * WEEK))


def test_events_are_in_order_and_told_once(half_a_year: list[dict[str, object]]) -> None:
    """By time; no id is used twice."""
    times = [time_of(event) for event in half_a_year]

    assert times == sorted(times)
    assert len({event["messageId"] for event in half_a_year}) == len(half_a_year)
    assert START <= times[0] < START + DAY


def test_every_event_is_as_the_plan_says(half_a_year: list[dict[str, object]]) -> None:
    """Planned for its source, with no violation; every one identifies somebody."""
    plan = load_plan(PLAN, {})
    problems: Counter[str] = Counter()
    for event in half_a_year:
        source, type_ = str(event["source"]), str(event["type"])
        name = str(event.get("event") or event.get("name") or "")
        rule = plan.event(source, type_, name)
        if rule is None:
            problems[plan.why_unplanned(source, type_, name)] += 1
        else:
            problems.update(str(violation) for violation in rule.check(rule.payload(event)))
        if not plan.extract(event):
            problems["nobody"] += 1

    assert not problems


def test_all_that_the_demo_is_to_show_happens(half_a_year: list[dict[str, object]]) -> None:
    """Four sources, orders week after week, trouble, subscriptions, anonymous visitors and their logins."""
    names = Counter(str(event.get("event") or event["type"]) for event in half_a_year)
    weeks = {int((time_of(event) - START) // WEEK) for event in half_a_year if event.get("event") == "Order Completed"}

    assert {event["source"] for event in half_a_year} == {"web", "app", "support", "purchase"}
    assert weeks == set(range(26))
    for name in ("Ticket Reopened", "Complaint Received", "Subscription Cancelled", "Order Refunded", "Signed Up",
                 "Application Opened", "CSAT Answered", "NPS Answered", "Unsubscribed"):  # fmt: skip
        assert names[name] >= 5, name
    denied = Counter(name for event in half_a_year for name, given in traits_of(event).items() if given is False)
    assert denied["profiling_consent"] >= 5
    assert denied["outreach_consent"] >= 5
    known = {event["anonymousId"] for event in half_a_year if "userId" in event and "anonymousId" in event}
    anonymous = {event["anonymousId"] for event in half_a_year if "userId" not in event}
    assert len(known & anonymous) > 100
    assert len(anonymous - known) > 10


def traits_of(event: dict[str, object]) -> dict[str, object]:
    found = event.get("traits")
    return found if isinstance(found, dict) else {}


def test_the_example_customer_subscribes_and_leaves(half_a_year: list[dict[str, object]]) -> None:
    """The profile that the README shows first, for every seed."""
    theirs = [event for event in half_a_year if event.get("userId") == str(EXAMPLE)]
    orders = [time_of(event) for event in theirs if event.get("event") == "Order Completed"]

    assert any(event.get("event") == "Subscription Started" for event in theirs)
    assert len(orders) > 5
    assert orders[-1] < START + 24 * WEEK
    assert not any(name in traits_of(event) for event in theirs for name in ("profiling_consent", "outreach_consent"))


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 3e9))
def test_weeks_begin_on_monday(time: float) -> None:
    """At midnight UTC, at most a week ago."""
    monday = monday_before(time)

    assert datetime.fromtimestamp(monday, UTC).strftime("%a %H:%M:%S") == "Mon 00:00:00"
    assert 0 <= time - monday < WEEK


def test_the_shops_clock() -> None:
    """History in a rush, then the pace, never later than the present."""
    tempo = Tempo(start=0, history=12 * WEEK, rush=WEEK, factor=WEEK / 10)

    assert tempo.clock(0, 1e9) == 0
    assert tempo.clock(12, 1e9) == 12 * WEEK
    assert tempo.clock(22, 1e9) == 13 * WEEK
    assert tempo.clock(1e6, 20 * WEEK) == 20 * WEEK
