"""The calendar of analyses in a plan, and how they are made."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from plan import Plan, PlanError
from plan.docs import render_markdown


def test_a_plan_that_says_nothing_counts_in_utc_from_monday(plan_of: Callable[..., Plan]) -> None:
    file = plan_of().file

    assert (file.timezone, file.week_start) == ("UTC", "monday")
    assert (file.analyses.smallest, file.analyses.confidence, file.analyses.session_gap) == (5, 0.95, 1800)


def test_a_plan_may_say_all_of_it(plan_of: Callable[..., Plan]) -> None:
    told = "timezone: Asia/Shanghai\nweek_start: sunday\nanalyses: {smallest: 10, confidence: 0.9, session_gap: 45m}"
    plan = plan_of(("version: 1", f"version: 1\n{told}"))

    assert (plan.file.timezone, plan.file.week_start) == ("Asia/Shanghai", "sunday")
    said = plan.file.analyses
    assert (said.smallest, said.confidence, said.session_gap) == (10, 0.9, 2700)
    page = render_markdown(plan)
    assert "those of Asia/Shanghai; weeks begin on Sunday" in page
    assert "fewer than 10 customers" in page


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("timezone: Europe/Amsterdm", "no time zone such as Europe/Amsterdam"),
        ("timezone: CEST", "no time zone"),
        ("week_start: Mo", "week_start"),
        ("analyses: {smallest: 0}", "greater than or equal to 1"),
        ("analyses: {confidence: 95}", "less than or equal to 0.999"),
        ("analyses: {session_gap: 3w}", "less than or equal to 86400"),
        ("analyses: {session_gap: soon}", "is no duration"),
        ("analyses: {smalest: 5}", "is not a known key"),
        ("analyses: {costs: {ticket: -1}}", "greater than or equal to 0"),
        ("analyses: {costs: {margin: 40}}", "less than or equal to 1"),
        ("analyses: {costs: {fee: 1}}", "less than 1"),
        ("analyses: {costs: {contact: 2.5}}", "costs.contact"),
        ("analyses: {loyalty: {trust: 10}}", "loyalty"),
    ],
)
def test_what_cannot_be_meant_is_refused(plan_of: Callable[..., Plan], told: str, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan_of(("version: 1", f"version: 1\n{told}"))


def test_costs_and_what_loyalty_is_made_of(plan_of: Callable[..., Plan]) -> None:
    told = (
        "analyses: {costs: {margin: 0.4, margins: {Machines: 0.25}, fee: 0.02, ticket: 4.5, "
        "contact: {phone: 6, other: 0.1}}, loyalty: {staying: 0, service: 30}}"
    )
    said = plan_of(("version: 1", f"version: 1\n{told}")).file.analyses

    assert (said.costs.margin, said.costs.margins, said.costs.ticket) == (0.4, {"Machines": 0.25}, 4.5)
    assert (said.costs.shipping, said.costs.refund) == (None, None)  # what nobody says is not known, which is not 0
    assert said.loyalty_weights == {
        "satisfaction": 35, "frequency": 15, "service": 30, "steadiness": 10, "staying": 0,
    }  # fmt: skip
