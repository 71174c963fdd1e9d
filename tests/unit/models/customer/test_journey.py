"""The way of a customer: steps, waits, and who is stuck."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from models.customer.journey import LEAST, PHASES, Journey, Wait, journey_of, waits_of
from models.durations import DAY
from plan.model import ROLES
from profiles.merge import merge
from profiles.traces.begun import code_of
from profiles.traces.taking import Tracing
from profiles.types import Event, Profile
from tests.build import LIMITS, T0, customer, event

GAP = 1800.0
MINUTES = 1 / (24 * 60)  # days


def found(profile: Profile, day: float = 100, waits: dict[str, Wait] | None = None) -> Journey:
    return journey_of(profile, T0 + day * DAY, GAP, waits or {})


def way(journey: Journey) -> list[tuple[str, int, float | None]]:
    return [(step.phase, step.events, None if step.wait is None else round(step.wait, 6)) for step in journey.steps]


def test_the_roles_of_each_phase_are_of_the_plan() -> None:
    roles = [role for phase in PHASES.values() for role in phase]

    assert set(roles) <= set(ROLES)
    assert len(set(roles)) == len(roles)


def test_what_is_of_one_phase_within_a_session_is_one_step() -> None:
    """Two views half an hour apart at most are one, whatever is between them; a longer silence ends it."""
    profile = customer(
        event("contact_clicked", 1), event("view", 2), event("cart", 2 + 10 * MINUTES),
        event("view", 2 + 29 * MINUTES), event("search", 5), event("view", 5 + 31 * MINUTES),
        event("visit", 6), event("purchase", 8, amount=100, subject="o"), event("feature_use", 9, subject="f"),
        event("nps", 10, rating=9.0), event("nps", 10, rating=9.0, id="again"),
        event("subscription_renew", 11), event("ticket_opened", 12, subject="t"),
    )  # fmt: skip

    assert way(found(profile)) == [
        ("aware", 1, 1.0),
        ("consider", 2, 0.0),  # the cart came before the second view
        ("intend", 1, pytest.approx(3 - 10 * MINUTES)),
        ("consider", 1, pytest.approx(31 * MINUTES, abs=1e-5)),
        ("consider", 1, pytest.approx(3 - 31 * MINUTES, abs=1e-5)),
        ("buy", 1, 1.0),
        ("use", 1, 1.0),
        ("judge", 2, 1.0),
        ("renew", 1, 1.0),
        ("help", 1, None),
    ]


def test_who_waits_longer_than_nine_in_ten_who_moved_on_is_stuck() -> None:
    profile = customer(event("view", 1), event("cart", 2))
    waits = {"intend": Wait(LEAST, 7.0), "consider": Wait(LEAST, 0.5)}

    late, soon = found(profile, 10, waits), found(profile, 8, waits)
    assert (late.waiting, late.slow, late.moves, late.stuck) == (8.0, 7.0, LEAST, True)
    assert (soon.waiting, soon.stuck) == (6.0, False)


def test_without_a_base_nobody_is_stuck_and_nobody_is_not() -> None:
    profile = customer(event("cart", 2))
    few = found(profile, 10, {"intend": Wait(LEAST - 1, 7.0)})

    assert (few.waiting, few.slow, few.stuck) == (8.0, None, None)
    assert found(customer(event("visit", 1))) == Journey([], None, None, 0, None)


def test_who_has_left_waits_for_nothing() -> None:
    profile = customer(event("subscription_start", 1), event("subscription_cancel", 20))

    assert found(profile, 100, {"leave": Wait(LEAST, 7.0)}).stuck is False


def test_a_wait_behind_which_something_may_be_missing_is_not_known() -> None:
    """Of the 30 views the latest 24 are kept, and of each role four: what came after the order may be gone."""
    profile = customer(event("purchase", 1, amount=100, subject="o"), *(event("view", 10 + day) for day in range(30)))

    steps = found(profile, 50).steps
    assert [step.wait for step in steps] == [1.0] * 11 + [None]
    assert waits_of(profile, GAP) == [("consider", 1.0)] * 23


def test_neither_order_nor_splits_show() -> None:
    """Also of more events than are kept."""
    draw = random.Random(5)
    roles = ["view", "cart", "purchase", "nps", "visit", "ticket_opened"]

    def happened(number: int) -> Event:
        role, day = draw.choice(roles), draw.randrange(4000) / 40
        return event(role, day, id=f"m{number}", subject=f"s{number}", amount=100, rating=7.0)

    for _ in range(20):
        history = [happened(number) for number in range(draw.choice((5, 30, 70)))]
        told = found(customer(*history))
        shuffled = draw.sample(history, len(history))
        half = len(history) // 2
        winner, loser = customer(*shuffled[:half]), customer(*shuffled[half:], id="cd" * 16)
        merge(winner, loser, LIMITS)

        assert found(customer(*shuffled)) == told
        assert found(winner) == told


def test_who_comes_by_a_campaign_is_aware() -> None:
    """A click in what we sent is told already."""
    origins = {1.0: "campaign", 2.0: "direct", 3.0: "contact"}
    tracing = Tracing(begun=lambda event: code_of(origins[(event.time - T0) / DAY], "web", ""))
    history = [event("visit", 1), event("view", 1.01), event("visit", 2), event("contact_clicked", 3)]

    found_ = found(customer(*history, limits=replace(LIMITS, tracing=tracing)))
    assert [(step.phase, step.events) for step in found_.steps] == [("aware", 1), ("consider", 1), ("aware", 1)]
