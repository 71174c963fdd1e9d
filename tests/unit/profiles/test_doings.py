"""What a customer did: syncs, messages to them and charges make nobody seen."""

from __future__ import annotations

import itertools

import pytest

from profiles.doings import last_done
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import Event, Profile

NOW = 1_700_000_000.0
LIMITS = Limits()


def event(days_ago: float, type: str = "track", role: str = "") -> Event:
    return Event("p", f"{type}{role}{days_ago}", "web", type, "x", role, NOW - days_ago * 86400, NOW)


def fold(*events: Event) -> Profile:
    profile = Profile("p")
    for each in events:
        apply(profile, each, "EUR", LIMITS)
    return profile


@pytest.mark.parametrize(
    "noise",
    [
        event(0, "identify"), event(0, "group"), event(0, "alias"), event(0, role="contact_made"),
        event(0, role="payment"), event(0, role="payment_failed"), event(0, role="refund"),
        event(0, role="ticket_solved"), event(0, role="delivered"), event(0, role="delivery_late"),
        event(0, role="undelivered"), event(0, role="subscription_renew"), event(0, role="uninstalled"),
    ],
    ids=lambda event: event.role or event.type,
)  # fmt: skip
def test_what_others_do_is_no_sign_of_life(noise: Event) -> None:
    order = event(40, role="purchase")
    for history in itertools.permutations([order, noise]):
        assert last_done(fold(*history)) == order.time
    assert last_done(fold(noise)) < 0
    winner, loser = fold(noise), fold(order)
    merge(winner, loser, LIMITS)
    assert last_done(winner) == order.time
    empty = Profile("p")
    merge(empty, fold(noise), LIMITS)
    assert last_done(empty) < 0


@pytest.mark.parametrize("doing", [event(1, "page"), event(1), event(1, role="contact_clicked"), event(1, role="csat")])
def test_what_they_do_is(doing: Event) -> None:
    assert last_done(fold(event(40, role="purchase"), doing)) == doing.time
    assert last_done(fold(event(0, "identify"), doing)) == doing.time


def test_a_profile_of_before_is_known_by_its_latest_event_of_then() -> None:
    """Neither what comes late nor what others do moves that, in any order."""
    late, sync, visit = event(90, "page"), event(0, "identify"), event(1, "page")
    for history in itertools.permutations([late, sync]):
        old = Profile("p", created=NOW - 99 * 86400, updated=NOW - 9 * 86400)
        assert last_done(old) == old.updated
        for each in history:
            apply(old, each, "EUR", LIMITS)
            assert last_done(old) == NOW - 9 * 86400
        apply(old, visit, "EUR", LIMITS)
        assert last_done(old) == visit.time
