"""Pictures of the console's pages for the docs, on the demo's data: `python -m benchmarks.first_use --pictures`."""

from __future__ import annotations

from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page

__all__ = ["Picture", "first_steps", "pictures", "take"]

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
_MOST = 150_000  # bytes of a picture


class Picture(NamedTuple):
    """One page, as it is looked at."""

    name: str
    path: str
    wide: int = 1280
    high: int = 860
    theme: str = "light"
    language: str = "en"


def pictures(example: str, unhappy: str) -> list[Picture]:
    """All of them.

    Args:
        example: profile id of the customer who slowly leaves.
        unhappy: name of a segment with members.
    """
    return [
        Picture("at-risk", "/"),
        Picture("customer", f"/c/{example}", high=1100),
        Picture("customers", "/customers?order=risk"),
        Picture("search", "/search?q=an"),
        Picture("segments", "/segments"),
        Picture("segment", f"/segments/{unhappy}", high=1000),
        Picture("builder", f"/segments/new?name={unhappy}"),
        Picture("models", "/models", high=1100),
        Picture("pipeline", "/pipeline"),
        Picture("jobs", "/jobs"),
        Picture("plan", "/plan"),
        Picture("settings", "/settings"),
        Picture("customer-dark", f"/c/{example}", high=1100, theme="dark"),
        Picture("at-risk-chinese", "/", language="zh-CN"),
        Picture("at-risk-phone", "/", 390, 844),
        Picture("customer-phone", f"/c/{example}", 390, 844),
        Picture("pipeline-phone", "/pipeline", 390, 844),
    ]


def shoot(browser: Browser, url: str, cookies: list[Any], one: Picture) -> None:
    """Take one, when what comes over its stream is there."""
    context = browser.new_context(
        base_url=url, viewport={"width": one.wide, "height": one.high}, color_scheme=one.theme, locale=one.language,
        timezone_id="Europe/Amsterdam",
    )  # type: ignore[arg-type]  # fmt: skip
    context.add_cookies(cookies)
    page = context.new_page()
    answer = page.goto(one.path)
    if answer is None or not answer.ok:
        print(f"{one.name}: there is no {one.path}")
        return
    page.wait_for_timeout(1500)
    path = IMAGES / f"{one.name}.png"
    _save(page, path)
    wide = page.evaluate("document.documentElement.scrollWidth")
    print(f"{one.name}: {path.stat().st_size // 1000} kB{', WIDER THAN THE WINDOW' if wide > one.wide else ''}")
    assert path.stat().st_size <= _MOST, "too large for the docs"
    context.close()


def take(page: Page, names: Collection[str] = ()) -> None:
    """Take all of them, or those that are named.

    Args:
        page: of somebody who is signed in as an admin, with the demo's customers come to the present.
        names: of pictures.
    """
    browser, url = page.context.browser, "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    assert browser
    example = page.request.get("/search?q=42").url.rpartition("/")[2]
    for one in pictures(example, "unhappy"):
        if not names or one.name in names:
            shoot(browser, url, page.context.cookies(), one)


def first_steps(page: Page) -> None:
    """The first page as somebody sees it who is new."""
    _save(page, IMAGES / "first-steps.png")


def _save(page: Page, path: Path) -> None:
    """What the page shows, in a palette: a third of the bytes, as pages have few colours."""
    Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(256).save(path, optimize=True)
