"""Revealing masked personal data, and who looked: each click is for this view only, and is written down."""

from __future__ import annotations

import asyncio

import pytest
from playwright.sync_api import Page, expect

from profiles.types import Profile
from streams.audit.trail import AuditRow
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, aside
from tests.console.people import customer, happened

pytestmark = pytest.mark.slow

EMAIL = "ada@example.com"


def ada() -> Profile:
    one = customer()
    happened(one, 0, "", type="identify", traits={"email": EMAIL, "phone": "+31 6 1234 5678", "lastName": "Lovelace"})
    return one


def noted(console: Living, action: str) -> list[AuditRow]:
    rows = aside(lambda: asyncio.run(console.audit.newest(50))).rows
    return [row for row in rows if row.action == action][::-1]


def unfold(page: Page) -> None:
    page.locator("details:has(#traits) > summary").click()


def test_a_click_shows_one_value_on_this_view_only_and_is_written_down(console: Living, signed_in: SignedIn) -> None:
    one = ada()
    console.keep(one)
    page = signed_in("analyst")
    page.goto("/customers")
    page.goto(f"/c/{one.id}")
    unfold(page)
    page.get_by_label("What for").fill("asked for a call")
    page.locator("#traits dd", has_text="a…@example.com").get_by_role("button", name="Reveal").click()
    expect(page.locator("#traits")).to_contain_text(EMAIL)
    assert "1234" not in page.content()
    (row,) = noted(console, "profile.reveal")
    assert (row.actor, row.object, row.fields, row.reason) == ("analyst", one.id, ("traits.email",), "asked for a call")

    happened(one, 0, "", type="identify", traits={"city": "Ghent"})  # the page is alive, and it stays
    console.keep(one)
    expect(page.locator("#traits")).to_contain_text("city")
    expect(page.locator("#traits")).to_contain_text(EMAIL)
    page.get_by_role("button", name="Reveal A. L.").click()
    expect(page.get_by_role("heading", name="Ada Lovelace")).to_be_visible()

    assert page.url == f"{console.url}/c/{one.id}"
    page.goto("/customers")
    page.go_back()
    expect(page.locator("#head h1")).to_contain_text("A. L.")
    assert EMAIL not in page.content()
    assert "Lovelace" not in page.content()


def test_a_name_is_revealed_in_a_list(console: Living, signed_in: SignedIn) -> None:
    one = ada()
    console.keep(one)
    page = signed_in("operator")
    page.goto("/customers")
    expect(page.locator("main")).not_to_contain_text("Lovelace")
    page.get_by_role("button", name="Reveal A. L.").click()
    expect(page.locator("tbody tr")).to_contain_text("Ada Lovelace")
    assert page.url == f"{console.url}/customers"
    assert [row.fields for row in noted(console, "profile.reveal")] == [("label",)]


def test_who_sees_all_has_nothing_to_reveal_and_sees_who_looked(console: Living, signed_in: SignedIn) -> None:
    one = ada()
    console.keep(one)
    analyst, agent, admin = signed_in("analyst"), signed_in("agent"), signed_in("admin")
    for page in (agent, admin):
        page.goto(f"/c/{one.id}")
        assert page.get_by_role("button", name="Reveal").count() == 0
    assert agent.get_by_text("Who looked").count() == 0
    analyst.goto(f"/c/{one.id}")
    analyst.get_by_role("button", name="Reveal A. L.").click()
    expect(analyst.locator("#head")).to_contain_text("Lovelace")

    admin.get_by_text("Who looked").click()
    looked = admin.locator("#looked li")
    expect(looked).to_have_count(4)
    expect(looked.first).to_contain_text("analyst revealed personal data label")
    expect(looked.nth(1)).to_contain_text("analyst looked")
    answer = agent.request.get(f"/c/{one.id}/looked")
    assert answer.status == 403


def test_who_looked_at_whoever_was_joined_has_looked_at_this_customer(console: Living, signed_in: SignedIn) -> None:
    one, other = ada(), customer(("user_id", "43"))
    for each in (one, other):
        console.keep(each)
    page = signed_in("admin")
    page.goto(f"/c/{other.id}")
    page.goto("/customers")  # whose page is open is led on, which is a look, too
    console.keep(Profile(id=other.id, redirect=one.id))
    one.identities["user_id"]["43"] = 0.0
    console.keep(one)

    page.goto(f"/c/{one.id}")
    page.get_by_text("Who looked").click()
    expect(page.locator("#looked li")).to_have_count(2)
