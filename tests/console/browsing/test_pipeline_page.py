"""What comes in, in a browser: events as they come, rejections by mistake and their replay, a paused source."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from playwright.sync_api import Page, expect

from profiles.times import rfc3339
from profiles.units import Pause
from streams.kafka.output import Row
from streams.records.rejected import Rejection
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living
from tests.console.people import NOW

pytestmark = pytest.mark.slow

HOSTILE = '<img src=x onerror=alert(1)><b hx-get="/sign-out" hx-trigger="load">'


def sent(event: str, user: str = "customer-4711", **properties: Any) -> bytes:
    return orjson.dumps({"type": "track", "event": event, "userId": user, "properties": properties})


def viewed(user: str = "customer-4711") -> Row:
    return Row("events.web", None, b"k", sent("Product Viewed", user, product_id="P1"), [])


def rejected(
    event: str, reason: str = "unplanned", message: str = 'did you mean "Product Viewed"?', **more: Any
) -> Row:
    told = Rejection(
        rfc3339(NOW - 60), "check", reason, message, "web", "events.web", 0, 7, sent(event, product_id="P1", **more)
    )
    return Row("events.rejected", 0, b"k", told.encode(), [])


def watching(page: Page, address: str = "/pipeline") -> Page:
    page.goto(address)
    expect(page.locator("#live-state")).to_contain_text("live")
    return page


def test_events_show_as_they_come_and_open_in_place(console: Living, signed_in: SignedIn) -> None:
    page = watching(signed_in("operator"))
    expect(page.locator("#no-events")).to_be_visible()

    console.happen(viewed(), rejected("Prodct Viewed"))

    good = page.locator("details.event.accepted")
    expect(good).to_contain_text("Product Viewed")
    expect(page.locator("details.event.rejected")).to_contain_text('did you mean "Product Viewed"?')
    expect(page.locator("#no-events")).to_be_hidden()
    good.locator("summary").click()
    expect(good.locator("pre").first).to_contain_text("P1")
    expect(good.get_by_role("link", name="The customer")).to_be_visible()
    assert "4711" not in page.content()


def test_who_reads_is_not_disturbed_and_told_what_waits(console: Living, signed_in: SignedIn) -> None:
    page = watching(signed_in("operator"))
    page.get_by_role("button", name="Pause").click()

    console.happen(viewed("one"), viewed("two"))

    expect(page.locator("#sample")).to_contain_text("2 waiting")
    expect(page.locator("details.event")).to_have_count(0)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("details.event")).to_have_count(2)


def test_filters_are_in_the_address(console: Living, signed_in: SignedIn) -> None:
    page = watching(signed_in("operator"))
    page.get_by_label("only bad ones").check()
    page.get_by_role("button", name="Watch").click()
    page.wait_for_url("**only_bad=true*")
    expect(page.locator("#live-state")).to_contain_text("live")

    console.happen(viewed(), rejected(HOSTILE))

    expect(page.locator("details.event")).to_have_count(1)
    expect(page.locator("details.event")).to_contain_text("<img src=x onerror")
    assert page.locator("#events img, #events b").count() == 0


def test_what_is_mended_is_tried_and_then_put_back(console: Living, signed_in: SignedIn) -> None:
    console.happen(rejected("Product Viewed"), rejected("Prodct Viewed"))
    page = signed_in("operator")
    page.goto("/pipeline")
    row = page.locator("#rejected tr", has_text="The plan accepts it now")
    expect(row).to_contain_text("Product Viewed")

    row.get_by_role("button", name="What would pass?").click()
    expect(page.locator("[data-passing]")).to_have_text("1 event would be put back")
    page.get_by_role("button", name="Put 1 back").click()
    expect(page.locator("[data-passing]")).to_have_text("1 event was put back")

    page.get_by_role("button", name="Read again").click()
    expect(page.locator("#rejected tbody tr")).to_have_count(1)
    page.goto("/jobs")
    expect(page.locator("#jobs")).to_contain_text("rejected events")


def test_figures_come_by_themselves_and_a_source_is_taken_again(console: Living, signed_in: SignedIn) -> None:
    console.pause("web", Pause(paused=True, since=NOW - 60, why="too many would be rejected", example=HOSTILE))
    page = watching(signed_in("operator"))
    expect(page.locator("[data-accepted]")).to_have_text("0")

    console.count(int(NOW // 60), {"event|web|accepted": 41, "event|web|rejected": 2, "rejected|web|unplanned": 2})

    expect(page.locator("[data-accepted]")).to_have_text("41")
    expect(page.get_by_text("web is paused")).to_be_visible()
    page.get_by_role("button", name="Take it again").click()
    expect(page.get_by_text("web is paused")).to_have_count(0)


def test_who_may_not_see_it_is_told_so(signed_in: SignedIn) -> None:
    page = signed_in("agent")
    expect(page.get_by_role("link", name="Pipeline")).to_have_count(0)
    answer = page.request.get("/pipeline", headers={"Accept": "text/html"})
    assert answer.status == 403


def test_nothing_scrolls_sideways_on_a_phone(console: Living, signed_in: SignedIn) -> None:
    console.happen(rejected("W" * 300, message="M" * 300))
    page = signed_in("operator")
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/pipeline", "/jobs", "/models"):
        page.goto(path)
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
