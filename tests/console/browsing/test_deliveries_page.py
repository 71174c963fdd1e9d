"""The page of deliveries in a browser: axe in both lights and languages, on a desk and a phone; what is done there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from console.pages.languages import COOKIE
from streams.kafka.memory import MemoryLog
from streams.kafka.topics import DELIVERIES
from streams.records.deliveries import Request, decode_delivery
from tests.console.browsing.delivering import delivering
from tests.console.browsing.living import Living
from tests.console.browsing.test_every_page import AXE, DESK, LOOKS, PHONE, serious
from tests.console.people import NOW

pytestmark = pytest.mark.slow


@pytest.fixture
def told_of() -> Iterator[tuple[Living, MemoryLog]]:
    """A console of a plan with sinks, and what they were told."""
    with delivering(NOW) as found:
        yield found


@contextlib.contextmanager
def looking(chromium: Browser, console: Living, language: str, **more: Any) -> Iterator[Page]:
    """A page of an operator."""
    context = chromium.new_context(base_url=console.url, viewport=DESK, **more)
    context.add_init_script(path=AXE)
    context.add_cookies([{"name": COOKIE, "value": language, "url": console.url}])
    page = context.new_page()
    page.goto(f"/sign-in/{console.link('operator')}")
    page.get_by_role("button").click()
    page.wait_for_url(f"{console.url}/")
    try:
        yield page
    finally:
        context.close()


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(
    told_of: tuple[Living, MemoryLog], chromium: Browser, language: str, scheme: Any
) -> None:
    with looking(chromium, told_of[0], language, color_scheme=scheme) as page:
        page.goto("/settings/deliveries")
        compared = {"en": "12,345 members", "zh_Hans": "12,345 位成员"}[language]
        expect(page.locator("#deliveries")).to_contain_text(compared)
        expect(page.locator("#deliveries")).to_contain_text("it answered 410")
        assert page.locator("#deliveries b").count() == 0, "an answer is text"
        wrong = serious(page)
        page.set_viewport_size(PHONE)
        wrong += [f"on a phone: {one}" for one in serious(page, LOOKS)]
        assert wrong == []
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_operator_narrows_puts_back_tells_again_and_compares(
    told_of: tuple[Living, MemoryLog], chromium: Browser
) -> None:
    console, log = told_of
    with looking(chromium, console, "en") as page:
        page.goto("/settings/deliveries")
        page.get_by_label("State").select_option("dead")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("#deliveries")).to_contain_text("the sink refuses it")
        expect(page.locator("#deliveries")).not_to_contain_text("rate_limited")
        page.get_by_role("button", name="Tell it again").click()
        page.get_by_role("button", name="Put back what is dead").click()
        row = page.get_by_role("row").filter(has_text="ads")
        row.first.get_by_role("button", name="Compare with the store").click()
        expect(page.locator("#deliveries")).to_contain_text("being compared")
        assert page.locator("tr", has_text="care").get_by_role("button", name="Compare with the store").count() == 0
    records = [decode_delivery(one.value) for one in log._topics[DELIVERIES][0].records]
    asked = [(one.sink, one.action, one.by) for one in records if isinstance(one, Request)]
    assert asked == [("gone", "enable", "operator"), ("gone", "replay", "operator"), ("ads", "reconcile", "operator")]
