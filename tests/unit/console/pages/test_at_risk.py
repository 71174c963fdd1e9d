"""The page At risk: narrowed to whose cases are, one's own, somebody's, nobody's; empty while the past is played."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from console.access.sessions import Sessions
from console.api import create_api
from console.pages import at_risk
from console.pages.site import add_pages
from models.cases.following import Cases
from models.cases.routes import Route
from plan import Plan
from plan.model import GroupSpec, Trait
from profiles.cases.case_rows import CaseRow
from profiles.clock import ClockState
from profiles.consent import Consent
from profiles.stores.access import Account, Role
from profiles.stores.memory import MemoryAccessStore, MemoryClockStore, MemoryStore
from profiles.stores.reading.paging import encode_cursor
from profiles.types import Profile
from tests.console.people import DAY, NOW, customer, keep, store
from tests.console.support_api import PLAN, api_deps
from tests.console.test_companies import BUSINESS, NAME, stored, visit

NEXT = "NEXT"
"""The page that the one before leads on to."""


def with_case(number: int, owner: str, assignee: str = "") -> Profile:
    """A customer whose case was routed to a team or a person, and whom perhaps somebody has."""
    found = customer(("user_id", str(number)))
    Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent(), [Route(owner=owner)]).follow(found, NOW)
    assert found.case is not None
    found.case = replace(found.case, assignee=assignee)
    return found


def get(
    *paths: str,
    cases: Sequence[Profile] | None = None,
    clock: ClockState | None = None,
    held: MemoryStore | None = None,
    role: Role = "agent",
    plan: Plan = PLAN,
) -> list[str]:
    """What kim sees of each page, with four cases unless a store is given."""
    access, clocks = MemoryAccessStore(), MemoryClockStore()
    given, held = held is not None, held or store()
    deps = api_deps(held, access=access, clocks=clocks, plan=plan)
    app = create_api(deps)
    add_pages(app, deps)
    four = with_case(1, "CRM"), with_case(2, "kim"), with_case(3, "CRM", "kim"), with_case(4, "kim", "lee")
    keep(held, *(four if cases is None and not given else cases or ()))

    async def run() -> list[str]:
        if clock is not None:
            await clocks.commit(clock)
        for name in ("kim", "lee"):
            await access.put_account(Account(name=name, role=role))
        kim = Account(name="kim", role=role)
        headers = {"Accept": "text/html", "Cookie": f"rapport={await Sessions(access).begin(kim, 'link')}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            pages: list[str] = []
            for path in paths:
                following = re.search(r'rel="next" href="([^"]+)"', pages[-1]) if path == NEXT else None
                asked = html.unescape(following[1]) if following else path
                pages.append((await http.get(asked, headers=headers)).text)
            return pages

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


def test_the_whole_table_comes_of_one_look_at_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, cases = [], MemoryStore.cases

    async def counted(held: MemoryStore) -> list[CaseRow]:
        looks.append(held)
        return await cases(held)

    monkeypatch.setattr(MemoryStore, "cases", counted)
    (whole,) = get("/at-risk.csv")
    assert len(looks) == 1
    monkeypatch.setattr(at_risk, "_PER_READ", 1)
    assert get("/at-risk.csv") == [whole]
    assert len(looks) == 2


def business(**traits: Trait) -> Plan:
    return Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits=traits)}}))


@pytest.mark.parametrize(
    ("planned", "role", "shown"),
    [
        ("none", "analyst", True), ("name", "analyst", False), ("name", "agent", True), ("email", "agent", False),
        ("email", "admin", True), (None, "agent", False), (None, "admin", True),
    ],
)  # fmt: skip
def test_whose_a_company_is_is_shown_to_who_may_see_it(planned: Any, role: Role, shown: bool) -> None:
    traits = {} if planned is None else {"owner": Trait(type="string", pii=planned, description="Who looks after it")}
    one = visit("m", 0, owner="Daan Weber")
    (page,) = get("/", held=stored(one, alert="high_churn_risk"), plan=business(**traits), role=role)
    assert NAME in page
    assert ("Daan Weber" in page) == shown


def test_cases_of_companies_are_beside_those_of_customers() -> None:
    """Each may be looked at alone, also as CSV; a shop without companies has no such choice."""
    held = stored(visit("m", 0), alert="high_churn_risk")
    keep(held, with_case(1, "CRM"))
    paths = "/", "/?grain=company", "/?grain=customer", "/?grain=team", "/at-risk.csv?grain=company"
    both, firms, people, unknown, table = get(*paths, held=held, plan=BUSINESS)
    rows = [len(re.findall(r'<tr id="cs_', page)) for page in (both, firms, people, unknown)]
    assert rows == [2, 1, 1, 2]
    assert 'href="/company/Acme%20%2F%20West"' in firms
    assert '<option value="company" selected>' in firms
    assert NAME not in people
    (head, row) = csv.DictReader(io.StringIO(table)), NAME
    assert [(one["customer"], one["company"]) for one in head] == [(row, row)]
    assert 'name="grain"' not in get("/")[0]


def test_a_companys_case_is_whose_it_was_given_to() -> None:
    held = stored(visit("m", 0), alert="high_churn_risk")
    pages = get("/", "/?with=kim", "/?with=nobody", "/?tab=mine", held=held, plan=BUSINESS)
    assert [NAME in page for page in pages] == [True, False, True, False]


def test_a_later_page_says_in_whose_order_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look's while it is known, and else that the order may have changed."""
    monkeypatch.setattr(at_risk, "_PER_PAGE", 2)
    held = store()
    keep(held, *(with_case(number, "CRM") for number in range(1, 5)))
    unknown = f"/?after=gone.{encode_cursor((1e12, 'p'))}"
    first, second, lost = get("/", NEXT, unknown, held=held)
    assert "In the order of" not in first
    assert "when you saw the first page" in second
    assert "In the order of now: it may have changed" in lost
    shown = [re.findall(r'<tr id="(cs_[^"]+)"', page) for page in (first, second, lost)]
    assert [len(rows) for rows in shown] == [2, 2, 2]
    assert not {*shown[0]} & {*shown[1]}
