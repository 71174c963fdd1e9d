"""What is counted of today, by the API, on the page, and on the command line."""

from __future__ import annotations

import asyncio
import html
import json
import re

import httpx

from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from console.views.analysing.today_document import today_view
from profiles.calendar.local_time import LocalTime
from profiles.daily.counters import FIELDS, NOW
from profiles.store import Changes
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore, MemoryStore
from tests.console.people import NOW as AT
from tests.console.support_api import PLAN, TOKEN, api_deps

TODAY = LocalTime().of(AT)
COUNTS = {
    TODAY: {"events": 1200, "customers": 340, "new_customers": 12, "orders": 30, "revenue": 123_456, "refunds": 456,
            "tickets_opened": 4, "tickets_solved": 3, "complaints": 2, "csat_answers": 8, "csat_marks": 34_000,
            "csat_good": 6, "csat_bad": 1, "nps_answers": 4, "nps_marks": 30_000},
    TODAY - 1: {"events": 900, "revenue": 777},
    NOW: {"open_tickets": 7, "stage_active": 20, "stage_prospect": 5},
}  # fmt: skip


async def counted() -> MemoryStore:
    """A store in which all of this was counted."""
    store = MemoryStore(PLAN.namespace, 4)
    for number in range(2):
        half = {(day, FIELDS.index(name)): value // 2 + (value % 2) * number
                for day, counts in COUNTS.items() for name, value in counts.items()}  # fmt: skip
        await store.commit(number, Changes(version=0, counted=half))
    return store


def answer(path: str, page: bool = False) -> httpx.Response:
    """What the console answers."""

    async def run() -> httpx.Response:
        access = MemoryAccessStore()
        deps = api_deps(await counted(), access=access, clock=lambda: AT)
        app = create_api(deps)
        add_pages(app, deps)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        if page:
            kim = Account(name="kim", role="analyst")
            await access.put_account(kim)
            headers = {"Accept": "text/html", "Cookie": f"rapport={await Sessions(access).begin(kim, 'link')}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            return await http.get(path, headers=headers)

    return asyncio.run(run())


def test_the_api_answers_days_and_now() -> None:
    found = answer("/v1/today").json()
    day = found["days"][0]
    assert len(found["days"]) == 3
    assert day["day"] == str(LocalTime().date(TODAY))
    assert {name: day[name] for name in ("events", "customers", "new_customers", "orders", "complaints")} == {
        "events": 1200, "customers": 340, "new_customers": 12, "orders": 30, "complaints": 2,
    }  # fmt: skip
    assert (day["revenue"]["amount"], day["refunds"]["minor"], day["net"]["minor"]) == ("1234.56", 456, 123_000)
    answers = {each["kind"]: each for each in day["answers"]}
    assert answers["csat"] == {"kind": "csat", "answers": 8, "satisfied": 6, "dissatisfied": 1, "mean": 4.25}
    assert answers["nps"]["mean"] is None, "of fewer than five"
    assert found["days"][1]["net"]["minor"] == 777
    assert found["days"][2]["events"] == 0
    assert (found["customers"], found["open_tickets"]) == (25, 7)
    assert found["stages"] | {"active": 20, "prospect": 5} == found["stages"]


def test_the_page_shows_them() -> None:
    text = html.unescape(answer("/analyses", page=True).text)
    tile = re.search(r'data-today="customers">([^<]*)<', text)
    assert tile
    assert tile.group(1) == "340"
    assert "/live/analyses" in text


def test_the_document_is_as_told() -> None:
    """Of nothing at all as well."""
    found = today_view(AT, LocalTime("Europe/Berlin"), [{}], {}, "EUR", 5)
    assert json.loads(found.model_dump_json())["days"][0]["answers"][0]["mean"] is None
    assert found.customers == 0
