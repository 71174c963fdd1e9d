"""The page At risk: many cases decided on at once, by mouse and by keys, whatever happens meanwhile; its pages."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from profiles.stores.access import Account
from profiles.types import Profile
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, aside
from tests.console.browsing.test_case_actions import with_case
from tests.console.people import keep

pytestmark = pytest.mark.slow


def begin(console: Living, count: int) -> list[Profile]:
    """So many customers with a case; those of a lower number have more at risk."""
    found = [with_case(number) for number in range(count)]
    for number, one in enumerate(found):
        assert one.case is not None
        one.case = replace(one.case, value=100_000 - number)
        one.traits["firstName"] = (f"Name{number}", *one.traits["firstName"][1:])
    aside(lambda: keep(console.held, *found))
    return found


def resolved(one: Profile) -> Profile:
    assert one.case is not None
    one.case = replace(one.case, state="resolved")
    return one


def names(page: Page) -> list[str]:
    return page.locator("#cases td.whom").all_inner_texts()


def chosen(page: Page) -> list[str]:
    return page.locator("#cases tr:has(input[data-pick]:checked) td.whom").all_inner_texts()


def test_many_are_decided_on_at_once_and_each_that_cannot_be_is_told(console: Living, signed_in: SignedIn) -> None:
    found = begin(console, 6)
    aside(lambda: asyncio.run(console.access.put_account(Account(name="lee", role="agent"))))
    page = signed_in("agent")
    page.goto("/")
    boxes = page.locator("input[data-pick]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    assert chosen(page) == ["Name1", "Name2", "Name3", "Name4"]
    console.keep(resolved(found[2]))  # by somebody else, meanwhile: the list is told anew, and what was chosen stays so
    expect(page.locator("#cases tbody tr")).to_have_count(5)
    assert chosen(page) == ["Name1", "Name3", "Name4"]
    expect(page.locator("#selection")).to_contain_text("4 selected · 1 not on this page any more")

    page.locator("#selection").get_by_role("button", name="Assign…").click()
    page.locator("dialog#assign").get_by_label("To").select_option("lee")
    page.locator("dialog#assign").get_by_role("button", name="Assign").click()

    expect(page.locator("#decided")).to_contain_text("3 cases given to lee.")
    expect(page.locator("#decided li")).to_have_text(["Name2: the case is over already"])
    expect(page.locator("#selection")).to_be_hidden()
    expect(page.locator("#cases td.with")).to_contain_text(["–", "lee", "lee", "lee", "–"])


def test_all_of_it_goes_by_keys_and_the_next_row_comes_under_the_keyboard(console: Living, signed_in: SignedIn) -> None:
    begin(console, 5)
    page = signed_in("agent")
    page.goto("/")
    for key in "jxjx":
        page.keyboard.press(key)
    assert chosen(page) == ["Name0", "Name1"]
    page.keyboard.press("r")
    page.locator("dialog#resolve").get_by_label("No answer").check()
    page.keyboard.press("Enter")
    expect(page.locator("#decided")).to_contain_text("2 cases resolved: no answer.")
    expect(page.locator("#cases tbody tr")).to_have_count(3)
    expect(page.locator("#cases tr:focus td.whom")).to_have_text("Name3")  # where the second one was

    page.keyboard.press("k")
    page.keyboard.press("e")
    expect(page.locator("#decided")).to_contain_text("1 case acknowledged.")
    expect(page.locator("#cases tbody tr")).to_have_count(2)
    page.keyboard.press("?")
    expect(page.locator("dialog#keys")).to_contain_text("Select the case")
    page.keyboard.press("Escape")
    expect(page.locator("#cases tr:focus td.whom")).to_have_text("Name3")
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    assert chosen(page) == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/*")


def test_pages_go_beyond_what_one_shows_and_have_addresses_of_their_own(console: Living, signed_in: SignedIn) -> None:
    found = begin(console, 120)
    page = signed_in("agent")
    page.goto("/")
    expect(page.locator("#cases p.count")).to_have_text("1–50 of 120")
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#cases p.count")).to_have_text("51–100 of 120")
    assert names(page) == [f"Name{number}" for number in range(50, 100)]
    second = page.url
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#cases p.count")).to_have_text("101–120 of 120")
    assert page.get_by_role("link", name="Next").count() == 0

    page.goto(second)
    console.keep(resolved(found[49]))  # the very last of the page before goes
    expect(page.locator("#cases p.count")).to_have_text("50–99 of 119")
    assert names(page)[0] == "Name50"
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("#cases p.count")).to_have_text("1–50 of 119")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert len(download.value.path().read_text().splitlines()) == 120


def test_on_a_phone_a_bar_is_at_the_foot_and_nothing_overlaps(console: Living, signed_in: SignedIn) -> None:
    found = begin(console, 8)
    page = signed_in("agent")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    page.locator("td.pick").nth(2).click()
    bar = page.locator("#selection")
    expect(bar.get_by_role("button", name="Acknowledge")).to_be_in_viewport()
    expect(bar.get_by_role("button", name="Snooze…")).to_be_in_viewport()
    fits(page)
    page.mouse.wheel(0, 10_000)
    lowest, top = page.locator("#cases tbody tr").last.bounding_box(), bar.bounding_box()
    assert lowest is not None
    assert top is not None
    assert lowest["y"] + lowest["height"] <= top["y"] + 1

    page.goto(f"/c/{found[0].id}")
    bar = page.locator("#bar")
    fits(page)
    bar.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#decided")).to_contain_text("1 case acknowledged.")
    expect(bar.get_by_role("button", name="Acknowledge")).to_be_disabled()
    bar.get_by_role("button", name="Snooze…").click()
    page.locator("dialog#snooze").get_by_role("button", name="Snooze").click()
    expect(page.locator("#decided")).to_contain_text("1 case snoozed.")
    expect(page.locator("#next")).to_contain_text("snoozed")


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_how_cases_ended_lately_is_told_at_the_top(console: Living, signed_in: SignedIn) -> None:
    begin(console, 3)
    page = signed_in("agent")
    page.goto("/")
    expect(page.locator("#outcomes")).to_contain_text("Ended in the last 7 days: none")
    for outcome in ("The customer stayed", "The customer left"):
        page.keyboard.press("j")
        page.keyboard.press("r")
        page.locator("dialog#resolve").get_by_label(outcome).check()
        page.locator("dialog#resolve").get_by_role("button", name="Resolve").click()
        expect(page.locator("#decided")).to_contain_text(outcome.split()[-1])
    expect(page.locator("#outcomes")).to_contain_text("1 stayed")
    expect(page.locator("#outcomes")).to_contain_text("1 left")
    expect(page.locator("#outcomes")).to_contain_text("kept 50%")
