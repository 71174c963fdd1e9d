"""The simulated companies: as their plan has it, the same every time, and worth looking at."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import orjson
import pytest

from console.clients.reach import shipped_plan
from console.demo import monday_before, time_of
from console.demo.b2b.firms import EXAMPLE_KEY
from console.demo.b2b.simulate import simulate_companies
from console.demo.businesses import BUSINESSES
from console.demo.people import WEEK
from models.labels.outcomes import can_leave
from plan import Plan, load_plan
from profiles.types import Event, Profile, company_id, is_company
from streams.offline import Reading, read_log
from tests.worlds.living import lived_through

START = monday_before(1_780_000_000.0)
COMPANIES, WEEKS = 24, 26


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(shipped_plan("b2b"), {})


@pytest.fixture(scope="module")
def half_a_year() -> list[dict[str, Any]]:
    return list(simulate_companies(1, COMPANIES, START, START + WEEKS * WEEK))


@pytest.fixture(scope="module")
def reading(plan: Plan, half_a_year: list[dict[str, Any]]) -> Reading:
    rows = ((event["source"], orjson.dumps(event), line) for line, event in enumerate(half_a_year, 1))
    return read_log(rows, plan, START + WEEKS * WEEK)


@pytest.fixture(scope="module")
def lived(plan: Plan, reading: Reading) -> tuple[dict[str, Profile], set[str], set[str]]:
    return lived_through(reading.records, plan, START, WEEKS)


def test_every_event_is_as_planned(reading: Reading) -> None:
    """None is rejected, flagged or only claimed, and each but who somebody is names a company."""
    happened = [record for record in reading.records if isinstance(record, Event)]

    assert (reading.rejected, reading.examples) == ({}, {})
    assert [(event.name, event.violations) for event in happened if event.violations] == []
    assert {event.name for event in happened if event.claim is not None} == set()
    assert {event.name for event in happened if event.group is None} <= {"identify"}


def test_the_same_seed_gives_the_same_events_in_order(half_a_year: list[dict[str, Any]]) -> None:
    again = list(islice(simulate_companies(1, COMPANIES, START), 2000))
    times = [time_of(event) for event in half_a_year]

    assert again == half_a_year[:2000]
    assert times == sorted(times)
    assert len({event["messageId"] for event in half_a_year}) == len(half_a_year)
    assert list(islice(simulate_companies(2, COMPANIES, START), 50)) != again[:50]


def test_there_is_something_of_everything(half_a_year: list[dict[str, Any]]) -> None:
    names = Counter(str(event.get("event") or event["type"]) for event in half_a_year)

    assert {event["source"] for event in half_a_year} == set(BUSINESSES["b2b"].sources)
    rare = ("Subscription Renewed", "Subscription Changed", "Subscription Cancelled", "Invoice Overdue", "Member Left",
            "Ticket Reopened", "Limit Reached", "Call Held", "NPS Answered", "CSAT Answered")  # fmt: skip
    assert {name: names[name] for name in rare if names[name] < 2} == {}


def test_half_a_year_has_what_companies_are_looked_at_for(
    plan: Plan, lived: tuple[dict[str, Profile], set[str], set[str]]
) -> None:
    """Bands of people, segments of companies, and alerts."""
    held, segments, alerts = lived
    people = [one for one in held.values() if not is_company(one.id) and not one.redirect]
    unused = plan.churn.of("unused")
    bands = Counter(one.churns["unused"].score.band for one in people if one.churns and one.churns["unused"].score)

    assert all(bands[band] for band in ("low", "medium", "high")), bands
    assert sum(can_leave(one, START + WEEKS * WEEK, unused) for one in people) > 50
    assert segments >= {
        "paying", "left", "on_yearly_contract", "renewal_soon", "activated", "stuck_in_onboarding", "expansion_ready",
        "overdue", "in_trouble", "downgraded", "key_features_unused", "silent_payer",
    }  # fmt: skip
    assert alerts >= {"admin_left", "renewal_with_trouble", "key_features_unused", "limit_reached", "urgent_tickets"}


def test_the_company_to_look_at_first_pays_and_leaves(
    plan: Plan, lived: tuple[dict[str, Profile], set[str], set[str]]
) -> None:
    """The one that is printed, for every seed: its contract ends soon, and its admin has left."""
    example = lived[0][company_id(plan.namespace, "company", EXAMPLE_KEY)]

    assert {"paying", "renewal_soon"} <= set(example.segments)
    assert {"admin_left", "renewal_with_trouble"} <= set(example.alerts)
    others = simulate_companies(5, 8, START, START + 4 * WEEK)
    assert any(event.get("userId") == f"{EXAMPLE_KEY}.2" for event in others)
