"""Many open pages of one browser, which has six connections to a server: one stream each, none in the background."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from console.pages.frame import environment
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living
from tests.console.people import customer, happened

pytestmark = pytest.mark.slow


def turn(page: Page, state: str) -> None:
    """Put a tab into the background, or take it back: a browser without a window does neither."""
    page.evaluate(
        """state => {
          Object.defineProperty(document, 'visibilityState', { configurable: true, value: state })
          Object.defineProperty(document, 'hidden', { configurable: true, value: state === 'hidden' })
          document.dispatchEvent(new Event('visibilitychange'))
        }""",
        state,
    )


def test_ten_tabs_are_served_and_one_that_comes_back_has_missed_nothing(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    first = signed_in("agent")
    first.goto(f"/c/{ada.id}")
    turn(first, "hidden")
    for _ in range(9):
        other = first.context.new_page()
        other.goto("/", timeout=60_000)
        expect(other.locator("#tabs")).to_be_visible()
        turn(other, "hidden")

    happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77")
    console.keep(ada)

    expect(first.locator("#timeline")).not_to_contain_text("T77")
    turn(first, "visible")
    expect(first.locator("#timeline")).to_contain_text("T77", timeout=30_000)


def test_a_page_has_one_stream_at_most() -> None:
    made = environment("en")
    assert made.loader is not None
    for name in made.loader.list_templates():
        source, _, _ = made.loader.get_source(made, name)
        assert len(re.findall(r"hx-sse:connect=", source)) <= 1, name
