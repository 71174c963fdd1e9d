"""The timeline: a flood of one thing pushes nothing else out, in any order of arrival."""

from __future__ import annotations

import random

from plan.model import ROLES
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.timeline import OF_ROLE, latest_events, mark_of
from profiles.types import Event, Profile

LIMITS = Limits(timeline=24)
START = 1_700_000_000.0


def event(number: int, role: str = "", type: str = "track") -> Event:
    return Event("p", f"m{number}", "web", type, role or type, role, START + number, START, subject=f"s{number}")


def fold(*events: Event) -> Profile:
    profile = Profile("p")
    for each in events:
        apply(profile, each, "EUR", LIMITS)
    return profile


def shown(profile: Profile) -> list[tuple[str, str]]:
    return [(entry.name, entry.about) for entry in latest_events(profile, LIMITS.timeline)]


def test_a_flood_of_identify_calls_pushes_no_order_out() -> None:
    orders = [event(number, "purchase") for number in range(3)]
    ticket = event(5, "ticket_opened")
    flood = [event(number, type="identify") for number in range(100, 2100)]
    seen = shown(fold(*orders, ticket, *flood))

    assert len(seen) == LIMITS.timeline
    assert seen[0] == ("identify", "s2099")
    assert seen[-4:] == [("ticket_opened", "s5"), ("purchase", "s2"), ("purchase", "s1"), ("purchase", "s0")]


def test_what_is_shown_is_a_function_of_the_set_of_events() -> None:
    """In any order, and divided among two profiles that merge; so is the most that is kept."""
    chance = random.Random(7)
    history = [event(number, chance.choice(["", "", "", "visit", *ROLES])) for number in range(600)]
    whole = shown(fold(*history))
    for _ in range(5):
        chance.shuffle(history)
        assert shown(fold(*history)) == whole
        winner, loser = fold(*history[:200]), fold(*history[200:])
        merge(winner, loser, LIMITS)
        assert shown(winner) == whole
    assert fold(*history).timeline_count <= 2 * LIMITS.timeline + len(ROLES) * OF_ROLE


def test_a_day_without_floods_is_shown_whole() -> None:
    history = [event(number, "visit") for number in range(10)] + [event(20, "purchase")]
    assert shown(fold(*history)) == [("purchase", "s20"), *(("visit", f"s{number}") for number in reversed(range(10)))]
    assert [entry.about for entry in latest_events(fold(*history), 2)] == ["s20", "s9"]


def test_no_two_roles_share_a_mark() -> None:
    marks = {mark_of(role) for role in ROLES}
    assert len(marks) == len(ROLES)
    assert 0 < min(marks) <= max(marks) < 128
