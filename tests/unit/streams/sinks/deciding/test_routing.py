"""Which of what was told concerns a sink: routes, channels, escalation, consent, the past."""

from __future__ import annotations

from functools import partial

import orjson
import pytest

from models.segments.alert_document import alert_document
from plan import parse_plan
from profiles.times import rfc3339
from profiles.types import Alert, Case, CaseEntry, Company, Profile, Stay
from streams.records.deliveries import Entry
from streams.sinks.deciding.hearing import FRESH, hear
from streams.sinks.deciding.routing import Routing
from tests.build import T0
from tests.plans import BASE

ALERTS = """alerts:
  - {name: loud, threshold: 0.8, severity: critical}
  - {name: direct, threshold: 0.9, channel: crm, owner: kim}
"""


def plan(*routes, crm="{type: webhook}", groups=""):
    told = "".join(f"  - {route}\n" for route in routes)
    sinks = f"sinks:\n  crm: {crm}\n  boss: {{type: webhook}}\n" + (f"routes:\n{told}" if told else "")
    companies = f"groups: {groups}\n" if groups else ""
    return parse_plan(BASE.replace("alerts:\n", companies + sinks + ALERTS), "plan.yaml", {})


def customer(**more):
    return Profile("p", segments={"dutch": Stay(T0)}, **more)


def told(rule="risk", state="open", **more):
    alert = Alert("a1", rule, state, T0, T0, 0.9, **more)
    body = {"id": f"a1:{state}:{T0!r}", "profile": "p", "at": rfc3339(T0)}
    return hear("alerts", b"p", orjson.dumps(body | {"alert": alert_document(customer(), alert)}))


def entries(made, heard, profile=None, *, sink="crm", now=T0, **more):
    routing = Routing(sink, made.file.sinks[sink], made)
    if not routing.takes(heard):
        return []
    return routing.entries(heard, customer() if profile is None else profile, now, **more)


ALL = "{sinks: [crm]}"


def test_the_first_route_that_matches_leads_and_continue_goes_on():
    narrow, wide = "{when: {severity: critical}, sinks: [boss]}", "{sinks: [crm], daily_cap: 3}"
    made = plan(narrow, wide)
    assert entries(made, told("loud")) == []
    assert entries(made, told("risk"))[0].entry.route == 1
    assert len(entries(made, told("loud"), sink="boss")) == 1
    assert len(entries(plan(narrow.replace("}, s", "}, continue: true, s"), wide), told("loud"))) == 1


def test_routes_look_at_the_alerts_own_rule_though_its_case_has_severer_ones():
    case = Case("cs", "retention", "new", T0, T0, {"risk": T0, "loud": T0}, owner="CRM", value=700)
    made = plan("{when: {severity: critical}, sinks: [boss]}", ALL)
    (found,) = entries(made, told("risk"), customer(case=case))
    assert (found.entry.owner, found.entry.value, found.entry.severity) == ("CRM", 700, "warning")


def test_a_channel_that_is_a_sink_is_told_without_a_route():
    (found,) = entries(plan(), told("direct"))
    assert (found.entry.route, found.entry.owner) == (-1, "kim")
    assert entries(plan(), told("risk")) == []


def test_routes_lead_alerts_of_companies_as_those_of_customers():
    company = Profile("~c", company=Company("company", "acme"))
    with_companies = partial(plan, groups="{company: {}}")
    assert len(entries(plan(), told("direct"), company)) == 1
    assert len(entries(plan(ALL), told("risk"), company)) == 1
    assert entries(plan("{when: {grain: customer}, sinks: [crm]}"), told("risk"), company) == []
    of_acme = with_companies("{when: {grain: company, company: acme}, sinks: [crm]}")
    assert len(entries(of_acme, told("risk"), company)) == 1
    assert entries(of_acme, told("risk")) == []


