"""A customer's page in a browser: what it shows, that it is alive, and that hostile text stays text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living
from tests.console.people import customer, happened

pytestmark = pytest.mark.slow

HOSTILE = '"><img src=x onerror=alert(1)><b hx-get="/sign-out" hx-trigger="load">\u202egnp.exe'


def test_what_happens_to_a_customer_shows_without_a_reload(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    page = signed_in("agent")
    page.goto(f"/c/{ada.id}")
    expect(page.get_by_role("heading", name="Ada")).to_be_visible()

    happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77")
    console.keep(ada)

    expect(page.locator(".timeline")).to_contain_text("T77")


def test_hostile_text_is_text(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    happened(ada, 0, HOSTILE, type="identify", traits={"firstName": HOSTILE})
    happened(ada, 0, HOSTILE, subject=HOSTILE)
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
