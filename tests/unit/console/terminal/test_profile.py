"""A customer on a terminal: the risk, its trend and what would lower it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console

from console.terminal.profile import render
from console.views.churn import Advice
from console.views.profile import profile_view
from console.views.timeline import timeline_view
from models.churn.counterfactuals import Counterfactual
from plan import load_plan
from profiles.state import Limits, apply
from profiles.types import Case, Churn, Claim, Event, Profile, Purchases, Reason, Score
from tests import REPOSITORY
from tests.console.support_api import PLAN

AT = 1_767_225_600.0
DAY = 86400.0


def shown(score: Score, advice: Advice | None = None) -> str:
    """The card of a customer with this score."""
    profile = Profile("p" * 22, AT - 90 * DAY, AT, score=score)
    profile.purchases = Purchases(orders=1, first=AT - 63 * DAY, last=AT - 63 * DAY)
    document: dict[str, Any] = profile_view(profile, AT, PLAN, advice).model_dump()
    out = io.StringIO()
    Console(file=out, width=120).print(render(document, []))
    return out.getvalue()


def test_orders_and_reasons_tell_the_same_gap() -> None:
    """Rounded once: 9.46 days are nine on both."""
    profile = Profile(
        "p" * 22, AT - 90 * DAY, AT, score=Score(0.6, "high", AT, "hazard-7", [Reason("recency", 1.0, 9.0)])
    )
    profile.purchases = Purchases(orders=3, first=AT - 78.92 * DAY, last=AT - 60 * DAY)
    out = io.StringIO()
    Console(file=out, width=120).print(render(profile_view(profile, AT, PLAN).model_dump(), []))

    assert out.getvalue().count("usually every 9 days") == 2


def test_the_case_is_told_while_it_stands() -> None:
    score = Score(0.6, "high", AT, "hazard-7", [Reason("recency", 1.0, 9.0)])
    case = Case("cs_p_1", "retention", "snoozed", AT, AT, worse=True, owner="CRM", assignee="kim", value=65804)
    for held, told in ((case, True), (structs.replace(case, state="resolved"), False)):
        document = profile_view(Profile("p" * 22, AT, AT, score=score, case=held), AT, PLAN).model_dump()
        out = io.StringIO()
        Console(file=out, width=120).print(render(document, []))
        assert ("snoozed until worse, kim, CRM, 658.04 EUR at risk" in out.getvalue()) is told


@pytest.mark.parametrize(
    ("previous", "days", "words"),
    [
        (0.50, 8, "↑ up 12 points in 8 days"),
        (0.80, 7, "↓ down 18 points in 7 days"),
        (0.61, 1, "steady in 1 day"),
        (0.61, 1e-5, "steady   scored"),
        (None, 0, "no trend yet"),
    ],
)
def test_the_trend_in_words(previous: float | None, days: float, words: str) -> None:
    """Over the time between the two scores."""
    score = Score(0.62, "high", AT, "hazard-7", [Reason("recency", 1.0, 9.0)], previous, days and AT - days * DAY)

    assert words in shown(score)
    assert "+ Only one order so far, 63 days ago" in shown(score)


def test_what_would_lower_it() -> None:
    """With the model, if it is not the one that spoke."""
    score = Score(0.62, "high", AT, "hazard-7")
    counterfactuals = [
        Counterfactual("order", "An order today", 0.21),
        Counterfactual("visit", "3 visits this week", 0.55),
    ]

    assert "would lower it:" in shown(score, Advice("hazard-7", counterfactuals))
    assert "21%  An order today" in shown(score, Advice("hazard-7", counterfactuals))
    assert "would lower it, by hazard-8:" in shown(score, Advice("hazard-8", counterfactuals))
    assert "would lower it" not in shown(score, Advice("hazard-7", []))


@pytest.mark.parametrize(
    ("width", "line"), [(60, "18:45  purchase  Order"), (120, "Completed  12.50 EUR  A-1  products Tea, late 2 d")]
)
def test_latest_events_keep_their_line(width: int, line: str) -> None:
    """A time is never cut; on a wide terminal amounts stand below one another."""
    amount = {"amount": "12.50", "currency": "EUR", "minor": 1250}
    told = {
        "source": "purchase",
        "name": "Order Completed",
        "amount": amount,
        "about": "A-1",
        "shown": [{"label": "products", "value": "Tea"}, {"label": "late", "value": 2, "unit": "d"}],
        "claimed": None,
        "folded": None,
    }
    profile = profile_view(Profile("p" * 22, AT - DAY, AT), AT, PLAN).model_dump()
    out = io.StringIO()
    Console(file=out, width=width).print(render(profile, [{"time": "2026-11-29T18:45:00.000000Z", **told}]))

    assert "2026-11-29 18:45" in out.getvalue()
    assert line in out.getvalue()


def test_what_is_only_claimed_is_told_as_such() -> None:
    """Traits, a consent, a name, an order: nobody takes one for a fact."""
    profile = Profile("p" * 22, AT - DAY, AT, identities={"user_id": {"42": AT}})
    claims = Claim("purchase", {"plan": "plus", "consent.outreach": False}, [("email", "x")], named=True)
    bought = Event("p", "m", "web", "track", "Order Completed", "", AT, AT, [("user_id", "42")], subject="o1")
    apply(profile, structs.replace(bought, claim=claims), "EUR", Limits(persons=frozenset({"user_id"})))
    document = profile_view(profile, AT, PLAN).model_dump(mode="json")
    events = [event.model_dump(mode="json") for event in timeline_view(profile, 8, PLAN)]
    out = io.StringIO()
    Console(file=out, width=120).print(render(document, events))

    assert "consent.outreach False, plan plus, an identity of type email (not linked)" in out.getvalue()
    assert re.search(r"Order Completed +o1 +claimed", out.getvalue())


def test_a_further_definition_has_its_levers_and_says_what_reasons_leave_open() -> None:
    plan = load_plan(REPOSITORY / "plan" / "b2b.yaml", {})
    [*_, definition] = plan.churn.definitions
    score = Score(0.8, "high", AT, "rules-3", [])
    profile = Profile(
        "p" * 22, AT - 90 * DAY, AT, churns={definition.name: Churn(score, stage="at_risk", stage_since=AT)}
    )
    lever = Counterfactual("login", "2 logins this week, as before", 0.5)
    advice = Advice("", None, defined={definition.name: Advice("rules-3", [lever])})

    document: dict[str, Any] = profile_view(profile, AT, plan, advice).model_dump()
    out = io.StringIO()
    Console(file=out, width=120).print(render(document, []))

    [defined] = document["churns"]
    assert defined["churn"]["would_lower"] == [{"action": "login", "text": lever.text, "risk": 0.5}]
    assert defined["churn"]["remark"].startswith("Nothing that is known")
    assert definition.words.at_risk in out.getvalue()
    assert "50%  2 logins this week, as before" in out.getvalue()
    assert "Nothing that is known of the customer raises" in out.getvalue()
