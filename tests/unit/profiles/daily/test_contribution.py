"""What one customer adds to the counters of their days, and of now."""

from __future__ import annotations

import copy
import random
from typing import Any

from profiles.calendar.local_time import LocalTime
from profiles.consent import ANALYTICS, Consent, trait_of
from profiles.daily.contribution import Contribution
from profiles.daily.counters import FIELDS, NOW
from profiles.merge import merge
from profiles.state import Limits, apply
from profiles.types import ERASED, Event, Profile
from tests.build import T0, customer, event

DAYS = LocalTime("Europe/Amsterdam")
LIMITS = Limits(days=DAYS)
TODAY = DAYS.of(T0)


def added(profile: Profile, consent: Consent = Consent()) -> dict[int, dict[str, int]]:  # noqa: B008  (it is frozen)
    """By day after T0's, what a customer adds."""
    found = Contribution(DAYS, consent).of(profile) or {}
    return {
        day if day == NOW else day - TODAY: {FIELDS[place]: number for place, number in counts.items()}
        for day, counts in found.items()
    }


def of(*events: Event, **fields: Any) -> dict[int, dict[str, int]]:
    """What the customer of some events adds."""
    profile = customer(*events, limits=LIMITS)
    for name, value in fields.items():
        setattr(profile, name, value)
    return added(profile)


def test_events_of_their_own_make_a_customer_active() -> None:
    found = of(
        event("visit", 0), event("view", 0.01), event("contact_made", 0.02), event("", 0.03), event("complaint", 1)
    )
    assert found == {
        0: {"events": 2, "customers": 1},
        1: {"events": 1, "complaints": 1, "customers": 1},
    }
    assert of(event("contact_made", 0)) == {}


def test_an_order_that_is_told_twice_counts_once_with_what_was_told_last() -> None:
    found = of(
        event("purchase", 0, id="web", subject="o1", amount=900),
        event("purchase", 0.01, id="server", subject="o1", amount=1000),
        event("purchase", 1, subject="o2", amount=500),
        event("refund", 1.01, subject="o1", amount=300),
    )
    assert found[0] == {"events": 2, "customers": 1, "orders": 1, "revenue": 1000, "new_customers": 1}
    assert found[1] == {"events": 2, "customers": 1, "orders": 1, "revenue": 500, "refunds": 300}


def test_days_older_than_four_are_left_out_whatever_came_first() -> None:
    late, now = event("purchase", 0, subject="o", amount=700), event("visit", 4)
    assert of(late, now) == of(now, late) == {4: {"events": 1, "customers": 1}}
    assert of(late, event("visit", 3))[0]["revenue"] == 700


def test_tickets_are_open_until_they_are_solved_for_good() -> None:
    opened, solved = event("ticket_opened", 0, subject="t"), event("ticket_solved", 1, subject="t")
    assert of(opened)[NOW] == {"open_tickets": 1}
    assert of(opened)[0]["tickets_opened"] == 1
    assert NOW not in of(opened, solved)
    assert of(opened, solved)[1]["tickets_solved"] == 1
    again = of(opened, solved, event("ticket_reopened", 2, subject="t"))
    assert again[NOW] == {"open_tickets": 1}
    assert "tickets_solved" not in again[1]
    assert "open_tickets" not in of(event("ticket_solved", 0, subject="t")).get(NOW, {})


def test_of_the_nps_the_newest_answer_of_a_day_counts_of_others_each() -> None:
    found = of(
        event("nps", 0.02, rating=9.0), event("nps", 0.01, rating=3.0), event("csat", 0, rating=2.0),
        event("csat", 0.02, rating=4.5), event("review", 0, rating=None),
    )[0]  # fmt: skip
    assert {name: number for name, number in found.items() if name.startswith("nps")} == {
        "nps_answers": 1, "nps_marks": 9000, "nps_good": 1,
    }  # fmt: skip
    assert {name: number for name, number in found.items() if name.startswith("csat")} == {
        "csat_answers": 2, "csat_marks": 6500, "csat_good": 1, "csat_bad": 1,
    }  # fmt: skip
    assert not any(name.startswith("review") for name in found)


def test_stages_are_of_customers_who_did_something() -> None:
    assert of(event("visit", 0), stage="prospect")[NOW] == {"stage_prospect": 1}
    assert of(event("contact_made", 0), stage="prospect") == {}


def test_who_is_gone_or_does_not_allow_analyses_adds_nothing() -> None:
    profile = customer(event("visit", 0), limits=LIMITS)
    assert added(profile)
    assert not added(profile, Consent({ANALYTICS: False}))
    profile.traits[trait_of(ANALYTICS)] = (False, T0, b"12345678")
    assert not added(profile)
    assert not added(Profile("p", redirect=ERASED))
    assert not added(Profile("~firm", created=1.0, stage="new"))


def test_of_two_who_are_one_it_is_as_if_all_had_come_to_one() -> None:
    """In any order, cut into any two."""
    rng = random.Random(5)
    for _ in range(40):
        roles = ("visit", "purchase", "refund", "csat", "nps", "ticket_opened", "ticket_solved", "complaint")
        events = [
            event(role, rng.uniform(0, 8), id=str(n), subject=f"s{rng.randrange(4)}", amount=rng.randrange(1, 9),
                  rating=float(rng.randint(1, 5)))
            for n, role in enumerate(rng.choices(roles, k=rng.randrange(1, 25)))
        ]  # fmt: skip
        whole = of(*sorted(events, key=lambda each: each.time))
        rng.shuffle(events)
        cut = rng.randrange(len(events) + 1)
        one, other = Profile("p"), Profile("q")
        for profile, some in ((one, events[:cut]), (other, events[cut:])):
            for each in some:
                apply(profile, copy.deepcopy(each), "EUR", LIMITS)
        merge(one, other, LIMITS)
        assert added(one) == whole
