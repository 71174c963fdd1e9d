"""The page At risk, narrowed to whose cases are: one's own, somebody's, nobody's."""

from __future__ import annotations

import asyncio
import re

import httpx
from msgspec.structs import replace

from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from models.cases.following import Cases
from models.cases.routes import Route
from profiles.consent import Consent
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore
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


def get(*paths: str) -> list[str]:
    """What kim sees of each page."""
    held, access = store(), MemoryAccessStore()
    deps = api_deps(held, access=access)
    app = create_api(deps)
    add_pages(app, deps)
    keep(held, with_case(1, "CRM"), with_case(2, "kim"), with_case(3, "CRM", "kim"), with_case(4, "kim", "lee"))

    async def run() -> list[str]:
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
