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
from tests.console.support_api import PLAN, api_deps
from tests.console.test_companies import NAME, stored, visit


def page(role: Role, pii: Any, *, segment: str = "", part: str = "") -> str:
    """Of a company, or of a segment that it is in."""
    traits = {
        "contract_ends": Trait(type="date-time", pii=pii, description="When the contract ends"),
        "name": Trait(type="string", pii=pii, description="What it is called"),
    }
    plan = Plan(PLAN.file.model_copy(update={"groups": {"company": GroupSpec(traits=traits)}}))
    access, held = MemoryAccessStore(), stored(visit("m", 0, name="Weber Trading", contract_ends="2031-05-20"))
    deps = api_deps(held, access=access, plan=plan)
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
            path = f"/segments/{segment}{part}" if segment else f"/company/{plan.company(NAME)}"
            return (await http.get(path, headers=headers)).text

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
