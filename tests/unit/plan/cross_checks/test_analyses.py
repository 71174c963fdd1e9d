"""What a plan says of funnels and goals against the rest of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.marketing.funnel import FUNNEL, Asked, steps_of
from analysis.running import run
from plan import Plan, PlanError, load_plan, parse_plan
from profiles.errors import WrongUse
from tests import REPOSITORY
from tests.analysed import archived, happened

SHIPPED = (REPOSITORY / "tracking_plan.yaml", REPOSITORY / "plan" / "b2b.yaml")


def planned(plan_of: Callable[..., Plan], told: str) -> Plan:
    return plan_of(("version: 1", f"version: 1\nanalyses: {told}"))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("{funnels: {buy: {steps: [view, purchse]}}}", "there is no role 'purchse'; did you mean 'purchase'?"),
        ("{funnels: {buy: {steps: [view]}}}", "at least 2 items"),
        ("{funnels: {buy: {steps: ['view?', purchase]}}}", "the first and the last step"),
        ("{funnels: {buy: {steps: [view, 'a b']}}}", "'a b' is no step"),
        ("{funnels: {buy: {steps: [view, purchase], window: 400d}}}", "less than or equal"),
        ("{attribution: {look_back: 0d}}", "must be above zero"),
        ("{attribution: {model: first}}", "is not a known key"),
        ("{keep: {top: 2}}", "less than or equal to 1"),
        ("{goals: [{segment: duch, target: 3, by: 2027-01-01}]}", "there is no segment 'duch'; did you mean 'dutch'?"),
        ("{goals: [{segment: dutch, measure: joy, target: 3, by: 2027-01-01}]}", "'customers', 'share'"),
        ("{goals: [{segment: dutch, target: 3}]}", "is required"),
        (
            "{goals: [{segment: dutch, target: 3, by: 2027-01-01}, {segment: dutch, target: 4, by: 2028-01-01}]}",
            "another goal of the same segment",
        ),
        ("{goals: [{segment: dutch, target: 3, since: 2027-01-01, by: 2027-01-01}]}", "`since` must lie before `by`"),
    ],
)
def test_what_cannot_be_meant(plan_of: Callable[..., Plan], told: str, message: str) -> None:
    with pytest.raises(PlanError) as error:
        planned(plan_of, told)
    assert message in str(error.value)


def test_goals_are_of_customers() -> None:
    text = SHIPPED[1].read_text()
    with pytest.raises(PlanError, match="companies are in the segment 'paying', and goals are of customers"):
        parse_plan(text.replace("- {segment: power_user, measure", "- {segment: paying, measure"), "b2b.yaml", {})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_plans_say_what_a_first_look_shows(path: Path) -> None:
    """Each funnel and each goal has what it asks of: a role that an event has, a segment."""
    plan = load_plan(path)
    said = plan.file.analyses
    assert len(said.funnels) >= 3
    assert len(said.goals) >= 3
    assert said.attribution.model_fields_set
    assert said.keep.model_fields_set
    carried = {event.role for event in plan.file.events}
    for name, funnel in said.funnels.items():
        assert set(funnel.roles()) <= carried, name
        steps_of(", ".join(funnel.steps))
    assert all(goal.since for goal in said.goals)


def test_the_plan_says_what_is_taken_where_nobody_asks(plan_of: Callable[..., Plan]) -> None:
    plan = planned(
        plan_of, "{funnels: {quick: {steps: [visit, purchase], window: 1d}, slow: {steps: [visit, purchase]}}}"
    )
    shop = [happened("A", "visit", "01-01"), happened("A", "purchase", "01-04", subject="1")]
    engine = archived(shop, until="02-01", plan=plan)
    quick, slow = run(FUNNEL, engine, Asked()), run(FUNNEL, engine, Asked(name="slow"))
    assert (quick.asked["steps"], quick.asked["window"], slow.asked["window"]) == ("visit, purchase", 1, 7)
    assert [rows[-1]["converted"] for rows in (quick.rows, slow.rows)] == [0, 1]
    assert run(FUNNEL, engine, Asked(window=7)).rows[-1]["converted"] == 1
    assert run(FUNNEL, engine, Asked(steps="visit, cart")).asked["window"] == 7
    with pytest.raises(WrongUse, match="it has quick, slow"):
        run(FUNNEL, engine, Asked(name="other"))
