"""A customer's page in a browser: what it shows, that it is alive, and that hostile text stays text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from profiles.types import Profile
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living
from tests.console.browsing.test_case_actions import CASES
from tests.console.people import NOW, customer, happened

pytestmark = pytest.mark.slow

HOSTILE = '"><img src=x onerror=alert(1)><b hx-get="/sign-out" hx-trigger="load">\u202egnp.exe'


def test_what_happens_to_a_customer_shows_without_a_reload(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    page = signed_in("agent")
    page.goto(f"/c/{ada.id}")
    expect(page.get_by_role("heading", name="Ada")).to_be_visible()

    told = {"type": "delivery", "comment": "Where is it?"}
    happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77", shown=told)
    console.keep(ada)

    expect(page.locator(".timeline")).to_contain_text("T77")
    expect(page.locator(".timeline")).to_contain_text("comment Where is it?")


def test_hostile_text_is_text(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    happened(ada, 0, HOSTILE, type="identify", traits={"firstName": HOSTILE})
    happened(ada, 0, HOSTILE, subject=HOSTILE)
    happened(ada, 0, "Ticket Opened", "ticket_opened", source="support", shown={HOSTILE: HOSTILE})
    CASES.follow(ada, NOW)
    console.keep(ada)
    page = signed_in("agent")

    for path in (f"/c/{ada.id}", "/customers", "/"):
        page.goto(path)
        expect(page.locator("main")).to_contain_text("<img src=x onerror=alert(1)>")
        assert page.locator("main img, main b").count() == 0


def test_nothing_scrolls_sideways_on_a_phone(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    happened(ada, 0, "x" * 300, type="identify", traits={"firstName": "W" * 90})
    console.keep(ada)
    page = signed_in("agent")
    page.set_viewport_size({"width": 390, "height": 844})

    for path in (f"/c/{ada.id}", "/customers", "/"):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_somebody_opened_stays_open_while_the_page_lives_on(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    page = signed_in("agent")
    page.goto(f"/c/{ada.id}")
    page.get_by_text("Traits", exact=True).click()
    page.get_by_text("Why these are one customer").click()
    expect(page.locator("#links")).to_contain_text("the others joined this one")

    happened(ada, 0, "", type="identify", traits={"city": "Ghent"})
    console.keep(ada)

    expect(page.locator("#traits")).to_contain_text("Ghent")
    expect(page.locator("#traits")).to_be_visible()
    expect(page.locator("#links")).to_contain_text("user id 42")


def test_the_timeline_of_one_source_is_an_address_and_says_where_it_ends(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    for count in range(60):
        happened(ada, 5 - count / 60, f"Page {count}", source="web")
    console.keep(ada)
    page = signed_in("agent")
    page.goto(f"/c/{ada.id}")
    expect(page.locator("#timeline")).to_contain_text("events are kept here; older ones are in the event archive")
    page.get_by_role("link", name="support").click()
    expect(page).to_have_url(f"{console.url}/c/{ada.id}?source=support")
    expect(page.locator("#timeline li")).to_have_count(2)

    happened(ada, 0, "Page Viewed", source="web")
    happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77")
    console.keep(ada)

    expect(page.locator("#timeline li")).to_have_count(3)
    page.get_by_role("link", name="bought").click()
    expect(page.locator("#timeline li").first).to_contain_text("Order Refunded")


def test_who_was_joined_to_another_is_looked_at_there(console: Living, signed_in: SignedIn) -> None:
    ada, other = customer(), customer(("user_id", "43"))
    console.keep(ada)
    console.keep(other)
    page = signed_in("agent")
    page.goto(f"/c/{other.id}")

    console.keep(Profile(id=other.id, redirect=ada.id))

    page.wait_for_url(f"{console.url}/c/{ada.id}?joined=true")
    expect(page.locator("p[role=status]")).to_contain_text("joined to this one")
    page.goto(f"/c/{other.id}")
    page.wait_for_url(f"{console.url}/c/{ada.id}?joined=true")


def test_on_a_phone_what_to_do_comes_first_and_stays_at_hand(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    happened(ada, 0, "", type="identify", traits={"phone": "+31 6 1234 5678"})
    console.keep(ada)
    page = signed_in("agent")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/c/{ada.id}")

    tops = [page.locator(f"#{part}").bounding_box() for part in ("head", "next", "risk", "value", "timeline")]
    heights = [box["y"] for box in tops if box]
    assert heights == sorted(heights)
    expect(page.get_by_role("link", name="Call")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Call")).to_have_attribute("href", "tel:+31612345678")
    expect(page.locator("#consents")).not_to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_analyst_sees_no_personal_data(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    happened(ada, 0, "", type="identify", traits={"email": "ada@example.com", "phone": "+31 6 1234 5678"})
    console.keep(ada)
    page = signed_in("analyst")
    page.goto(f"/c/{ada.id}")

    expect(page.locator("#traits")).to_contain_text("a…@example.com")
    assert "ada@example.com" not in page.content()
    assert "1234" not in page.content()


def test_figures_are_as_alive_as_the_rest(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    page = signed_in("agent")
    page.goto(f"/c/{ada.id}")
    expect(page.locator("#figures")).to_contain_text("net of 3 orders")

    happened(ada, 0, "Order Completed", "purchase", source="purchase", amount=4000, currency="EUR", subject="o0")
    console.keep(ada)

    expect(page.locator("#figures")).to_contain_text("net of 4 orders")
    expect(page.locator("#figures")).to_contain_text("€100.00")  # 65.00 less 5.00, and 40.00
