"""Cases in two browsers: one person acts, the other sees it; who may not act has no buttons."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from models.cases.following import Cases
from profiles.consent import Consent
from profiles.types import Profile
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living
from tests.console.people import DAY, NOW, customer
from tests.console.support_api import PLAN

pytestmark = pytest.mark.slow

CASES = Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent())


def with_case(number: int, stage: str = "at_risk") -> Profile:
    found = customer(("user_id", str(number)))
    found.stage = stage
    CASES.follow(found, NOW)
    return found


def test_two_people_see_each_others_decisions(console: Living, signed_in: SignedIn) -> None:
    console.keep(with_case(42))
    console.keep(with_case(43, "churned"))  # has left, and is not here
    mine, theirs = signed_in("agent"), signed_in("admin")
    mine.goto("/")
    theirs.goto("/")
    rows = theirs.locator("#cases tbody tr")
    expect(rows).to_have_count(1)

    mine.keyboard.press("j")
    mine.keyboard.press("a")
    mine.keyboard.press("Enter")  # to oneself, unless another one is chosen
    expect(rows).to_contain_text("agent")
    expect(mine.locator("#decided")).to_contain_text("1 case given to agent.")

    mine.keyboard.press("s")
    mine.locator("dialog#snooze").get_by_label("a week").check()
    mine.locator("dialog#snooze").get_by_role("button", name="Snooze").click()
    expect(rows).to_have_count(0)
    expect(theirs.locator("#tabs")).to_contain_text("Snoozed 1")

    theirs.goto("/?tab=snoozed")
    mine.goto("/?tab=mine")
    theirs.get_by_role("button", name="Resolve").first.click()
    theirs.locator("dialog#resolve").get_by_label("The customer stayed").check()
    theirs.locator("dialog#resolve").get_by_label("Note").fill("<img src=x onerror=alert(1)>")
    theirs.locator("dialog#resolve").get_by_role("button", name="Resolve").click()
    expect(mine.locator("#cases tbody tr")).to_have_count(0)
    mine.goto("/?tab=done")
    expect(mine.locator("#cases tbody tr")).to_contain_text("stayed")


def test_who_may_not_act_has_no_buttons(console: Living, signed_in: SignedIn) -> None:
    console.keep(with_case(42))
    page = signed_in("analyst")
    page.goto("/")
    expect(page.locator("#cases tbody tr")).to_have_count(1)
    assert page.locator("#cases [data-act], #cases input, #selection, dialog:not(#keys)").count() == 0
