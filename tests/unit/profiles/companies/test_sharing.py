"""What a customer's events come to for their companies."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from profiles.companies.counting import parts_of
from profiles.companies.sharing import MOST, WAITING, Companies
from profiles.consent import Consent
from profiles.state import Limits
from profiles.timeline import latest_events
from profiles.types import Claim, Event, Grouping, Part, Profile
from tests.build import customer, event

KINDS = Companies(
    "company", lambda key: f"~{key}", lambda key, number: f"~~{key} {number}", Consent({}), Limits(), "EUR"
)
LIMITS = dataclasses.replace(Limits(), companies=KINDS)


def at(role: str, day: float, company: str = "", **facts: Any) -> Event:
    group = Grouping(company) if company else None
    return event(role, day, **{"group": group} | facts)


def parts(*events: Event) -> dict[str, Part]:
    return dict(KINDS.parts(customer(*events, limits=LIMITS)))


def counts(*events: Event) -> dict[str, int]:
    return {key: sum(one.count for one in part.state.activity.values()) for key, part in parts(*events).items()}


def test_an_event_counts_for_the_company_it_names_else_for_the_only_one() -> None:
    """And for none while there are two."""
    found = counts(
        at("visit", 0),
        at("visit", 1, "acme"),
        at("visit", 2),
        at("visit", 3, "bolt"),
        at("login", 4, "acme"),
        at("view", 5),
    )

    assert found == {"acme": 4, "bolt": 1}


def test_late_news_of_a_move_takes_the_waiting_events_along() -> None:
    """Also if it is heard last of all."""
    early = [at("visit", 0, "acme"), *(at("visit", day) for day in range(1, 7))]

    assert counts(*early) == {"acme": 7}
    assert counts(*early, at("visit", 3.5, "bolt")) == {"acme": 4, "bolt": 4}


def test_what_is_older_than_those_that_wait_stays_where_it_was_counted() -> None:
    """The document of a customer is bounded; nothing is lost."""
    visits = [at("visit", day / 100) for day in range(3 * WAITING)]
    profile = customer(*visits, at("visit", 2, "acme"), limits=LIMITS)

    assert profile.affiliation is not None
    assert len(profile.affiliation.waiting) <= 2 * WAITING
    assert counts(*visits, at("visit", 2, "acme")) == {"acme": 3 * WAITING + 1}


def test_what_waits_counts_under_a_plan_that_begins_to_narrow_its_role() -> None:
    """What the plan asks of it now was not kept then: it counts for the role, and for no part of it."""
    profile = customer(at("visit", 0), at("visit", 1, "acme"), limits=LIMITS)
    narrowed = dataclasses.replace(
        Limits(), narrowed={"visit": lambda event: ["visit?x"]}, parts=frozenset({"visit?x"})
    )
    kinds = Companies("company", str, lambda key, number: key, Consent({}), narrowed, "EUR")

    (_, part), *_ = kinds.parts(profile)
    assert (part.state.roles["visit"].count, part.state.narrowed) == (2, {})


def test_of_an_event_that_waits_only_what_counts_is_kept() -> None:
    """Not all that it carries, which may be much; the parts of its role that it is of count for the company, too."""
    narrowed = dataclasses.replace(
        Limits(),
        narrowed={"visit": lambda event: ["visit?x"] if event.properties["x"] else []},
        parts=frozenset({"visit?x"}),
    )
    kinds = Companies("company", str, lambda key, number: key, Consent({}), narrowed, "EUR")
    visits = [
        at("visit", day, company, properties={"x": day % 2, "much": "y" * 9999})
        for day, company in enumerate(["", "", "a"])
    ]
    profile = customer(*visits, limits=dataclasses.replace(narrowed, companies=kinds))

    assert profile.affiliation is not None
    assert all(len(packed) < 200 for _, packed in profile.affiliation.waiting)
    assert dict(kinds.parts(profile))["a"].state.narrowed["visit?x"].count == 1


def test_a_customer_is_in_so_many_companies_at_most() -> None:
    """Events of any further one are counted, and count for none."""
    profile = customer(*(at("visit", day, f"c{day}") for day in range(MOST + 3)), limits=LIMITS)

    assert profile.affiliation is not None
    assert (len(profile.affiliation.members), profile.affiliation.unattributed) == (MOST, 3)


def test_what_is_only_claimed_counts_for_no_company() -> None:
    """Nor does a sync say that anybody did anything; that the company is named, it does."""
    claimed = at("", 0, "acme", claim=Claim("purchase"))
    sync = at("", 1, "acme", id="sync")
    sync.type = "identify"

    assert counts(claimed, sync) == {"acme": 0}


@pytest.mark.parametrize("purpose", ["profiling", "analytics"])
def test_of_who_allows_nothing_a_company_keeps_what_was_bought(purpose: str) -> None:
    """Not what they did, nor in the timeline; granted again, all of it is there again."""
    denied = at("", 3, id="no", traits={f"consent.{purpose}": False})
    granted = at("", 4, id="yes", traits={f"consent.{purpose}": True})
    bought = [at("purchase", 0, "acme", amount=500, subject="o1"), at("visit", 1, "acme")]

    found = parts(*bought, denied)["acme"]
    assert found.limited
    assert found.state.purchases.revenue == {"EUR": 500}
    assert (set(found.state.roles), found.state.activity, found.state.timeline) == ({"purchase"}, {}, b"")
    again = parts(*bought, denied, granted)["acme"]
    assert "visit" in again.state.roles
    assert not again.limited


def test_a_company_knows_whose_event_it_was_and_keeps_the_traits_told_last() -> None:
    """Traits by event time, whoever tells them first."""
    profile = customer(
        at("visit", 2, group=Grouping("acme", traits={"tier": "team"})),
        at("visit", 1, group=Grouping("acme", traits={"tier": "free"})),
        limits=LIMITS,
    )
    part = dict(KINDS.parts(profile))["acme"]

    assert part.state.traits["tier"][0] == "team"
    assert len(latest_events(part.state, 9)) == 2
    assert profile.id.encode() in part.state.timeline
    assert parts_of(Profile("~x")) == {}
