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


LARGE = "{name: large, grain: company, when: {company: active_members, at_least: 3}}"
COMPANIES = "groups: {company: {traits: {tier: {type: string, enum: [gold, tin], description: D., pii: none}}}}"


def with_companies(plan_of, *lines):
    return plan_of(routes(*lines), ("segments:\n", f"{COMPANIES}\nsegments:\n  - {LARGE}\n"))


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("grain: customer, segment: large", "'large' is about companies, and the route takes cases of customers"),
        ("grain: company, segment: dutch", "'dutch' is about customers, and the route takes cases of companies"),
        ("grain: company, rule: risk", "'risk' is about customers, and the route takes cases of companies"),
        ("grain: company, traits: {country: NL}", "there is no trait 'country'"),
        ("grain: customer, traits: {tier: gold}", "there is no trait 'tier'"),
        ("grain: company, traits: {tier: lead}", "trait 'tier' is never 'lead'; it is one of gold, tin"),
        ("grain: team", "routes[0].when.grain: input should be 'customer' or 'company'"),
    ],
)  # fmt: skip
def test_a_route_names_what_is_about_those_whose_cases_it_takes(plan_of, when, told):
    with pytest.raises(PlanError) as refused:
        with_companies(plan_of, f"{{when: {{{when}}}, owner: CRM}}")
    assert told in str(refused.value)


def test_a_route_may_take_cases_of_customers_and_of_companies(plan_of):
    found = with_companies(
        plan_of,
        "{when: {grain: company, segment: large, traits: {tier: gold}}, owner: Accounts}",
        "{when: {segment: [large, dutch], traits: {country: NL}}, owner: CRM}",
    )
    assert found.file.routes[0].in_words() == "of a company and in segment large and tier is gold → Accounts"
    with pytest.raises(PlanError) as refused:
        plan_of(routes("{when: {grain: company}, owner: CRM}"))
    assert "routes[0].when.grain: the plan has no `groups`, so there is no company" in str(refused.value)


def test_a_route_that_is_never_reached_is_told(plan_of):
    behind = plan_of(routes("{owner: CRM}", "{when: {rule: risk}, owner: Support}"))
    again = plan_of(routes("{when: {rule: [risk]}, owner: CRM}", "{when: {rule: risk}, owner: Support}"))
    assert [str(warning).split("routes[1]: ")[1] for warning in (*behind.warnings, *again.warnings)] == [
        "comes behind a route that takes every case, so nothing ever goes there",
        "an earlier route takes the same cases, so nothing ever goes there",
    ]
    assert plan_of(routes("{when: {rule: risk}, owner: CRM}", "{owner: Support}")).warnings == []


def test_teams_are_those_of_routes_and_of_alerts(plan_of):
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
