"""The pages of the plan and of the API, in a browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, living

pytestmark = pytest.mark.slow


def test_the_plan_is_filtered_as_somebody_types(signed_in: SignedIn) -> None:
    page = signed_in("analyst")
    page.goto("/plan")
    expect(page.get_by_text("Order Completed", exact=True).first).to_be_visible()

    page.get_by_label("Filter").fill("complaint")

    expect(page.get_by_text("Order Completed", exact=True)).to_have_count(0)
    expect(page.get_by_text("Complaint Received", exact=True)).to_be_visible()
    expect(page.get_by_label("Filter")).to_be_focused()
    assert page.url.endswith("/plan?q=complaint")


def test_anybody_reads_what_is_public_where_it_is_switched_on(chromium: Browser, console: Living) -> None:
    page = chromium.new_page()
    with living(transparency=True) as open_one:
        page.goto(f"{open_one.url}/transparency")
        expect(page.get_by_role("heading", name="What we know about you")).to_be_visible()
        expect(page.locator("main")).not_to_contain_text("silent")
    page.goto(f"{console.url}/transparency")
    expect(page.get_by_role("heading", name="This cannot be shown")).to_be_visible()
    page.close()


def test_the_api_is_described_without_the_internet(chromium: Browser) -> None:
    asked: list[str] = []
    said: list[str] = []
    page = chromium.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    with living(open_docs=True) as one:
        page.goto(f"{one.url}/docs")
        expect(page.locator(".opblock").first).to_be_visible(timeout=30_000)
        preview = page.get_by_text("/v1/segments/preview")
        for _ in range(300):  # what is further down is drawn when somebody comes there
            if preview.count():
                break
            page.mouse.wheel(0, 800)
            page.wait_for_timeout(50)
        preview.click(timeout=30_000)
        expect(page.locator("#docs")).to_contain_text("Request body", timeout=30_000)
        assert all(url.startswith((one.url, "data:")) for url in asked)
    assert said == []
    page.close()
