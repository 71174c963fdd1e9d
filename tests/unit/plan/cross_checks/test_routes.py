"""Routes in a plan: what is wrong with one, what changes, and how the page tells of them."""

from __future__ import annotations

import pytest

from plan import PlanError, diff_plans
from plan.docs import render_markdown


def routes(*lines: str) -> tuple[str, str]:
    """A change of the small plan that gives it these."""
    listed = "".join(f"  - {line}\n" for line in lines)
    return "alerts:\n", f"routes:\n{listed}alerts:\n"


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ("{when: {rule: risky}, owner: CRM}", "routes[0].when.rule: there is no alert 'risky'; did you mean 'risk'?"),
        ("{when: {segment: [dutch, duch]}, owner: CRM}", "routes[0].when.segment: there is no segment 'duch'; did you"),
        ("{when: {traits: {county: NL}}, owner: CRM}", "routes[0].when.traits.county: there is no trait 'county'"),
        ("{when: {traits: {country: [NL, DE]}}, owner: CRM}", "trait 'country' is never 'DE'; it is one of NL, BE"),
        ("{when: {company: acme}, owner: CRM}", "routes[0].when.company: the plan has no `groups`"),
        ("{when: {severity: severe}, owner: CRM}", "routes[0].when.severity: input should be 'info', 'warning' or"),
        ("{when: {region: BE}, owner: CRM}", "routes[0].when.region: is not a known key"),
        ("{when: {rule: risk}}", "routes[0]: leads nowhere: name an `owner`, or `sinks`"),
        ("{owner: ''}", "routes[0]: leads nowhere: `owner` is empty, and it names no `sinks`"),
    ],
)
def test_a_route_that_cannot_be_meant_is_refused(plan_of, route, told):
    with pytest.raises(PlanError) as refused:
        plan_of(routes(route))
    assert told in str(refused.value)


def test_companies_have_no_cases(plan_of):
    large = "{name: large, grain: company, when: {company: active_members, at_least: 3}}"
    with pytest.raises(PlanError) as refused:
        plan_of(
            routes("{when: {segment: large, rule: risk}, owner: CRM}"),
            ("segments:\n", f"groups: {{company: {{}}}}\nsegments:\n  - {large}\n"),
        )
    assert "segment 'large' is about companies, which have no cases" in str(refused.value)


def test_a_route_that_is_never_reached_is_told(plan_of):
    behind = plan_of(routes("{owner: CRM}", "{when: {rule: risk}, owner: Support}"))
    again = plan_of(routes("{when: {rule: [risk]}, owner: CRM}", "{when: {rule: risk}, owner: Support}"))
    assert [str(warning).split("routes[1]: ")[1] for warning in (*behind.warnings, *again.warnings)] == [
        "comes behind a route that takes every case, so nothing ever goes there",
        "an earlier route takes the same cases, so nothing ever goes there",
    ]
    assert plan_of(routes("{when: {rule: risk}, owner: CRM}", "{owner: Support}")).warnings == []


def test_teams_are_those_of_routes_and_of_alerts_about_customers(plan_of):
    found = plan_of(routes("{owner: CRM}"), ("segment: dutch}", "segment: dutch, owner: care}"))
    assert found.teams == ["care", "CRM"]


def test_what_changed_is_told_in_words(plan_of):
    first, second = "{when: {rule: risk, traits: {country: BE}}, owner: CRM}", "{owner: Support}"
    before, after = plan_of(routes(first, second)), plan_of(routes(second))
    assert [str(change) for change in diff_plans(before, after)] == [
        "routes: alert risk and country is BE → CRM: is gone"
    ]
    turned = diff_plans(before, plan_of(routes(second, first)))
    assert [(change.path, change.breaking) for change in turned] == [("routes", False)]
    assert "another order" in turned[0].message
    assert diff_plans(before, before) == []


def test_the_page_of_the_plan_says_who_gets_what(plan_of):
    page = render_markdown(plan_of(routes("{when: {severity: critical, segment: dutch}, owner: CRM}")))
    assert "| severity critical and in segment dutch | CRM |" in page