def test_escalation_waits_in_the_sink_that_it_goes_to():
    made = plan("{sinks: [crm], remind: 2h, escalate: {after: 4h, to: boss}}")
    (own,), (later,) = entries(made, told()), entries(made, told(), sink="boss")
    assert (own.after, own.entry.remind) == (0.0, 7200.0)
    assert (later.after, later.entry.type) == (4 * 3600.0, "alert.escalated")


@pytest.mark.parametrize(
    "trait", [{"consent.outreach": (False, T0, b"")}, {"consent.Internal": (True, T0, b"")}], ids=["denied", "internal"]
)
def test_nobody_is_told_of_who_does_not_allow_it(trait):
    assert entries(plan(ALL), told(), customer(traits=trait)) == []
    assert len(entries(plan(ALL), told(state="cleared"), customer(traits=trait))) == 1, "who was told hears the end"


def test_who_is_held_out_or_gone_is_told_of_to_nobody():
    assert told(held_out=True) is None
    made = plan(ALL)
    assert Routing("crm", made.file.sinks["crm"], made).entries(told(), None, T0) == []


@pytest.mark.parametrize(
    ("more", "now", "past"), [({}, T0 + FRESH, False), ({}, T0 + FRESH + 1, True), ({"found": "load"}, T0, True)]
)
def test_what_is_of_the_past_is_marked(more, now, past):
    assert [one.past for one in entries(plan(ALL), told(**more), now=now)] == [past]


def test_what_comes_back_within_its_cooldown_is_told_as_that():
    history = [CaseEntry(T0, "reopened")]
    case = Case("cs", "retention", "new", T0, T0, {"risk": T0}, history=history)
    assert entries(plan(ALL), told(), customer(case=case))[0].entry.type == "alert.reopened"


def moved(change="entered", segment="dutch"):
    body = {"id": "m1", "profile": "p", "at": rfc3339(T0), "segment": segment, "change": change, "reason": "event"}
    return hear("segment.changes", b"p", orjson.dumps(body))


def test_moves_go_to_who_asks_for_them_and_ends_to_who_was_told():
    ads = "{type: segment_style, segments: [dutch]}"
    made = plan("{sinks: [boss]}", crm=ads)
    assert [one.entry for one in entries(made, moved())] == [
        Entry("m1", "segment.entered", T0, "p", "dutch", told={"reason": "event"})
    ]
    assert entries(made, moved(segment="valuable")) == []
    assert entries(plan(ALL), moved()) == [], "a webhook is told of alerts unless it says"
    denied = customer(traits={"consent.outreach": (False, T0, b"")})
    assert entries(made, moved(), denied) == []
    assert entries(made, moved("exited"), denied) == []
    assert len(entries(made, moved("exited"), denied, inside=True)) == 1
    assert entries(made, moved(), now=T0 + FRESH + 1) == []


def case_told(action, text=None, **more):
    case = {
        "id": "cs", "changed": rfc3339(T0), "assignee": None, "owner": None, "until": None,
        "history": [{"at": rfc3339(T0), "action": action, "by": "kim", "text": text}], **more,
    }  # fmt: skip
    body = {"id": f"cs:{action}:{T0!r}", "profile": "p", "at": rfc3339(T0), "case": case}
    return hear("cases", b"p", orjson.dumps(body))


@pytest.mark.parametrize(
    ("action", "text", "type"),
    [
        ("assigned", "kim", "alert.assigned"), ("snoozed", "3d", "alert.snoozed"), ("woken", "time", "alert.woken"),
        ("woken", "risk", "alert.worsened"), ("note", "hello", None), ("opened", None, None),
    ],
)  # fmt: skip
def test_what_people_do_with_a_case_is_told_of_its_alerts(action, text, type):
    heard = case_told(action, text)
    assert (heard and heard.type) == type
    assert heard is None or heard.told["by"] == "kim"


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"alert": 1}', b'{"id":"x","alert":{"state":"open"}}', b"\xff"])
def test_what_cannot_be_read_is_said(value):
    for topic in ("alerts", "cases", "segment.changes"):
        with pytest.raises(ValueError, match=r"."):
            hear(topic, b"p", value)
