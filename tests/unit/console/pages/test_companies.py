"""The pages of companies: of its traits everybody sees those that they may, also what the page makes of them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from plan import Plan
from plan.model import GroupSpec, Trait
from profiles.store import Changes
from profiles.stores.access import Account, Role
from profiles.stores.memory import MemoryAccessStore
from profiles.types import partition_of
from tests.console.support_api import PLAN, Noted, api_deps
from tests.console.test_companies import NAME, stored, visit


def planned(pii: Any) -> Plan:
    """A plan with traits of companies, of a class of personal data."""
    traits = {
        "contract_ends": Trait(type="date-time", pii=pii, description="When the contract ends"),
        "name": Trait(type="string", pii=pii, description="What it is called"),
    }
    return Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits=traits)}}))


def page(role: Role, pii: Any, *, segment: str = "", part: str = "", audit: Noted | None = None, path: str = "") -> str:
    """Of a company, or of a segment that it is in."""
    plan = planned(pii)
    access, held = MemoryAccessStore(), stored(visit("m", 0, name="Weber Trading", contract_ends="2031-05-20"))
    deps = api_deps(held, access=access, plan=plan, **({} if audit is None else {"audit": audit}))
    app = create_api(deps)
    add_pages(app, deps)

    async def run() -> str:
        kim = Account(name="kim", role=role)
        await access.put_account(kim)
        if segment:
            partition = partition_of(plan.company(NAME), 4)
            changes = Changes((await held.load(partition, [])).version, entered=[(segment, plan.company(NAME), 5.0)])
            await held.commit(partition, changes)
        headers = {"Accept": "text/html", "Cookie": f"rapport={await Sessions(access).begin(kim, 'link')}"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            own = f"/segments/{segment}" if segment else f"{path or '/company/'}{plan.company(NAME)}"
            return (await http.get(f"{own}{part}", headers=headers)).text

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("pii", "role", "shown"),
    [("none", "analyst", True), ("name", "analyst", False), ("email", "agent", False), ("email", "admin", True)],
)
def test_a_trait_that_somebody_may_not_see_is_nowhere_on_the_page(pii: Any, role: Role, shown: bool) -> None:
    text = page(role, pii)
    assert NAME in text or shown
    assert ("Weber Trading" in text, "2031" in text) == (shown, shown)


def test_the_companies_of_a_segment_are_on_its_page() -> None:
    text = page("admin", "none", segment="at_risk")
    assert "Weber Trading" in text
    assert "Nobody is in it now." not in text
    assert "/segments/at_risk/companies.csv" in text
    header, row = page("admin", "none", segment="at_risk", part="/companies.csv").splitlines()
    assert "in it since" in header
    assert "Weber Trading" in row


@pytest.mark.parametrize(
    ("path", "part", "action", "fields"),
    [
        ("/company/", "", "company.view", ()),
        ("/v1/companies/", "", "company.view", ()),
        ("/v1/companies/", "/members", "company.view", ("members",)),
        ("/v1/companies/", "/events", "company.events", ()),
    ],
)
def test_who_looked_at_a_company_is_written_down(path: str, part: str, action: str, fields: tuple[str, ...]) -> None:
    audit = Noted()
    page("admin", "none", path=path, part=part, audit=audit)
    assert [(row.actor, row.action, row.object, row.fields) for row in audit.rows] == [
        ("kim", action, planned("none").company(NAME), fields)
    ]
