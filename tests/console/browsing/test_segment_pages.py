"""Segments in a browser: the list, one, and trying one before it is saved."""

from __future__ import annotations

import asyncio

import pytest
from playwright.sync_api import expect

from profiles.store import Changes
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, aside
from tests.console.people import DAY, NOW, customer, happened
from tests.console.support_api import PLAN

pytestmark = pytest.mark.slow


def shop(console: Living, customers: int = 6) -> None:
    """Customers of whom every second one complained, twice."""
    for number in range(customers):
        one = customer(("user_id", str(number)), risk=number / 10)
        if number % 2:
            happened(one, 1, "Complaint Received", "complaint", source="support")
            happened(one, 0, "Complaint Received", "complaint", source="support")
        console.keep(one)


def test_the_preview_counts_as_somebody_writes(console: Living, signed_in: SignedIn) -> None:
    shop(console)
    page = signed_in("analyst")
    page.goto("/segments")
    page.get_by_role("link", name="New", exact=True).click()

    page.get_by_label("Condition", exact=True).fill("{count: complaint, at_least: 2}")

    expect(page.locator("[data-inside]")).to_have_text("3")
    expect(page.locator("pre")).to_contain_text("count: complaint")

    page.get_by_label("Add a condition").select_option("{risk: above 0.7}")
    page.get_by_label("Condition", exact=True).nth(1).fill("{risk: above 0.45}")
    expect(page.locator("[data-inside]")).to_have_text("1")

    page.get_by_label("Who satisfies").select_option("any")
    expect(page.locator("[data-inside]")).to_have_text("3")

    page.get_by_label("Condition", exact=True).nth(1).fill("{risk: above}")
    expect(page.locator("#preview .problem").first).to_be_visible()


def test_a_stored_segment_is_previewed_as_it_is(console: Living, signed_in: SignedIn) -> None:
    shop(console)
    page = signed_in("analyst")
    page.goto("/segments/unhappy")
    page.get_by_role("link", name="Try a change").click()

    shown = [box.input_value() for box in page.get_by_label("Condition", exact=True).all()]

    unhappy = next(rule for rule in PLAN.segments if rule.name == "unhappy")
    assert len(shown) == len(unhappy.when.parts())
    assert page.locator("pre").inner_text().startswith("- name: unhappy")
    expect(page.locator("[data-inside]")).to_have_text("6")  # all gave a mark below 3


def test_who_entered_and_left_is_told_by_day(console: Living, signed_in: SignedIn) -> None:
    today = int(NOW // DAY)
    moved = {(today, "unhappy", True): 12, (today, "unhappy", False): 5, (today - 3, "unhappy", True): 4}
    aside(lambda: asyncio.run(console.held.commit(0, Changes(version=0, moved=moved))))
    page = signed_in("agent")
    page.goto("/segments")
    row = page.locator("tr", has_text="unhappy")
    expect(row).to_contain_text("+12 −5")
    expect(row.locator("svg.moves rect")).to_have_count(3)

    page.goto("/segments/unhappy")
    expect(page.locator("main")).to_contain_text("Today 12 entered and 5 left; within 30 days 16 and 5")


def test_only_who_may_tries_segments(console: Living, signed_in: SignedIn) -> None:
    shop(console, 1)
    page = signed_in("agent")
    page.goto("/segments/unhappy")

    expect(page.get_by_role("heading", name="unhappy")).to_be_visible()
    expect(page.get_by_role("link", name="Try a change")).to_have_count(0)


def test_the_search_box_is_empty_unless_somebody_searches(console: Living, signed_in: SignedIn) -> None:
    page = signed_in("analyst")
    for path in ("/", "/segments/new", "/plan"):
        page.goto(path)
        expect(page.get_by_label("Search", exact=True)).to_have_value("")
