"""The guide for who is new: each step ticks itself, live, when it is really done; whose it is, and how it goes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from playwright.sync_api import Page, expect

from profiles.types import Identity, Profile, profile_id
from streams.kafka.output import Row
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living
from tests.console.people import customer, happened
from tests.console.support_api import PLAN

pytestmark = pytest.mark.slow


def person(user: str) -> Profile:
    identity: Identity = ("user_id", user)
    made = Profile(id=profile_id(PLAN.namespace, identity))
    happened(made, 1, "Product Viewed", "view", identities=[identity])
    return made


def sent(**context: Any) -> Row:
    event = {"type": "track", "event": "Product Viewed", "userId": "ada", "context": context}
    return Row("events.web", None, b"k", orjson.dumps(event), [])


def ticked(page: Page) -> list[bool]:
    return [step == "done" for step in page.locator("#guide li").evaluate_all("all => all.map(one => one.className)")]


def test_each_step_ticks_itself_when_it_is_really_done(console: Living, signed_in: SignedIn) -> None:
    page = signed_in("admin")
    page.goto("/")
    steps = page.locator("#guide li.done")
    expect(page.locator("#guide li")).to_have_count(3)
    page.evaluate("window.same = true")
    assert ticked(page) == [False, False, False]
    expect(page.get_by_role("link", name="Look at a customer")).to_be_visible()

    console.keep(customer(("user_id", "42")))
    expect(page.get_by_role("link", name="Look at customer 42")).to_be_visible()
    console.keep(person("me"))
    expect(steps).to_have_count(1)
    console.happen(sent(), sent(library="none"), sent(library={"name": "analytics-python"}))
    expect(steps).to_have_count(2)
    assert page.evaluate("window.same")  # nothing was loaded anew
    assert ticked(page) == [False, True, True]

    page.get_by_role("link", name="Look at customer 42").click()
    expect(page.locator("#head")).to_contain_text("Ada")
    page.goto("/")
    expect(page.get_by_role("heading", name="At risk")).to_be_visible()
    expect(page.locator("#guide")).to_have_count(0)  # all is done


def test_the_wrong_customer_is_not_the_one_and_the_guide_can_be_put_away(console: Living, signed_in: SignedIn) -> None:
    console.keep(customer(("user_id", "42")))
    other = person("43")
    console.keep(other)
    page = signed_in("operator")
    page.goto(f"/c/{other.id}")
    page.goto("/")
    assert ticked(page) == [False, False, False]

    page.get_by_role("button", name="Put this away").click()
    expect(page.locator("#guide li")).to_have_count(0)
    console.keep(person("me"))
    page.goto("/")
    expect(page.locator("#guide")).to_have_count(0)
    again = signed_in("admin")  # of another account it is another's business
    again.goto("/")
    expect(again.locator("#guide li.done")).to_have_count(1)


def test_what_was_sent_while_nobody_looked_counts(console: Living, signed_in: SignedIn) -> None:
    console.happen(sent(library={"name": "@segment/analytics-node"}))
    page = signed_in("admin")
    page.goto("/")
    expect(page.locator("#guide li.done")).to_have_count(1)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_who_does_not_look_after_senders_has_no_guide(console: Living, signed_in: SignedIn) -> None:
    page = signed_in("agent")
    page.goto("/")
    expect(page.get_by_role("heading", name="At risk")).to_be_visible()
    expect(page.locator("#guide")).to_have_count(0)
