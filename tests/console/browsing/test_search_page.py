"""Search in a browser: as somebody types, by keys, by a page's address; nobody who is gone, and text stays text."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from profiles.types import ERASED, Identity, Profile, profile_id
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living
from tests.console.people import happened
from tests.console.support_api import PLAN

pytestmark = pytest.mark.slow


def person(number: str, **traits: Any) -> Profile:
    identity: Identity = ("user_id", number)
    made = Profile(id=profile_id(PLAN.namespace, identity))
    happened(made, 1, "", type="identify", identities=[identity], traits=traits)
    return made


def rows(page: Page, text: str) -> list[str]:
    page.goto("/customers")
    page.locator("#search").fill(text)
    page.locator("#search").press("Enter")
    page.wait_for_url("**/search?**")
    return page.locator("table.list tbody a").all_inner_texts()


def test_customers_are_found_by_parts_of_what_is_known(console: Living, signed_in: SignedIn) -> None:
    daan = person("customer-42", firstName="Daan", lastName="Weber", email="d.weber@example.com", phone="06 1234 5678")
    happened(daan, 1, "Order Completed", "purchase", source="purchase", subject="ORD-77")
    console.keep(daan)
    console.keep(person("2", name="Zoë van Dam"))
    page = signed_in("agent")

    for text in ("daa", "web", "weber@exa", "5678", "ord-7", "customer-"):
        assert rows(page, text) == ["Daan Weber"], text
    assert rows(page, "zoe") == ["Zoë van Dam"]

    console.keep(Profile(daan.id, redirect=ERASED))
    assert rows(page, "daan") == []
    expect(page.locator(".empty")).to_contain_text("end of a telephone number")


def test_a_list_comes_while_somebody_types_and_the_arrows_choose(console: Living, signed_in: SignedIn) -> None:
    ada, other = person("1", name="Ada Jansen"), person("2", name="Adam Bos")
    console.keep(ada)
    console.keep(other)
    page = signed_in("agent")
    page.goto("/")
    expect(page.locator("#search")).to_have_value("")
    page.keyboard.press("/")
    page.keyboard.type("ada")
    options = page.locator("#found").get_by_role("option")
    expect(options).to_have_count(2)
    expect(page.locator("#search")).to_have_attribute("aria-expanded", "true")
    first = options.first
    where = first.get_attribute("href")
    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{where}")


def test_an_identity_goes_straight_to_its_customer(console: Living, signed_in: SignedIn) -> None:
    ada = person("1042", name="Ada")
    console.keep(ada)
    console.keep(person("10421", name="Bea"))
    page = signed_in("agent")
    page.goto("/search?q=1042")
    assert page.url.endswith(f"/c/{ada.id}")


def test_who_sees_initials_finds_by_a_whole_identity_only(console: Living, signed_in: SignedIn) -> None:
    ada = person("1042", name="Ada Jansen")
    console.keep(ada)
    page = signed_in("analyst")
    for text in ("ada", "ada jansen", "104"):
        assert rows(page, text) == [], text
    page.goto("/search?q=1042")
    assert page.url.endswith(f"/c/{ada.id}")


def test_a_hostile_query_is_text(console: Living, signed_in: SignedIn) -> None:
    console.keep(person("1", name="Ada"))
    page = signed_in("agent")
    for text in ('"><img src=x onerror=alert(1)>', '<b hx-get="/sign-out" hx-trigger="load">', "\u202egnp", "[(\\%00*"):
        assert rows(page, text) == []
        assert page.locator("main img, main b").count() == 0
        page.locator("#search").fill(text + " ")
        expect(page.locator("#found")).not_to_be_empty()
        assert page.locator("#found img, #found b").count() == 0
