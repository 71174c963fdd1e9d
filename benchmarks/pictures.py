"""Pictures of the console's pages for the docs, on the demo's data: `python -m benchmarks.first_use --pictures`."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page

from console.demo.b2b.firms import EXAMPLE_KEY

__all__ = ["Picture", "first_steps", "pictures", "pictures_of_companies", "take", "take_companies"]

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
_IN_CHINESE = {"at-risk", "customer", "segment", "models", "pipeline", "company"}  # it wants a font that has it
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
    """Every page, on a desk and a phone, light and dark, and some in Chinese.

    Args:
        example: profile id of the customer who slowly leaves.
        unhappy: name of a segment with members.
    """
    pages = [
        Picture("at-risk", "/"),
        Picture("customer", f"/c/{example}", high=1100),
        Picture("customers", "/customers?order=risk"),
        Picture("search", "/search?q=an"),
        Picture("segments", "/segments"),
        Picture("segment", f"/segments/{unhappy}", high=1000),
        Picture("builder", f"/segments/new?name={unhappy}"),
        Picture("analyses", "/analyses"),
        Picture("analysis", "/analyses/retention"),
        Picture("models", "/models", high=1100),
        Picture("pipeline", "/pipeline"),
        Picture("jobs", "/jobs"),
        Picture("plan", "/plan"),
        Picture("settings", "/settings"),
        Picture("people", "/settings/users"),
        Picture("tokens", "/settings/tokens"),
        Picture("audit", "/settings/audit"),
    ]
    return _in_all_ways(pages)


def pictures_of_companies(example: str) -> list[Picture]:
    """The pages that only a plan with groups has.

    Args:
        example: what events call the company that slowly leaves.
    """
    pages = [Picture("companies", "/companies"), Picture("company", f"/company/{example}", high=1100)]
    return _in_all_ways(pages)


def _in_all_ways(pages: list[Picture]) -> list[Picture]:
    phones = [one._replace(name=f"{one.name}-phone", wide=390, high=844) for one in pages]
    chinese = [one._replace(name=f"{one.name}-chinese", language="zh-CN") for one in pages if one.name in _IN_CHINESE]
    lit = [each for one in (*pages, *phones) for each in (one, one._replace(name=f"{one.name}-dark", theme="dark"))]
    return [*lit, *chinese]


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
    if one.path == "/pipeline":
        _send_some(page)
    page.wait_for_timeout(1500)
    page.get_by_text("Computing…").first.wait_for(state="detached", timeout=120_000)
    path = IMAGES / f"{one.name}.png"
    _save(page, path)
    wide = page.evaluate("document.documentElement.scrollWidth")
    print(f"{one.name}: {path.stat().st_size // 1000} kB{', WIDER THAN THE WINDOW' if wide > one.wide else ''}")
    assert path.stat().st_size <= _MOST, "too large for the docs"
    context.close()


_COMES = (
    {"event": "Product Viewed", "properties": {"product_id": "P101", "category": "coffee"}},
    {"event": "Product Added", "properties": {"product_id": "P101", "quantity": 2}},
    {"event": "Product Viewd", "properties": {"product_id": "P102"}},  # nobody planned that
    {"event": "Product Viewed", "properties": {"product_id": "P103", "position": "third"}},
)


def _send_some(page: Page) -> None:
    """Events that come while the page is open; one is not as planned, one is in no plan."""
    page.wait_for_timeout(1500)
    for number, event in enumerate(_COMES):
        signs = {"Authorization": f"Basic {b64encode(b'dev-web-key:').decode()}"}
        sent = {"type": "track", "userId": str(100 + number), "anonymousId": f"browser-{number}", **event}
        page.request.post("/v1/track", data=sent, headers=signs)


def take(page: Page, names: Collection[str] = ()) -> None:
    """Take those of the shop, all or those that are named.

    Args:
        page: of somebody who is signed in as an admin, with the demo's customers come to the present.
        names: of pictures.
    """
    _take(page, pictures(page.request.get("/search?q=42").url.rpartition("/")[2], "unhappy"), names)


def take_companies(page: Page, names: Collection[str] = ()) -> None:
    """Take those of companies; as `take`, of the other demo."""
    _take(page, pictures_of_companies(EXAMPLE_KEY), names)


def _take(page: Page, wanted: Iterable[Picture], names: Collection[str]) -> None:
    browser, url = page.context.browser, "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    assert browser
    for one in wanted:
        if not names or one.name in names:
            shoot(browser, url, page.context.cookies(), one)


def first_steps(page: Page) -> None:
    """The first page as somebody sees it who is new."""
    _save(page, IMAGES / "first-steps.png")


def _save(page: Page, path: Path) -> None:
    """What the page shows, in a palette: a third of the bytes, as pages have few colours."""
    Image.open(BytesIO(page.screenshot())).convert("RGB").quantize(256).save(path, optimize=True)
