"""Pictures of the pages of analyses for the docs, of the simulated history of the tests:
`python -m benchmarks.analyses_pictures [NAME…]`."""

from __future__ import annotations

import os
import shutil
import sys
from itertools import cycle

from playwright.sync_api import sync_playwright

from benchmarks.pictures import Picture, shoot
from console.views.analysing.analysis_desk import AnalysisDesk
from profiles.types import Profile
from tests.analyses.history import world
from tests.console.browsing.living import living
from tests.console.people import keep, store
from tests.console.support_api import PLAN

_FIRST = ("Ada", "Bo", "Cleo", "Daan", "Eva", "Finn", "Gül", "Hugo", "Ines", "Jan", "Kim", "Lars", "Mia")
_LAST = ("Bakker", "Chen", "Dubois", "Evers", "Fischer", "Garcia", "Hansen", "Ito", "Jansen", "Kaya", "Li")

_MONTHS = "since=2025-08-01&until=2026-02-01"

PICTURES = [
    Picture("analyses", "/analyses", high=1100),
    Picture("analysis", "/analyses/retention", high=1000),
    Picture("analysis-moves", "/analyses/stage_moves", high=900),
    Picture("analysis-base", f"/analyses/base?{_MONTHS}", high=1000),
    Picture("analysis-products", "/analyses/products?level=category&by=region", high=1000),
    Picture("analysis-keep", "/analyses/keep", high=900),
    Picture("analysis-loss", f"/analyses/loss?{_MONTHS}", high=1000),
    Picture("analysis-lost-vs-kept", "/analyses/lost_vs_kept", high=1000),
    Picture("analysis-basket", "/analyses/basket?every=true", high=1000),
    Picture("analysis-tickets", f"/analyses/tickets?by=topic&{_MONTHS}", high=1000),
    Picture("analysis-contact", "/analyses/contact?since=2025-12-01&until=2026-02-01", high=1000),
    Picture("analysis-satisfaction", "/analyses/satisfaction?kind=nps&interval=quarter", high=900),
    Picture("analysis-funnel", "/analyses/funnel", high=900),
    Picture("analysis-attribution", "/analyses/attribution", high=900),
    Picture("analysis-profit", "/analyses/profit_deciles", high=900),
    Picture("analysis-segments", "/analyses/segments", high=900),
    Picture("analysis-text", "/analyses/text?interval=quarter", high=1100),
    Picture("analysis-quality", "/analyses/quality", high=900),
    Picture("analysis-customers", "/analyses/keep/customers?measure=customers&cell.by=Antwerp", high=700),
]

_DARK = ("analyses", "analysis", "analysis-moves")


def main() -> None:
    """Take all of them, or those that are named."""
    engine = world()
    held = store()
    names = zip(cycle(_FIRST), cycle(_LAST), strict=False)
    everybody = [Profile(f"c{number}", created=0.0, updated=0.0) for number in range(300)]
    for profile, (first, last) in zip(everybody, names, strict=False):
        profile.traits = {"firstName": (first, 0.0, b""), "lastName": (last, 0.0, b"")}
    keep(held, *everybody)
    wanted = [
        each for one in PICTURES for each in (one, *_in_dark(one)) if not sys.argv[1:] or one.name in sys.argv[1:]
    ]
    desk = AnalysisDesk("", PLAN, opened=lambda: engine)
    with sync_playwright() as playwright, living(held, analyses=desk) as console:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(base_url=console.url).new_page()
        page.goto(f"/sign-in/{console.link('admin')}")
        page.get_by_role("button").click()
        page.wait_for_url(f"{console.url}/**")
        for one in wanted:
            shoot(browser, console.url, page.context.cookies(), one)
        browser.close()


def _in_dark(one: Picture) -> list[Picture]:
    return [one._replace(name=f"{one.name}-dark", theme="dark")] if one.name in _DARK else []


if __name__ == "__main__":
    main()
