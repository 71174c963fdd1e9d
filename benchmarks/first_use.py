"""A first-time user's walk, timed: clone, README's command as typed, sign in, find people, a resolved case, the guide.

`python -m benchmarks.first_use`. Git, pip and Chromium as somebody has them; nothing of ours but what is committed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Locator, Page, expect, sync_playwright

from benchmarks.pictures import first_steps, take, take_companies
from console.local.process import free_port

__all__ = ["main"]

_HERE = Path(__file__).resolve().parents[1]
_PATIENCE = 600.0  # seconds for what takes longest
_CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_COMMAND = re.compile(r"^\S.* && \.venv/bin/rapport up --demo$", re.MULTILINE)
_LINK = re.compile(r"http://\S+/sign-in/\S+")


class Walk:
    """What somebody does, one step after the other, and how long each took."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, float]] = []
        self._began = time.monotonic()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Time one."""
        began = time.monotonic()
        yield
        self.taken.append((what, time.monotonic() - began))
        print(f"| {what} | {self.taken[-1][1]:.1f} | {time.monotonic() - self._began:.0f} |", flush=True)


class Terminal:
    """The terminal in which Rapport runs: what it has printed, as it comes."""

    def __init__(self, command: str, where: Path, env: dict[str, str]) -> None:
        self.said = ""
        self._process = subprocess.Popen(
            command, shell=True, cwd=where, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            executable="/bin/bash", start_new_session=True,
        )  # fmt: skip
        threading.Thread(target=self._listen, daemon=True).start()

    def waits_for(self, sign: re.Pattern[str]) -> str:
        """The first match in what it says."""
        deadline = time.monotonic() + _PATIENCE
        while (found := sign.search(self.said)) is None:
            assert self._process.poll() is None, f"it ended:\n{self.said}"
            assert time.monotonic() < deadline, f"{sign.pattern} never came:\n{self.said}"
            time.sleep(0.05)
        return found[0]

    def ctrl_c(self) -> None:
        """End it, as somebody does."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            self._process.wait(30)

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.said += line


def main() -> None:
    """Walk."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.first_use", description=__doc__)
    parser.add_argument("--from", dest="origin", default=str(_HERE), help="the repository that is cloned")
    parser.add_argument("--pictures", action="store_true", help="take the pictures of the docs at the end, too")
    given = parser.parse_args()
    origin = given.origin
    walk = Walk()
    print("| step | seconds | since the beginning |\n|---|---:|---:|")
    with tempfile.TemporaryDirectory() as scratch:
        where, port = Path(scratch, "rapport"), free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith(("RAPPORT_", "PYTHONPATH"))}
        env["RAPPORT_PORT"] = str(port)  # 8000 may be somebody else's here
        with walk.step("clone"):
            subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{origin}", str(where)], check=True)
        readme = (where / "README.md").read_text()
        command = _COMMAND.search(readme)
        assert command, "README has no such command"
        terminal = None
        try:
            with walk.step("install, and start: README's first command"):
                terminal = Terminal(command[0], where, env)
                link = terminal.waits_for(_LINK)
            with _page(link) as page:
                _look(walk, page, link, where, env, shows=given.pictures)
        finally:
            if terminal:
                with walk.step("Ctrl-C: all of it has stopped"):
                    terminal.ctrl_c()
        if given.pictures:
            _companies(where, env)


@contextmanager
def _page(link: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_CHROMIUM)
        page = browser.new_page(base_url=link.partition("/sign-in")[0], viewport={"width": 1280, "height": 860})
        page.set_default_timeout(_PATIENCE * 1000)
        expect.set_options(timeout=_PATIENCE * 1000)
        yield page
        browser.close()


def _look(walk: Walk, page: Page, link: str, where: Path, env: dict[str, str], *, shows: bool) -> None:
    with walk.step("open the link, sign in: the guide is there"):
        _sign_in(page, link)
        expect(page.locator("#guide li")).to_have_count(3)
    with walk.step("look at customer 42: risk and reasons"):
        page.get_by_role("link", name="Look at customer 42").click()
        expect(page.locator("#risk .band")).to_be_visible()
        expect(page.locator("#risk .reasons li").first).to_be_visible()
    name, mail = _known_of(page)
    with walk.step("find the customer by three letters of the last name"):
        _found(page, name.rpartition(" ")[2][:3], name)
    with walk.step("find the customer by the beginning of the e-mail address"):
        _found(page, mail[: mail.index("@") + 2], name)
    with walk.step("back: the guide's first step is ticked"):
        page.locator('header nav a[href="/"]').click()
        expect(page.locator("#guide li.done")).to_have_count(1)
    with walk.step("wait until the demo has reached the present: the first cases come, without a reload"):
        expect(_cases(page).first).to_be_visible()
    if shows:
        first_steps(page)
    _resolve(walk, page)
    with walk.step("copy and run the guide's event: its sender is a customer, and the step ticks itself"):
        page.goto(page.url.split("?")[0])
        _typed(page.locator("#guide li").nth(1).locator("code").inner_text(), where, env)
        expect(page.locator("#guide li.done")).to_have_count(2)
    with walk.step("look at who sent it: the event is on the page"):
        page.get_by_role("link", name="Send an event of your own").click()
        expect(page.locator("#timeline")).to_contain_text("Product Viewed")
        page.go_back()
    with walk.step("install an SDK and run the guide's lines: the last step ticks itself"):
        lines = page.locator("#guide li").nth(2).locator("code").inner_text()
        _typed(".venv/bin/pip install -q segment-analytics-python", where, env)
        _typed(f".venv/bin/python - <<'END'\n{lines}\nEND", where, env)
        expect(page.locator("#guide li.done")).to_have_count(3)
    if shows:
        take(page)


def _sign_in(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_role("button").click()
    expect(page.locator("header.top")).to_be_visible()


def _known_of(page: Page) -> tuple[str, str]:
    """The name and the e-mail address on a customer's page."""
    name = page.get_by_role("heading", level=1).inner_text().strip()
    mail = re.search(r"[\w.+-]+@[\w.-]+\w", page.locator("#head").inner_text())
    assert mail, "the page shows no address"
    return name, mail[0]


