"""Pictures of the pages for the docs: `python -m tests.console.browsing.pictures`, over stores in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from random import Random

from playwright.sync_api import Page, sync_playwright

from models.churn.course import noted
from profiles.types import Profile, Score
from tests import REPOSITORY
from tests.console.browsing.living import Living, living
from tests.console.people import DAY, NOW, customer, happened

__all__ = ["main"]

IMAGES = REPOSITORY / "docs" / "images"
NAMES = (
    "Daan Weber",
    "Li Wei",
    "Sofia Rossi",
    "Amara Okafor",
    "Jonas Lindqvist",
    "Maya Cohen",
    "Tom de Vries",
    "Ines Alves",
)


def people() -> Iterator[Profile]:
    """Some customers of a shop, with a course of their own each."""
    chance = Random(7)
    for number, name in enumerate(NAMES):
        risk = round(0.93 - 0.1 * number, 2)
        one = customer(("user_id", str(42 + number)), risk=risk)
        first, _, last = name.partition(" ")
        happened(one, 80, "", type="identify", traits={"firstName": first, "lastName": last, "city": "Ghent"})
        for _ in range(6):
            happened(one, chance.uniform(1, 30), "Product Viewed", "view", subject=f"P{chance.randrange(100, 200)}")
        assert one.score is not None
        for week in range(20, 0, -1):
            _note(
                one.score, NOW - week * 7 * DAY, max(0.05, min(0.95, risk - 0.02 * week + chance.uniform(-0.08, 0.08)))
            )
        yield one


def _note(score: Score, at: float, risk: float) -> None:
    score.course = noted(Score(risk, "high", at, score.model, course=score.course), at, risk, score.model)


def shoot(page: Page, console: Living, path: str, name: str) -> None:
    page.goto(f"{console.url}{path}")
    page.wait_for_timeout(500)  # for the first state of the stream
    page.screenshot(path=IMAGES / f"{name}.png")


def main() -> None:
    """Make them all anew."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with living() as console:
            page = enter(browser.new_page(viewport={"width": 1280, "height": 860}), console)
            all_of_them = list(people())
            for one in all_of_them:
                console.keep(one)
            for path, name in (
                ("/customers?order=risk", "customers"), (f"/c/{all_of_them[0].id}", "customer"),
                ("/segments", "segments"), ("/segments/new?name=repeat_buyer", "builder"), ("/plan", "plan"),
            ):  # fmt: skip
                shoot(page, console, path, name)
            page.set_viewport_size({"width": 390, "height": 844})
            shoot(page, console, f"/c/{all_of_them[0].id}", "customer-phone")
        browser.close()


def enter(page: Page, console: Living) -> Page:
    """Signed in."""
    page.goto(f"{console.url}/sign-in/{console.link('admin')}")
    page.get_by_role("button").click()
    return page


if __name__ == "__main__":
    main()
