"""Pictures of the page of deliveries for the docs, of made-up ones: `python -m benchmarks.deliveries_pictures`."""

from __future__ import annotations

import os
import shutil
import time

from playwright.sync_api import sync_playwright

from benchmarks.pictures import Picture, shoot
from tests.console.browsing.delivering import delivering

PAGE = Picture("deliveries", "/settings/deliveries", high=1000)
PHONE = PAGE._replace(name="deliveries-phone", wide=390, high=844)
WAYS = [
    *(each for one in (PAGE, PHONE) for each in (one, one._replace(name=f"{one.name}-dark", theme="dark"))),
    PAGE._replace(name="deliveries-chinese", language="zh-CN"),
]


def main() -> None:
    """Take them all."""
    with sync_playwright() as playwright, delivering(time.time()) as (console, _):
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(base_url=console.url).new_page()
        page.goto(f"/sign-in/{console.link('operator')}")
        page.get_by_role("button").click()
        page.wait_for_url(f"{console.url}/**")
        for one in WAYS:
            shoot(browser, console.url, page.context.cookies(), one)
        browser.close()


if __name__ == "__main__":
    main()
