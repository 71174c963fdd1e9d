"""Released SDKs, unchanged, in other runtimes: Go, Java, and a real browser on a page of another origin."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from streams.collector.wire import TYPES
from streams.kafka.admin import ensure_topics
from streams.settings import Settings
from tests.console.collecting import WEB, Collecting, collecting, shipped_plan, wait_until_ready
from tests.console.sdk_builds import SDKS, go_program, java_classes, node_modules


@pytest.fixture(scope="module")
def collector(kafka: str) -> Iterator[Collecting]:
    """One for all SDKs."""
    settings = Settings(kafka=kafka, topic_prefix=f"t{uuid.uuid4().hex[:10]}.", partitions=1)
    ensure_topics(settings, shipped_plan())
    with collecting(settings) as running:
        wait_until_ready(running)
        yield running


class _Shop(http.server.SimpleHTTPRequestHandler):
    """The pages, and the SDKs that they load."""

    def translate_path(self, path: str) -> str:
        """A page of ours, or a file that npm has installed."""
        path = path.partition("?")[0]
        root = node_modules().parent if path.startswith("/node_modules/") else SDKS / "pages"
        return str(root / path.lstrip("/"))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The address of a web site with the SDKs for browsers: another origin than the collector's."""
    node_modules()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Shop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        if path is None and not Path(playwright.chromium.executable_path).exists():
            if os.environ.get("RAPPORT_TEST_REQUIRE") == "apache":
                pytest.fail("needs Chromium on PATH")
            pytest.skip("needs Chromium: apt-get install chromium, or playwright install chromium")
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def arrived(collector: Collecting, before: int, kinds: set[str]) -> dict[str, dict[str, Any]]:
    """The events that came since, by type, once all are there."""
    deadline = time.monotonic() + 60
    while len(collector.events()) < before + len(kinds):
        assert time.monotonic() < deadline, [event["type"] for event in collector.events()[before:]]
        time.sleep(0.1)
    events = collector.events()[before:]
    assert sorted(event["type"] for event in events) == sorted(kinds)
    assert collector.rejected() == []
    return {event["type"]: event for event in events}


def assert_right(events: dict[str, dict[str, Any]]) -> None:
    """Ids, traits and properties are those that were given to the SDK."""
    identify, track = events["identify"], events["track"]
    assert (identify.get("traits") or identify["context"]["traits"])["email"] == "a@example.com"
    assert (track["event"], track["properties"]["total"], track["userId"]) == ("Order Completed", 27.5, "u1")
    assert events["page"]["name"] == "Home"
    assert (events["group"]["groupId"], events["alias"]["previousId"]) == ("g1", "a1")
    for event in events.values():
        assert {"messageId", "timestamp", "receivedAt"} <= event.keys()


@pytest.mark.parametrize("sdk", ["segment", "rudder"])
@pytest.mark.parametrize("runtime", ["go", "java"])
def test_a_program_sends(collector: Collecting, runtime: str, sdk: str) -> None:
    """All six calls by the SDKs for Go and Java; they report no error."""
    command = [str(go_program())] if runtime == "go" else ["java", "-Xmx128m", "-cp", java_classes(), "Send"]
    before = len(collector.events())

    done = subprocess.run([*command, sdk, collector.url, WEB], capture_output=True, text=True, check=False, timeout=120)

    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert_right(arrived(collector, before, set(TYPES)))


@pytest.mark.parametrize(
    ("page", "strategy", "endpoint"),
    [
        ("segment", "", "track"),
        ("segment", "batching", "batch"),
        ("rudder", "", "track"),
        ("rudder", "beacon", "beacon"),
    ],
)
def test_a_page_sends(
    collector: Collecting, shop: str, browser: Browser, page: str, strategy: str, endpoint: str
) -> None:
    """The SDKs for browsers: what they load first, the preflights of what they send, each way of sending."""

    def requests() -> float:
        return collector.counted("rapport_collector_requests_total", endpoint=endpoint, status="200")

    before, before_requests = len(collector.events()), requests()
    kinds = set(TYPES) - ({"screen"} if page == "rudder" else set())
    tab = browser.new_context().new_page()
    told: list[str] = []
    tab.on("console", lambda message: told.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: told.append(str(error)))

    tab.goto(f"{shop}/{page}.html")
    tab.evaluate("([url, key, strategy]) => send(url, key, strategy)", [collector.url, WEB, strategy])

    try:
        events = arrived(collector, before, kinds)
    finally:
        tab.context.close()
    assert [text for text in told if collector.url in text] == []
    assert requests() > before_requests
    assert_right(events)
    for event in events.values():
        assert event["context"]["ip"] == "127.0.0.1"
