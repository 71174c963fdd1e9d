"""Sinks in a plan: what is wrong with one, what leads to none, what changes, and how the page tells of them."""

from __future__ import annotations

import pytest

from plan import PlanError, diff_plans
from plan.docs import render_markdown

CRM = "crm: {type: webhook}"


def sinks(*lines, routes=("{sinks: [crm], owner: CRM}",)):
    """A change of the small plan that gives it these."""
    listed = "".join(f"  {line}\n" for line in lines)
    led = "".join(f"  - {line}\n" for line in routes)
    return "alerts:\n", f"sinks:\n{listed}routes:\n{led}alerts:\n"


@pytest.mark.parametrize(
    ("sink", "told"),
    [
        ("crm: {type: webhok}", "sinks.crm: type: a sink is one of: webhook, segment_style"),
        ("crm: {payload: thin}", "sinks.crm: type: a sink is one of"),
        ("crm: {type: webhook, url: https://x}", "sinks.crm.url: is not a known key"),
        ("crm: {type: webhook, payload: fat}", "sinks.crm.payload: input should be 'thin' or 'full'"),
        ("crm: {type: webhook, events: [alert.opend]}", "'alert.opend' is no message"),
        ("crm: {type: webhook, timezone: Mars/Base}", "sinks.crm.timezone: 'Mars/Base' is no time zone"),
        ("crm: {type: webhook, digest: '8:30'}", "sinks.crm.digest: string should match"),
        ("crm: {type: webhook, segments: [duch]}", "sinks.crm.segments[0]: there is no segment 'duch'; did you"),
        ("crm: {type: email, from: a@b.example}", "sinks.crm.to: is required"),
        ("crm: {type: email, to: [c@b.example]}", "sinks.crm.from: is required"),
        ("crm: {type: email, from: a@b.example, to: [Care]}", "sinks.crm.to[0]: 'Care' is no mail address"),
        ("crm: {type: slack, group_wait: soon}", "sinks.crm.group_wait"),
        ("crm: {type: slack, payload: thin}", "sinks.crm.payload: is not a known key"),
        ("crm: {type: dingtalk, events: [segment.*]}", "'segment.*' cannot be told here"),
        ("crm: {type: feishu, language: zh}", "sinks.crm.language"),
        ("crm: {type: segment_style, ids: [user]}", "sinks.crm.ids[0]: there is no identity 'user'"),
        ("crm: {type: segment_style, events: [alert.*]}", "'alert.*' cannot be told here"),
        (
            "crm: {type: segment_style}",
            "routes[0].sinks[0]: sink 'crm' is of type segment_style, which takes no alerts",
        ),
        ("CRM: {type: webhook}", "sinks.CRM"),
    ],
)
def test_a_sink_that_cannot_be_meant_is_refused(plan_of, sink, told):
    with pytest.raises(PlanError) as refused:
        plan_of(sinks(sink))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ("{sinks: [cmr]}", "routes[0].sinks[0]: there is no sink 'cmr'; there are crm"),
        ("{sinks: [crm], escalate: {after: 4h, to: boss}}", "routes[0].escalate.to: there is no sink 'boss'"),
        ("{sinks: [crm], escalate: {after: 4h}}", "routes[0].escalate.to: is required"),
        ("{owner: CRM, remind: 4h}", "routes[0]: says how it is told, and names no `sinks`"),
        ("{sinks: [crm], quiet: {from: '20:00'}}", "routes[0].quiet: says only one end of the night"),
        ("{sinks: [crm], daily_cap: 0}", "routes[0].daily_cap: input should be greater than or equal to 1"),
        ("{when: {rule: risk}}", "routes[0]: leads nowhere"),
    ],
)
def test_a_route_that_leads_nowhere_is_refused(plan_of, route, told):
    with pytest.raises(PlanError) as refused:
        plan_of(sinks(CRM, routes=[route]))
    assert told in str(refused.value)


def test_what_tells_nobody_anything_is_said(plan_of):
    lonely = plan_of(sinks(CRM, "mirror: {type: webhook}"))
    assert "sinks.mirror: no route and no alert's `channel` leads here" in " ".join(map(str, lonely.warnings))
    some = plan_of(sinks(CRM, routes=["{when: {rule: risk}, sinks: [crm]}", "{owner: CRM}"]))
    assert "no route takes every case to a sink" in " ".join(map(str, some.warnings))
    assert plan_of(sinks(CRM, "ads: {type: segment_style}")).warnings == []


def test_what_changes_and_how_the_page_tells_of_it(plan_of):
    old = plan_of(sinks(CRM))
    new = plan_of(
        sinks(
            "crm: {type: webhook, payload: full}",
            "ads: {type: segment_style}",
            routes=[
                "{sinks: [crm], owner: CRM, remind: 4h, daily_cap: 30, quiet: {days: [sat]}, continue: true}",
                "{sinks: [crm]}",
            ],
        )
    )
    changes = [str(change) for change in diff_plans(old, new)]
    assert any("sinks.ads" in change and "is new" in change for change in changes)
    assert any("sinks.crm.payload" in change and "thin" in change for change in changes)
    page = render_markdown(new)
    assert (
        "CRM; told to crm; again every 4 hours; quiet sat, then one by one; at most 30 a day; and on to the next"
        in page
    )
    assert "webhook, alert.* sink.*" in page
    assert new.teams == ["CRM"]
