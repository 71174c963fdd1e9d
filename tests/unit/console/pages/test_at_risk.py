"""The page At risk: narrowed to whose cases are, one's own, somebody's, nobody's; empty while the past is played."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import httpx
from msgspec.structs import replace

from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from models.cases.following import Cases
from models.cases.routes import Route
from profiles.clock import ClockState
from profiles.consent import Consent
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore, MemoryClockStore
from profiles.types import Profile
from tests.console.people import DAY, NOW, customer, keep, store
from tests.console.support_api import PLAN, api_deps


def with_case(number: int, owner: str, assignee: str = "") -> Profile:
    """A customer whose case was routed to a team or a person, and whom perhaps somebody has."""
    found = customer(("user_id", str(number)))
    Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent(), [Route(owner=owner)]).follow(found, NOW)
    assert found.case is not None
    found.case = replace(found.case, assignee=assignee)
    return found


def get(*paths: str, cases: Sequence[Profile] | None = None, clock: ClockState | None = None) -> list[str]:
    """What kim sees of each page."""
    held, access, clocks = store(), MemoryAccessStore(), MemoryClockStore()
    deps = api_deps(held, access=access, clocks=clocks)
    app = create_api(deps)
    add_pages(app, deps)
    four = with_case(1, "CRM"), with_case(2, "kim"), with_case(3, "CRM", "kim"), with_case(4, "kim", "lee")
    keep(held, *(four if cases is None else cases))

    async def run() -> list[str]:
        if clock is not None:
            await clocks.commit(clock)
        for name in ("kim", "lee"):
            await access.put_account(Account(name=name, role="agent"))
        kim = Account(name="kim", role="agent")
        headers = {"Accept": "text/html", "Cookie": f"rapport={await Sessions(access).begin(kim, 'link')}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            return [(await http.get(path, headers=headers)).text for path in paths]

    return asyncio.run(run())


ASKED = {"": 4, "?tab=mine": 2, "?with=kim": 2, "?with=lee": 1, "?with=nobody": 1, "?with=nobody&owner=kim": 0}
"""How many cases there are."""


def test_what_went_to_a_person_is_theirs_until_somebody_has_it() -> None:
    pages, tables = get(*(f"/{query}" for query in ASKED)), get(*(f"/at-risk.csv{query}" for query in ASKED))
    assert [len(re.findall(r'<tr id="cs_', page)) for page in pages] == list(ASKED.values())
    assert [table.count("\n") - 1 for table in tables] == list(ASKED.values())
    for query, page in zip(ASKED, pages, strict=True):
        chosen = re.search(r"with=(\w+)", query)
        assert chosen is None or f'<option value="{chosen[1]}" selected>' in page
        assert '<option value="lee"' in page


def test_an_empty_page_says_that_the_past_is_still_being_looked_at() -> None:
    """Else the first minutes of a demo, or of a load, look as if nobody needed anybody."""
    [filling] = get("/", cases=(), clock=ClockState(phase="filling", watermark=NOW))
    [live] = get("/", cases=(), clock=ClockState(phase="live", watermark=NOW))
    assert "looking at the past" in filling
    assert 'datetime="2026-01-01' in filling[filling.index("looking at the past") :]
    assert "Nobody needs anybody now." not in filling
    assert "Nobody needs anybody now." in live
