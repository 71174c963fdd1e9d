"""The console in a real browser, over stores in memory."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from profiles.stores.access import Role
from tests.console.browsing.living import Living, living

SignedIn = Callable[[Role], Page]

expect.set_options(timeout=60_000)  # milliseconds: how fast the machine is decides nothing


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser of its own for each file: while its driver runs, no test of the same process may begin a loop."""
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        if path is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("needs Chromium: apt-get install chromium, or playwright install chromium")
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def console() -> Iterator[Living]:
    """A console of its own, with nobody in it."""
    with living() as one:
        yield one


@pytest.fixture
def signed_in(chromium: Browser, console: Living) -> Iterator[SignedIn]:
    """Answers a page of somebody signed in with a role; fails if a page says an error in the browser's console."""
    with visitors(chromium, console) as open_page:
        yield open_page


@contextlib.contextmanager
def visitors(chromium: Browser, console: Living) -> Iterator[SignedIn]:
    """The same of any console."""
    said: list[str] = []
    with contextlib.ExitStack() as open_contexts:

        def open_page(role: Role) -> Page:
            context = chromium.new_context(base_url=console.url, viewport={"width": 1280, "height": 900})
            open_contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.on("console", lambda message: said.append(message.text) if _bad(message) else None)
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(f"/sign-in/{console.link(role)}")
            page.get_by_role("button").click()
            page.wait_for_url(f"{console.url}/**")
            return page

        yield open_page
    assert said == []


def _bad(message: ConsoleMessage) -> bool:
    return message.type == "error" or "Content Security Policy" in message.text
