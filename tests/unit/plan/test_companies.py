"""The company that an event names."""

from __future__ import annotations

import pytest

from plan import PlanError
from plan.docs import render_markdown
from profiles.types import Grouping, is_company

GROUPS = (
    "events:\n",
    "groups:\n  company:\n    id: [groupId, properties.account]\n    traits:\n"
    "      tier: {type: string, enum: [free, team], description: Contract}\n"
    "events:\n  - {type: group, sources: [web], owner: o, description: d, why: w}\n"
    "  - {name: Member Left, sources: [web], owner: o, description: d, why: w, member: left}\n",
)


def test_the_first_path_with_a_company_in_it_counts(plan_of):
    """Traits are a group call's; placeholders name nobody; who leaves is said to."""
    plan = plan_of(GROUPS)
    call, left = plan.event("web", "group", ""), plan.event("web", "track", "Member Left")

    assert plan.group_of({"groupId": " a1 "}, call, {"tier": "team", "else": 1}) == Grouping(
        "a1", False, {"tier": "team"}
    )
    raw = {"groupId": "undefined", "properties": {"account": 42}}
    assert plan.group_of(raw, left, {"tier": "team"}) == Grouping("42", True)
    assert plan.group_of({"groupId": 2**53}, left, {}) == Grouping(str(2**53), True)
    assert plan.group_of({"groupId": 42.0}, left, {}) == Grouping("42", True)
    assert plan.group_of({"groupId": 2.0**53}, left, {}) is None
    assert plan.group_of({"groupId": True}, left, {}) is None
    assert plan.group_of({"groupId": None, "properties": 7}, left, {}) is None
    assert plan.group_of({"groupId": {}}, left, {}) is None


def test_a_company_is_no_customer(plan_of):
    """Its id says so, and a plan without groups knows none."""
    assert is_company(plan_of(GROUPS).company("a1"))
    assert not is_company(plan_of(GROUPS).home(("company", "a1")))
    assert plan_of().group_of is None


@pytest.mark.parametrize(
    ("groups", "rule", "problem"),
    [
        (False, "{name: s, grain: company, when: {count: visit, at_least: 3}}", "no `groups`"),
        (True, "{name: s, grain: company, when: {segment: dutch}}", "not of the same `grain`"),
        (True, "{name: s, grain: company, when: {lost: {above: 0.5}}}", "a risk of their own, but no leaving score"),
        (True, "{name: s, grain: company, when: {quantile: net, top: 0.1}}", "or ranks"),
        (True, "{name: s, grain: company, when: {trait: country, is: NL}}", "there is no trait 'country'"),
        (True, "{name: s, when: {trait: tier, is: team}}", "there is no trait 'tier'"),
        (True, "{name: s, when: {company: members, at_least: 3}}", "needs `grain: company`"),
        (True, "{name: s, grain: company, when: {company: member, at_least: 3}}", "did you mean 'members'"),
        (True, "{name: s, grain: company, when: {company: active_change, within: 52w, below: 0}}", "within is from"),
    ],
)
def test_a_rule_about_companies_asks_what_companies_have(plan_of, groups, rule, problem):
    """No risk and no rank, no segment of customers, and the traits of companies."""
    more = ("alerts:\n", f"  - {rule}\nalerts:\n")
    with pytest.raises(PlanError, match=problem):
        plan_of(*([GROUPS] if groups else []), more)


def test_the_plan_says_who_counts_as_a_champion(plan_of):
    """By a trait of people that it has."""
    said = "  company:\n    champions: {days: 8, trait: country, values: [NL]}\n"
    champions = plan_of((GROUPS[0], GROUPS[1].replace("  company:\n", said))).champions

    assert (champions.days, champions.silent, champions.trait, champions.values) == (8, 14, "country", {"NL"})
    with pytest.raises(PlanError, match="no trait 'county' of people"):
        plan_of((GROUPS[0], GROUPS[1].replace("  company:\n", said.replace("country", "county"))))


def test_the_page_of_the_plan_tells_of_companies(plan_of):
    """What names them, what is known of them, and which rules are about them."""
    page = render_markdown(
        plan_of(GROUPS, ("alerts:\n", "  - {name: s, grain: company, when: {trait: tier, is: team}}\nalerts:\n"))
    )

    for part in ("`properties.account`", "| `tier` |", "of companies: tier is team"):
        assert part in page


def test_rules_about_companies_are_a_plans(plan_of):
    """With their traits, and what their members do."""
    rule = "{name: s, grain: company, when: {all: [{trait: tier, is: team}, {count: visit, at_least: 3}]}}"
    plan = plan_of(GROUPS, ("segments:\n", f"segments:\n  - {rule}\n"))

    assert [each.name for each in plan.segments if each.grain == "company"] == ["s"]


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("champions: {trait: country, values: [NL, ZZ]}", "trait 'country' is never 'ZZ'; it is one of NL, BE"),
        (
            "health: {use: 0, breadth: 0, seats: 0, outcome: 0, support: 0, sentiment: 0}",
            "fewer than 3 parts count, so no company would have a health",
        ),
    ],
)
def test_what_would_never_count_is_a_mistake(plan_of, said, problem):
    with pytest.raises(PlanError, match=problem):
        plan_of((GROUPS[0], GROUPS[1].replace("  company:\n", f"  company:\n    {said}\n")))


@pytest.mark.parametrize("fact", ["ends: n", "seats: n"])
def test_the_terms_of_a_subscription_are_of_no_other_event(plan_of, fact):
    """They would be read and never kept."""
    event = (
        "  - {{name: Bought, sources: [web], owner: o, description: d, why: w, role: {role}, facts: {{{fact}}}, "
        "properties: {{n: {{type: integer, description: d}}}}}}\n"
    )
    with pytest.raises(PlanError, match=f"facts.{fact[:4]}.*is for what happens to a subscription"):
        plan_of(("events:\n", f"events:\n{event.format(role='feature_use', fact=fact)}"))
    assert plan_of(("events:\n", f"events:\n{event.format(role='subscription_change', fact=fact)}"))
