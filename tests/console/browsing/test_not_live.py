"""A page that is told nothing any more says so: who looks was signed out, or the server is away."""

from __future__ import annotations

import asyncio

import pytest
from playwright.sync_api import Browser, Page, expect
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, aside
from tests.console.people import customer

pytestmark = pytest.mark.slow


def test_who_was_signed_out_reads_that_the_page_is_old_and_comes_back_to_it(
    console: Living, signed_in: SignedIn
) -> None:
    ada = customer()
    console.keep(ada)
    page = signed_in("agent")
    pages = [page, *(page.context.new_page() for _ in range(2))]
    for each, path in zip(pages, ("/", f"/c/{ada.id}", "/segments"), strict=True):
        each.bring_to_front()
        each.goto(f"{console.url}{path}")
        expect(each.locator("html[data-live]")).to_have_count(1)
        expect(each.locator("#not-live p:visible")).to_have_count(0)
    signed_out_at_the_next_state(console, *pages)

    page.get_by_role("button", name="Reload or sign in").click()
    page.wait_for_url("**/sign-in?to=/")


def signed_out_at_the_next_state(console: Living, *pages: Page) -> None:
    aside(lambda: asyncio.run(console.access.change_account("agent", lambda _: None)))
    for page in pages:  # a page is woken while it is looked at: hidden ones listen to nothing
        page.bring_to_front()
        console.feed.wake()
        expect(page.locator("#not-live p:visible")).to_contain_text("No longer live")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_server_that_is_away_is_told_and_taken_back_when_it_answers(console: Living, chromium: Browser) -> None:
    async def away(_: str) -> None:
        raise RedisConnectionError("gone")

    context = chromium.new_context(base_url=console.url)
    page = context.new_page()  # of its own: that the server is away is an error in the browser's console
    page.goto(f"/sign-in/{console.link('agent')}")
    page.get_by_role("button").click()
    expect(page.locator("#tabs")).to_contain_text("New 0")
    expect(page.locator("html[data-live]")).to_have_count(1)  # else it is the first connection that fails
    console.access.session = away  # type: ignore[method-assign]
    console.feed.wake()
    expect(page.locator("#not-live p:visible")).to_contain_text("Not live")

    del console.access.session
    console.keep(customer())
    expect(page.locator("#not-live [data-when=away]")).to_be_hidden(timeout=20_000)
    context.close()
