"""Further definitions of churn in a plan: what is wrong with one, what changes, and how the page tells of it."""

from __future__ import annotations

import pytest

from plan import Plan, PlanError, load_plan, parse_plan
from plan.diff import diff_plans
from plan.docs import render_markdown
from tests import REPOSITORY

SHIPPED = (REPOSITORY / "tracking_plan.yaml").read_text()


def read(text: str) -> Plan:
    return parse_plan(text, "plan.yaml", {})


def plan_of(definition: str, alert: str = "") -> str:
    """The shipped plan with this definition, and an alert on it."""
    text = SHIPPED.replace("\nchurn:\n", f"\nchurn:\n  definitions:\n    - {definition}\n", 1)
    return text.replace("\nalerts:\n", f"\nalerts:\n  - {alert}\n", 1) if alert else text


CANCELS = "{name: cancels, description: The subscription ends, ends_by: {subscription: ended}, horizon: 8w}"
ALERT = "{name: cancelling, threshold: 0.5, churn: cancels}"


def test_a_definition_is_read_and_shown() -> None:
    plan = read(plan_of(CANCELS, ALERT))

    assert plan.churn.of("cancels").horizon == plan.churn.of("cancels").label_horizon == 8 * 7 * 86400
    assert read(plan_of("{name: a, ends_by: {disuse: login}}")).limits.signs.keys() == {"login", "feature_use"}
    page = render_markdown(plan)
    assert "| `cancels` | The subscription ends | no subscription left | 8 weeks | 50%, 75% |" in page
    assert [change.path for change in diff_plans(read(SHIPPED), plan)] == [
        "churn.definitions.cancels", "alerts.cancelling",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("definition", "alert", "said"),
    [
        ("{name: a, ends_by: {no: purchas}}", "", "there is no role 'purchas'; did you mean 'purchase'?"),
        ("{name: a, ends_by: {}}", "", "exactly one of no, disuse, subscription and mrr"),
        (CANCELS, "{name: b, threshold: 0.5, churn: cancel}", "churn is not defined as 'cancel'; did you mean"),
        (CANCELS, "{name: b, when: {band: high, churn: cancel}}", "churn is not defined as 'cancel'"),
    ],
)
def test_what_cannot_be_meant_is_refused(definition: str, alert: str, said: str) -> None:
    with pytest.raises(PlanError, match=said.replace("?", r"\?")):
        read(plan_of(definition, alert))


def test_what_says_nothing_is_warned_of() -> None:
    text = plan_of("{name: a, ends_by: {no: visit}}").replace("role: visit", "role: view")
    assert any("no event has the role 'visit', which a goes by" in str(warning) for warning in read(text).warnings)


def test_another_meaning_discards_what_was_learned_and_that_is_said() -> None:
    before, after = plan_of(CANCELS), plan_of(CANCELS.replace("subscription: ended", "mrr: 0"))
    (change,) = diff_plans(read(before), read(after))

    assert change.path == "churn.definitions.cancels.ends_by"
    assert change.breaking
    assert "no subscription left → no recurring revenue left (discards all that was learned of it)" in change.message


def test_the_shipped_plan_has_none_and_is_what_it_was() -> None:
    assert load_plan(REPOSITORY / "tracking_plan.yaml").churn.definitions == ()
