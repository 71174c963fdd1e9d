"""The plan for B2B software against the simulated business that it was written for."""

from __future__ import annotations

import orjson
import pytest

from models.churn.reasons import explain
from models.companies.words import part_in_words
from models.conditions.rules import of_grain
from models.durations import DAY
from models.population.snapshot import PopulationSnapshot
from models.segments.membership import Segments
from plan import Plan, load_plan
from profiles.types import Company, Event, Profile, Stay, is_company
from streams.offline import Reading, read_log
from tests import REPOSITORY
from tests.build import T0, customer, event
from tests.worlds.b2b import Companies, b2b
from tests.worlds.b2b_events import START, events
from tests.worlds.living import lived_through

FILE = REPOSITORY / "plan" / "b2b.yaml"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(FILE, {})


@pytest.fixture(scope="module")
def world() -> Companies:
    return b2b(24, 110, 60, seed=6)


@pytest.fixture(scope="module")
def reading(world: Companies, plan: Plan) -> Reading:
    rows = ((event["source"], orjson.dumps(event), line) for line, event in enumerate(events(world), 1))
    return read_log(rows, plan, 9e9)


@pytest.fixture(scope="module")
def lived(world: Companies, plan: Plan, reading: Reading) -> tuple[dict[str, Profile], set[str], set[str]]:
    return lived_through(reading.records, plan, START, world.weeks + 1)


def test_nothing_in_it_is_dead(plan: Plan) -> None:
    """Its only warning is about the keys for trying."""
    assert [problem.path for problem in plan.warnings] == ["sources"]


def test_somebody_answers_for_everything(plan: Plan) -> None:
    """A reader asks who, and why; who gets an alert asks what to do."""
    traits = [*plan.traits.values(), *plan.file.groups["company"].traits.values()]
    assert all(trait.owner and trait.why for trait in traits)
    assert all(purpose.owner and purpose.basis for purpose in plan.file.consent.values())
    assert all(segment.description for segment in plan.file.segments)
    for alert in plan.file.alerts:
        told, _, to_do = alert.description.partition(". ")
        assert all((told, to_do, alert.owner)), alert.name
        assert alert.cooldown == 14 * DAY


def test_every_event_of_the_business_is_as_planned(reading: Reading) -> None:
    """None is rejected, and none flagged."""
    happened = [record for record in reading.records if isinstance(record, Event)]

    assert (reading.rejected, reading.examples) == ({}, {})
    assert [(event.name, event.violations) for event in happened if event.violations] == []
    assert [event.name for event in happened if event.group is None and event.type != "identify"] == []
    assert {event.name for event in happened if event.group is not None and event.group.left} == {"Member Left"}
    claims = {event.name or event.type for event in happened if event.claim is not None}
    assert claims == set(), "the product's pages are believed of use alone: what else there is, servers say"


def test_companies_are_who_they_are(world: Companies, plan: Plan, lived) -> None:
    """Their traits, who pays, and who has left."""
    held, _, _ = lived
    for number in range(len(world.begins)):
        company = held[plan.company(f"company-{number}")]
        assert {"name", "industry", "employees", "country", "tier", "owner", "contract_ends", "auto_renew"} <= set(
            company.traits
        )
        assert ("left" in company.segments) == (world.told[number] < world.weeks)
        assert ("paying" in company.segments) == (world.told[number] >= world.weeks)


def test_segments_and_alerts_of_companies_come_out(lived) -> None:
    """Of a year of two dozen companies; the world lets nobody pause, and has hardly anybody run out of seats."""
    _, segments, alerts = lived

    assert segments >= {
        "paying", "left", "on_yearly_contract", "renewal_soon", "activated", "stuck_in_onboarding", "silent_payer",
        "key_features_unused", "overdue", "in_trouble", "unheard",
    }  # fmt: skip
    assert alerts >= {
        "admin_left", "admin_detractor", "key_features_unused", "renewal_with_trouble", "silent_payer",
        "stuck_in_onboarding", "active_members_fell", "champion_left", "company_may_leave",
    }  # fmt: skip


def test_every_company_is_judged_with_words(plan: Plan, lived) -> None:
    """One with a contract that is not over has a risk with reasons; of each the health has parts that say what they go
    by."""
    held, _, _ = lived
    companies = [one for one in held.values() if is_company(one.id) and one.company is not None]

    for one in companies:
        assert (one.stage in ("prospect", "churned")) == (one.score is None), one.id
        assert one.score is not None or "paying" not in one.segments or "not_renewed" in one.segments, one.id
        assert one.company.health is not None
        assert len(one.company.health.parts) == 8
        assert all(part_in_words(part) for part in one.company.health.parts)
        assert one.score is None or all(each.text for each in explain(one))
    known = [one.company.health.value for one in companies if "paying" in one.segments]
    assert sum(value is not None for value in known) > len(known) * 0.8
    assert {one.score.band for one in companies if one.score} > {"low"}


def test_a_stage_agrees_with_the_contract(plan: Plan, lived) -> None:
    """Who pays has not left, however long ago the last invoice was; who left is gone when what was paid is over, and so
    is who has not renewed, once that may not come any more."""
    held, _, _ = lived
    companies = [one for one in held.values() if is_company(one.id) and one.company is not None]
    over = [one for one in companies if "not_renewed" in one.segments and one.stage == "churned"]
    paying = [one for one in companies if "paying" in one.segments and one not in over]
    silent = [one for one in paying if one.scheduled_at - one.purchases.last > plan.churn.horizon]

    assert silent, "who pays by the year"
    assert over, "whose paid period ended, and nobody told of more"
    assert {one.score for one in over} == {None}
    assert {one.stage for one in paying} <= {"new", "active", "loyal", "at_risk"}
    assert all(one.score for one in paying)
    assert {one.stage for one in companies if "left" in one.segments} <= {"churned", "at_risk"}
    people = [one for one in held.values() if one.affiliation is not None and "reports" in one.used]
    assert {one.stage for one in people} >= {"active", "churned", "at_risk"}


def test_nobody_is_silent_or_unheard_who_has_just_begun(plan: Plan) -> None:
    """Nor ever called so for what has not had time to happen: it was an alert of nearly every new company."""
    segments = Segments(of_grain(plan.segments, "company"), plan.currency, plan.consent, PopulationSnapshot.empty)
    begun = customer(event("subscription_start", 0, subject="s", amount=900), id="~new")
    begun.company = Company("company", "new")

    def found(day: float) -> set[str]:
        begun.segments = {"paying": Stay(T0)}
        return segments.evaluate(begun, T0 + day * DAY) & {"silent_payer", "unheard"}

    assert (found(2), found(29), found(92)) == (set(), {"silent_payer"}, {"silent_payer", "unheard"})


def test_people_are_told_apart_from_companies(plan: Plan, lived) -> None:
    """People have segments and three further ways of leaving."""
    held, _, _ = lived
    people = [one for one in held.values() if not is_company(one.id)]

    assert [definition.name for definition in plan.churn.definitions] == ["cancels", "revenue", "unused"]
    assert {"admin", "decision_maker"} <= {name for one in people for name in one.segments}
