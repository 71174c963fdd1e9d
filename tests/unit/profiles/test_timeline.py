"""The timeline: a flood of one thing pushes nothing else out, in any order of arrival."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from msgspec.structs import replace

from plan.model import ROLES
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.timeline import OF_ROLE, latest_events, latest_of_role, mark_of, pack_entry
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


def told(number: int, role: str = "ticket_opened", **shown: Any) -> Event:
    return replace(event(number, role), shown=shown)


def test_an_entry_keeps_what_the_plan_shows_of_its_event() -> None:
    profile = fold(told(1, subject="Where is it?", total=[6500, "EUR"]), event(2, "purchase"))

    assert [entry.shown for entry in latest_events(profile, 2)] == [
        {},
        {"subject": "Where is it?", "total": [6500, "EUR"]},
    ]
    assert [entry.about for entry in latest_of_role(profile, "ticket_opened")] == ["s1"]


def test_an_entry_of_which_nothing_is_shown_takes_no_more_room_than_before() -> None:
    """Seven fields, of a company's eight: so documents of before are read, and no share of a company changes."""
    profile = fold(event(1, "purchase"))
    packed = msgspec.msgpack.encode([START + 1, "web", "purchase", 0, "", "s1", mark_of("purchase")])

    assert profile.timeline == len(packed).to_bytes(2, "big") + packed
    (entry,) = latest_events(profile, 1)
    assert pack_entry(entry) == packed
    of_member = msgspec.msgpack.encode([*msgspec.msgpack.decode(packed), "somebody"])
    profile.timeline = len(of_member).to_bytes(2, "big") + of_member
    assert [(entry.about, entry.who) for entry in latest_events(profile, 1)] == [("s1", "somebody")]
    assert pack_entry(replace(entry, who="somebody")) == of_member
