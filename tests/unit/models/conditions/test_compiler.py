"""What is counted and summed within a window, and when a window turns by time alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from pydantic import TypeAdapter, ValidationError

from models.conditions.compiler import compile_condition, compile_crossings
from models.conditions.ranks import Ranks
from models.conditions.tree import Condition, windows
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from profiles.state import Limits, apply
from profiles.types import Profile
from tests.build import T0, event

READ = TypeAdapter(Condition).validate_python
RANKS = Ranks(PopulationSnapshot.empty, "EUR")

COMPARISONS = ("above", "below", "at_least", "at_most")
TEST: dict[str, Any] = {
    "above": float.__gt__, "below": float.__lt__, "at_least": float.__ge__, "at_most": float.__le__
}  # fmt: skip


def person(when: Any, happened: list[tuple[str, float]]) -> Profile:
    """A profile that keeps what a condition needs, of (role, day)."""
    limits = Limits(windows=windows([READ(when)]))
    profile = Profile("p")
    for role, day in happened:
        apply(profile, event(role, day, amount=1000), "EUR", limits)
    return profile


def holds(when: Any, profile: Profile, now: float, slack: int = 0) -> bool:
    """Whether a condition is true."""
    return compile_condition(READ(when), "EUR", 0.15, RANKS)(profile, now, (), slack, [])


def test_a_window_reaches_back_from_now() -> None:
    """Three tickets within 30 days, and no longer on the day the first is 30 days old."""
    when = {"count": "ticket_opened", "within": "30d", "at_least": 3}
    profile = person(when, [("ticket_opened", day) for day in (0.0, 10.0, 20.0)])

    assert holds(when, profile, T0 + 29.9 * DAY)
    assert not holds(when, profile, T0 + 30 * DAY)


def test_since_any_is_about_what_the_customer_did() -> None:
    """A sync that comes later makes nobody seen, and nobody who did nothing."""
    silent = {"since": "any", "more_than": "30d"}
    sync = structs.replace(event("", 40.0), type="identify")
    for history, expected in (([event("purchase", 0.0), sync], True), ([sync], False), ([event("", 39.0)], False)):
        profile = Profile("p")
        for each in history:
            apply(profile, each, "EUR", Limits())
        assert holds(silent, profile, T0 + 41 * DAY) is expected
        never = {**silent, "or_never": True}
        assert holds(never, profile, T0 + 41 * DAY) is (profile.done < T0 + 11 * DAY)
        crossing = compile_crossings([(READ(silent), 0.0)]).next_change(profile, T0 + 20 * DAY)
        assert crossing == (None if profile.done < 0 else profile.done + 30 * DAY)


def test_never_and_nothing_lately_are_counts_of_none() -> None:
    """Absence within a window is `at_most: 0`; with `not_done` it is for those who did it before."""
    when = {"count": "purchase", "within": "30d", "at_most": 0}

    assert holds(when, Profile("p"), T0)
    assert not holds(when, person(when, [("purchase", 0.0)]), T0 + 29 * DAY)
    assert holds(when, person(when, [("purchase", 0.0)]), T0 + 30 * DAY)
    for never, expected in ((False, False), (True, True)):
        assert holds({"not_done": "purchase", "for": "30d", "or_never": never}, Profile("p"), T0) is expected
    assert holds({"not_done": "purchase", "for": "30d"}, person(when, [("purchase", 0.0)]), T0 + 30 * DAY)


def test_revenue_within_a_window() -> None:
    """In major units, of the orders whose times are known; leaving it takes a fall below the margin."""
    when = {"sum": "revenue", "within": "90d", "at_least": 20}
    profile = person(when, [("purchase", 0.0), ("purchase", 40.0), ("purchase", 80.0)])

    assert holds(when, profile, T0 + 100 * DAY)
    assert not holds(when, profile, T0 + 130 * DAY)
    assert not holds({**when, "above": 20}, profile, T0 + 100 * DAY)
    assert holds({**when, "at_least": 11}, profile, T0 + 130 * DAY, slack=1)


def test_a_profile_keeps_as_many_times_as_the_plan_needs() -> None:
    """The rank that decides: `above 2` needs the third, and a margin of half of four reaches from 2 to 6."""
    conditions = [
        READ({"count": "visit", "within": "7d", "above": 2}),
        READ({"count": "visit", "within": "1d", "at_least": 2}),
        READ({"all": [{"count": "login", "within": "7d", "at_least": 4, "margin": 0.5}]}),
        READ({"count": "purchase", "at_least": 50}),
        READ({"count": "view", "within": "7d", "at_most": 0}),
    ]

    assert windows(conditions) == {"visit": 3, "login": 6, "view": 1}


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ({"count": "visit", "within": "7d", "above": 64}, "latest 64 times"),
        ({"count": "visit", "within": "0d", "above": 1}, "duration"),
        ({"sum": "net", "within": "7d", "above": 1}, "within goes with sum: revenue"),
        ({"ratio": ["refunds"], "above": 1}, "ratio"),
        ({"ratio": ["refunds", "revenue"]}, "give a threshold"),
    ],
)
def test_a_window_that_cannot_be_kept_is_refused(when: Any, said: str) -> None:
    """With the reason, while the plan is read."""
    with pytest.raises(ValidationError, match=said):
        READ(when)


@given(
    st.sampled_from(COMPARISONS),
    st.floats(0, 5).map(lambda limit: round(limit, 1)),
    st.floats(1, 60),
    st.lists(st.floats(0, 100), max_size=12),
    st.floats(0, 200),
)
def test_a_count_within_a_window_is_exact(
    sign: str, limit: float, length: float, days: list[float], now: float
) -> None:
    """Of any history, although a profile keeps a few times only."""
    when = {"count": "visit", "within": length * DAY, sign: limit}
    profile = person(when, [("visit", day) for day in days])
    at = T0 + now * DAY

    count = float(sum(T0 + day * DAY + length * DAY > at for day in days))

    assert holds(when, profile, at) is TEST[sign](count, limit)


WINDOWS = [
    {"count": "visit", "within": "9d", "at_least": 2},
    {"count": "visit", "within": "9d", "above": 1, "below": 4},
    {"count": "purchase", "within": "21d", "at_most": 1},
    {"count": "visit", "within": "9d", "at_least": 3, "margin": 0.4},
    {"sum": "revenue", "within": "21d", "above": 15},
    {"any": [{"count": "visit", "within": "9d", "at_most": 0}, {"sum": "revenue", "within": "14d", "below": 25}]},
]


@given(
    st.sampled_from(WINDOWS),
    st.lists(st.tuples(st.sampled_from(["purchase", "visit"]), st.floats(0, 50)), max_size=8),
    st.floats(50, 80),
    st.sampled_from([-1, 0, 1]),
)
def test_a_window_turns_at_the_foreseen_times_only(
    when: Any, happened: list[tuple[str, float]], day: float, slack: int
) -> None:
    """A customer who is looked at just then is in the right segments all the time."""
    profile, crossings = person(when, happened), compile_crossings([(READ(when), 0.15)])
    now = T0 + day * DAY
    for _ in range(20):
        before, then = holds(when, profile, now, slack), crossings.next_change(profile, now)
        for time in (now + 300 * DAY,) if then is None else (now + (then - now) / 2, then - 1e-5):
            assert time < now or holds(when, profile, time, slack) == before
        if then is None:
            return
        assert then > now
        now = then
    raise AssertionError("it never comes to rest")
