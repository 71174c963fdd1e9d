"""What is counted of today changes on the page of analyses while somebody looks."""

from __future__ import annotations

import asyncio

import pytest
from playwright.sync_api import expect

from profiles.calendar.local_time import LocalTime
from profiles.daily.counters import CUSTOMERS, NEW, NOW, OPEN_TICKETS, REVENUE
from profiles.store import Changes
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, aside
from tests.console.people import NOW as AT

pytestmark = pytest.mark.slow

TODAY = LocalTime().of(AT)


def test_the_tiles_of_today_follow_what_is_counted(console: Living, signed_in: SignedIn) -> None:
    def count(version: int, **more: int) -> None:
        counted = {(TODAY, CUSTOMERS): 3, (TODAY, NEW): 1, (TODAY, REVENUE): 12_50, (NOW, OPEN_TICKETS): 2}
        aside(lambda: asyncio.run(console.held.commit(1, Changes(version=version, counted=counted))))

    count(0)
    page = signed_in("analyst")
    page.goto("/analyses")
    customers = page.locator("[data-today=customers]")
    expect(customers).to_have_text("3")
    expect(page.locator("[data-today=net]")).to_contain_text("12.50")
    expect(page.locator("[data-today=tickets]")).to_contain_text("2")

    count(1)
    console.feed.wake()
    expect(customers).to_have_text("6", timeout=60_000)
    expect(page.locator("[data-today=net]")).to_contain_text("25.00")