def _found(page: Page, text: str, name: str) -> None:
    """Type in the box of every page, choose who is meant below it, and be there."""
    page.keyboard.press("/")
    page.keyboard.type(text, delay=60)
    page.locator("#found").get_by_role("option").filter(has_text=name).first.click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def _companies(where: Path, env: dict[str, str]) -> None:
    """The pictures of companies: of README's other business."""
    terminal = Terminal(".venv/bin/rapport up --demo b2b", where, env)
    try:
        link = terminal.waits_for(_LINK)
        with _page(link) as page:
            _sign_in(page, link)
            page.goto("/jobs")
            expect(page.locator("#jobs")).to_contain_text("done")  # the past has been gone through
            take_companies(page)
    finally:
        terminal.ctrl_c()


def _resolve(walk: Walk, page: Page) -> None:
    first = page.locator(f'[id="{_cases(page).first.get_attribute("id")}"]')
    with walk.step("assign the first case to oneself: the row says so"):
        first.get_by_role("button", name="Assign").click()
        page.locator("dialog#assign").get_by_role("button", name="Assign").click()
        expect(first).to_contain_text("owner")
    with walk.step("snooze it for a day: it leaves the list, and is under snoozed"):
        first.get_by_role("button", name="Snooze").click()
        page.locator("dialog#snooze").get_by_role("button", name="Snooze").click()
        expect(first).to_have_count(0)
        page.locator("#tabs").get_by_role("link", name="Snoozed").click()
        expect(first).to_contain_text("until")
    with walk.step("resolve it there with its outcome: it is under done"):
        first.get_by_role("button", name="Resolve").click()
        dialog = page.locator("dialog#resolve")
        dialog.get_by_label("The customer stayed").check()
        dialog.get_by_label("Note").fill("took a year more")
        dialog.get_by_role("button", name="Resolve").click()
        expect(first).to_have_count(0)
        page.locator("#tabs").get_by_role("link", name="Done").click()
        expect(first).to_contain_text("stayed")
    with walk.step("the customer's page tells what happened to the case"):
        first.get_by_role("link").first.click()
        expect(page.locator("#next")).to_contain_text("took a year more")
        page.locator('header nav a[href="/"]').click()


def _cases(page: Page) -> Locator:
    return page.locator("#cases tbody tr")


def _typed(command: str, where: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-c", command], cwd=where, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


if __name__ == "__main__":
    main()
