"""What support sees of consent: the API's documents and lists, and the card of the command line."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from rich.console import Console

from console.api import create_api
from console.terminal.profile import render
from console.views.matters.alerts import alert_view
from console.views.profile import profile_view, summary_view
from plan import Plan, parse_plan
from profiles.consent import Consent, trait_of
from profiles.types import Profile
from tests import REPOSITORY
from tests.console.people import DAY, NOW, customer, keep, store
from tests.console.support_api import TOKEN, api_deps

PLAN_FILE = REPOSITORY / "tracking_plan.yaml"


def plan(default: str = "granted") -> Plan:
    """The shipped plan, with another default for profiling."""
    text = PLAN_FILE.read_text()
    before, after = text.split("\n  profiling:\n")
    return parse_plan(
        before + "\n  profiling:\n" + after.replace("default: granted", f"default: {default}", 1), "plan.yaml", {}
    )


def says(profile: Profile, **words: bool) -> Profile:
    """The customer said something the day before yesterday."""
    profile.traits.update({trait_of(name): (word, NOW - 2 * DAY, bytes(range(8))) for name, word in words.items()})
    return profile


def shown(profile: Profile, default: str = "granted") -> dict[str, Any]:
    """The document, as the API answers it."""
    return profile_view(profile, NOW, plan(default)).model_dump()


def printed(document: dict[str, Any]) -> str:
    """The card, as text."""
    console = Console(width=110)
    with console.capture() as captured:
        console.print(render(document, []))
    return captured.get()


def test_a_customer_who_said_nothing_is_shown_by_default() -> None:
    """With the plan's purposes, each as it holds."""
    document = shown(customer())

    default = {"status": "granted", "source": "default", "since": None, "event": None}
    assert document["consent"] == {"analytics": default, "profiling": default, "outreach": default}
    assert (document["withheld"], document["churn"]["risk"]) == (None, 0.8)
    assert "profiling granted  by default" in printed(document)


def test_who_does_not_allow_profiling_has_no_score_anywhere() -> None:
    """Neither in the document, nor in a row of a list, nor on an alert; even where the store still holds one."""
    profile = says(customer(), profiling=False)
    document = shown(profile)

    assert (document["churn"], document["withheld"]) == (None, "profiling")
    assert document["consent"]["profiling"] == {
        "status": "denied", "source": "customer", "since": "2025-12-30T00:00:00.000000Z", "event": "0001020304050607"
    }  # fmt: skip
    assert not [name for name in document["traits"] if name.startswith("consent.")]
    row = summary_view(profile, plan())
    assert (row.churn, row.withheld) == (None, "profiling")
    for alert in (
        alert_view(profile, profile.alerts["high_churn_risk"], plan()),
        profile_view(profile, NOW, plan()).alerts[0],
    ):
        assert (alert.risk, alert.model, alert.reasons) == (None, None, [])
    card = printed(document)
    assert "withheld: the customer does not allow profiling" in card
    assert "profiling denied  since 2025-12-30" in card
    assert "hazard" not in card


def test_a_default_of_denied_holds_at_once() -> None:
    """What was stored before the plan changed is not shown to anybody; a word of the customer counts more."""
    assert shown(customer(), "denied")["withheld"] == "profiling"
    assert shown(says(customer(), profiling=True), "denied")["churn"]["risk"] == 0.8
    assert plan("denied").consent == Consent({"analytics": True, "profiling": False, "outreach": True})


def test_lists_by_risk_leave_out_who_may_not_be_scored() -> None:
    """Over the real routes; the list of the latest shows the customer without a risk."""
    held = store()
    keep(held, customer(("user_id", "1"), 0.9), says(customer(("user_id", "2"), 0.7), profiling=False))
    deps = api_deps(held, plan=plan())

    async def ask(path: str) -> list[dict[str, Any]]:
        transport = httpx.ASGITransport(create_api(deps))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:
            answer = await http.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
            return list(answer.json()["data"])

    def listed(query: str) -> dict[str, str | None]:
        rows = asyncio.run(ask(f"/v1/profiles?{query}"))
        return {row["identities"][0]["value"]: row["withheld"] for row in rows}

    assert listed("order=risk") == {"1": None}
    assert listed("order=risk&segment=repeat_buyer") == {"1": None}
    assert listed("order=recent") == {"1": None, "2": "profiling"}
