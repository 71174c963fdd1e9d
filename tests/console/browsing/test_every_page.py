"""Every page, light and dark, on a desk and a phone, for admins and agents: nothing keeps anybody out (axe-core)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import pytest
from fastapi.routing import iter_route_contexts
from playwright.sync_api import Browser, Page, ViewportSize, expect

from console.api import create_api
from console.pages.languages import COOKIE
from console.pages.site import add_pages
from console.services.models import ModelDesk
from console.views.analysing.analysis_desk import AnalysisDesk
from models.cases.following import Cases
from profiles.consent import Consent
from profiles.stores.access import Role
from profiles.stores.memory import MemoryStore
from profiles.units import Pause
from tests import REPOSITORY
from tests.analyses.history import world
from tests.console.browsing.conftest import SignedIn
from tests.console.browsing.living import Living, aside, living
from tests.console.browsing.shoppers import people
from tests.console.browsing.test_pipeline_page import rejected, viewed
from tests.console.people import DAY, NOW, customer, happened, keep
from tests.console.support_api import api_deps
from tests.console.test_companies import BUSINESS, NAME, stored, visit
from tests.console.test_models import Learned
from tests.models.training import CONFIG

pytestmark = pytest.mark.slow

AXE = REPOSITORY / "tests" / "console" / "browsing" / "axe" / "axe.min.js"  # axe-core 4.14.1, MPL-2.0; of tests only
DESK, PHONE = ViewportSize(width=1280, height=900), ViewportSize(width=390, height=844)
CUSTOMER = next(people()).id

EXAMPLES = {
    "/c/{profile}": [f"/c/{CUSTOMER}", "/c/nobody"],
    "/c/{profile}/links": [f"/c/{CUSTOMER}/links"],
    "/c/{profile}/looked": [f"/c/{CUSTOMER}/looked"],
    "/company/{name}": [f"/company/{NAME.replace(' ', '%20').replace('/', '%2F')}"],
    "/analyses/{name}": ["/analyses/retention", "/analyses/base?interval=quarter&country=NL", "/analyses/stage_moves"],
    "/analyses/{name}/card": ["/analyses/retention/card"],
    "/analyses/{name}/figures": ["/analyses/base/figures"],
    "/analyses/{name}/customers": ["/analyses/base/customers?measure=new&cell.period=2025-06-01"],
    "/segments/{name}": ["/segments/repeat_buyer"],
    "/segments/new": ["/segments/new", "/segments/new?name=repeat_buyer"],
    "/search": ["/search?q=a"],
    "/sign-in/{secret}": ["/sign-in/long-over"],
}
"""Addresses of routes that need more than their path."""

NO_FILES = ("/analyses", "/search", "/segments/new", "/settings")
"""Pages whose tables are what somebody has just asked for, or their own."""

Scheme = Literal["light", "dark"]

# What depends on colours and sizes. Everything else has been asked of the same document before.
LOOKS = {"runOnly": ["color-contrast", "link-in-text-block", "target-size", "scrollable-region-focusable"]}
ALL = {"rules": {"target-size": {"enabled": True}}}  # beside what axe asks anyway: WCAG 2.2, 2.5.8

_RUN = """async options => (await axe.run(document, {resultTypes: ['violations'], ...options})).violations
    .filter(one => ['serious', 'critical'].includes(one.impact)).flatMap(one => one.nodes.slice(0, 3)
    .map(node => [one.id, node.html.slice(0, 160), node.failureSummary].join(' ')))"""
# What is folded, too; of a long list the first twelve, since more of the same would cost seconds a page.
_OPEN = """document.querySelectorAll('details:not(.menu)').forEach(one => { one.open = true });
    document.querySelectorAll('main :is(tr, li, details, article):nth-of-type(n+13)').forEach(one => one.remove())"""


def serious(page: Page, options: Mapping[str, Any] = ALL) -> list[str]:
    """What axe says keeps people out of what the page shows now."""
    found = page.evaluate(_RUN, options)
    assert isinstance(found, list)
    return found


def addresses() -> list[str]:
    """Of all that somebody can open: pages, and the parts of them that answer by themselves; no streams, no files."""
    deps = api_deps(MemoryStore(BUSINESS.namespace, 4), plan=BUSINESS)
    app = create_api(deps)
    add_pages(app, deps)
    found: list[str] = []
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        ours = getattr(route.endpoint, "__module__", "").startswith("console.pages") and "GET" in (route.methods or ())
        if ours and not path.startswith(("/live/", "/static/")) and not path.endswith(".csv"):
            found += EXAMPLES.get(path, [path])
    return found


@pytest.fixture(scope="module")
def busy() -> Iterator[Living]:
    """A console with something on each page."""
    learned = aside(Learned)
    desk = ModelDesk(learned, learned, CONFIG, BUSINESS.currency)
    analysed = AnalysisDesk("", BUSINESS, opened=world)
    with living(aside(inhabited), plan=BUSINESS, models=desk, analyses=analysed) as console:
        console.happen(viewed(), rejected("Prodct Viewed"))
        console.count(int(NOW // 60), {"event|web|accepted": 41, "event|web|rejected": 2, "rejected|web|unplanned": 2})
        console.pause("web", Pause(paused=True, since=NOW - 60, why="too many would be rejected"))
        yield console


def inhabited() -> MemoryStore:
    """Customers with cases, and a company with its members."""
    held = stored(*(visit(f"m{number}", number, tier="team") for number in range(3)), alert="high_churn_risk")
    cases = Cases(BUSINESS.alerts, "EUR", 90 * DAY, 0.0, Consent())
    for one in people():
        cases.follow(one, NOW)
        keep(held, one)
    return held


@pytest.fixture
def entering(chromium: Browser, busy: Living) -> Iterator[Callable[[Role, str], Page]]:
    """Answers a page of somebody with a role, in a language."""
    with contextlib.ExitStack() as contexts:

        def enter(role: Role, language: str) -> Page:
            context = chromium.new_context(base_url=busy.url, viewport=DESK)
            contexts.callback(context.close)
            # By the driver, not by a tag of the page: the page's own policy lets no foreign script in.
            context.add_init_script(path=AXE)
            context.add_cookies([{"name": COOKIE, "value": language, "url": busy.url}])
            page = context.new_page()
            page.goto(f"/sign-in/{busy.link(role)}")
            assert serious(page) == []
            page.get_by_role("button").click()
            page.wait_for_url(f"{busy.url}/")
            return page

        yield enter


@pytest.mark.parametrize(
    ("role", "language", "desk", "phone"), [("admin", "en", "light", "dark"), ("agent", "zh_Hans", "dark", "light")]
)
def test_no_page_keeps_anybody_out(
    entering: Callable[[Role, str], Page], role: Role, language: str, desk: Scheme, phone: Scheme
) -> None:
    page = entering(role, language)
    wrong: list[str] = []
    for address in addresses():
        page.set_viewport_size(DESK)
        page.emulate_media(color_scheme=desk)
        page.goto(address)
        if not page.locator("#main").count():
            continue  # a part of a page
        if page.locator("main table.list").count() and not page.locator("main a[download]").count():
            wrong += [f"{address}: a table, and no file of it"] if address.partition("?")[0] not in NO_FILES else []
        page.evaluate(_OPEN)
        wrong += [f"{address}: {one}" for one in serious(page)]
        page.set_viewport_size(PHONE)
        page.emulate_media(color_scheme=phone)
        wrong += [f"{address} on a phone: {one}" for one in serious(page, LOOKS)]
        if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            wrong.append(f"{address} on a phone scrolls sideways")
    assert wrong == []


def test_pages_are_in_chinese_with_their_figures(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    page = signed_in("agent")
    page.goto(f"/c/{ada.id}")
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page).to_have_url(f"{console.url}/c/{ada.id}")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    expect(page.locator("#value")).to_contain_text("3 笔订单")
    expect(page.locator("#risk")).to_contain_text("80% 高")
    expect(page.locator("#head")).to_contain_text("有流失风险")
    happened(ada, 0, "Complaint Received", "complaint", source="support", subject="T77")
    console.keep(ada)
    expect(page.locator("#tickets")).to_contain_text("1 次投诉")


def test_a_page_is_used_by_keys_alone(console: Living, signed_in: SignedIn) -> None:
    ada = customer()
    console.keep(ada)
    page = signed_in("agent")
    page.goto("/customers")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "2px"
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("at risk", ignore_case=True)
    expect(dialog).to_contain_text("search", ignore_case=True)
    page.keyboard.press("/")
    expect(page.locator("#search")).not_to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_label("Search").fill("?")
    expect(dialog).to_have_count(0)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_label("Single keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#search")).not_to_be_focused()
