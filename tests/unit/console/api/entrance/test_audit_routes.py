"""What is written down of those who ask, through the application itself: looks, refusals, searches, sign-ins."""

from __future__ import annotations

import asyncio
import json

import httpx
from fastapi import FastAPI

from console.access.api_tokens import Tokens
from console.access.passwords import hash_password
from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from console.services.ports import ApiDeps
from models.cases.following import Cases
from profiles.consent import Consent
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore
from tests.console.people import DAY, NOW, customer, happened, keep, store
from tests.console.support_api import PLAN, api_deps

OURS = {"Sec-Fetch-Site": "same-origin"}
PASSWORD = "a long password"
CASES = Cases(PLAN.alerts, "EUR", 90 * DAY, 0.0, Consent())


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def prepared() -> tuple[FastAPI, ApiDeps, str]:
    """A console with one customer, whose id comes last."""
    held, ada = store(), customer(("user_id", "7654321"))
    happened(ada, 1, "", type="identify", traits={"email": "ada@example.com"})
    keep(held, ada)
    deps = api_deps(held, access=MemoryAccessStore())
    app = create_api(deps)
    add_pages(app, deps)
    return app, deps, ada.id


def test_looks_and_refusals_are_found_by_customer_and_by_who_looked() -> None:
    app, deps, ada = prepared()

    async def ask() -> list[dict[str, object]]:
        tokens = Tokens(deps.access)
        reads = (await tokens.add("crm", ["profiles:read"])).text
        audits = (await tokens.add("auditor", ["audit:read"])).text
        await deps.access.put_account(kim := Account(name="kim", role="agent"))
        cookie = await Sessions(deps.access).begin(kim, "link")
        async with client(app) as http:
            bearer = {"Authorization": f"Bearer {reads}"}
            assert (await http.get("/v1/profiles/user_id:7654321", headers=bearer)).status_code == 200
            assert (await http.get("/v1/profiles/user_id:7654321/export", headers=bearer)).status_code == 403
            assert (await http.get("/v1/profiles/user_id:nobody", headers=bearer)).status_code == 404
            await http.get("/v1/search?q=ada@example.com", headers=bearer)
            page = await http.get(f"/c/{ada}", headers={"Cookie": f"rapport={cookie}"})
            assert page.status_code == 200
            auditor = {"Authorization": f"Bearer {audits}"}
            assert (await http.get("/v1/audit", headers=bearer)).status_code == 403
            found = [(await http.get(f"/v1/audit{query}", headers=auditor)).json()["data"]
                     for query in ("", f"?object={ada}", "?actor=kim")]  # fmt: skip
            first = (await http.get("/v1/audit?limit=2", headers=auditor)).json()
            rest = (await http.get(f"/v1/audit?cursor={first['next']}", headers=auditor)).json()
            assert [*first["data"], *rest["data"]] == found[0]
            assert (await http.get("/v1/audit?cursor=x", headers=auditor)).status_code == 400
        assert [(row["actor"], row["via"], row["action"]) for row in found[1]] == [
            ("kim", "page", "profile.view"), ("token crm", "api", "profile.view"),
        ]  # fmt: skip
        assert [row["action"] for row in found[2]] == ["profile.view"]
        return list(found[0])

    rows = asyncio.run(ask())
    assert [(row["action"], row["result"]) for row in rows] == [
        ("profile.view", "ok"), ("search", "ok"), ("profile.view", "404"), ("profile.export", "403"),
        ("profile.view", "ok"),
    ]  # fmt: skip
    for part in ("7654321", "ada@example.com", "nobody"):
        assert part not in json.dumps(rows)


def test_who_signs_in_is_written_down_and_no_password_typed_as_a_name_is() -> None:
    app, deps, _ = prepared()

    async def ask() -> list[tuple[str, str]]:
        await deps.access.put_account(Account(name="kim", role="agent", password=hash_password(PASSWORD)))
        async with client(app) as http:
            for name, password in (("kim", "wrong"), (PASSWORD, ""), ("kim", PASSWORD)):
                await http.post("/sign-in", headers=OURS, data={"name": name, "password": password})
            await http.post("/sign-in/made-up", headers=OURS)
        rows = (await deps.audit.newest(10)).rows
        assert {row.action for row in rows} == {"sign-in"}
        assert PASSWORD not in str(rows)
        return [(row.actor, row.result) for row in rows]

    assert asyncio.run(ask()) == [("", "401"), ("kim", "ok"), ("", "401"), ("kim", "401")]


def test_searches_on_pages_are_written_down_as_those_of_programs_and_as_bounded() -> None:
    app, deps, _ = prepared()

    async def ask() -> tuple[list[int], list[tuple[str, str]], set[str]]:
        await deps.access.put_account(kim := Account(name="kim", role="agent"))
        cookie = {"Cookie": f"rapport={await Sessions(deps.access).begin(kim, 'link')}"}
        async with client(app) as http:
            pages = [f"/search{part}?q=ada" for part in ("", "/list")]
            answers = [(await http.get(pages[n % 2], headers=cookie)).status_code for n in range(31)]
            token = (await Tokens(deps.access).add("crm", ["profiles:read"])).text
            await http.get("/v1/search?q=Ada ", headers={"Authorization": f"Bearer {token}"})
        rows = (await deps.audit.newest(50)).rows
        return answers, [(row.action, row.result) for row in rows], {row.object for row in rows}

    answers, written, about = asyncio.run(ask())
    assert answers == [200] * 30 + [429]
    assert written == [("search", "ok"), ("search", "429"), *[("search", "ok")] * 30]
    assert len(about) == 1  # the same query, whoever asked
    assert "ada" not in "".join(about)


def test_what_is_decided_on_a_case_is_written_down_with_whose_it_is() -> None:
    held, ada = store(), customer(("user_id", "42"))
    CASES.follow(ada, NOW)
    keep(held, ada)
    deps = api_deps(held, access=MemoryAccessStore(), wait=0.05)
    app = create_api(deps)
    add_pages(app, deps)

    async def ask() -> list[tuple[str, str, str]]:
        assert ada.case is not None
        await deps.access.put_account(kim := Account(name="kim", role="agent"))
        cookie = {"Cookie": f"rapport={await Sessions(deps.access).begin(kim, 'link')}"}
        token = (await Tokens(deps.access).add("crm", ["alerts:write"])).text
        async with client(app) as http:
            said = await http.post("/cases/acknowledge", headers={**OURS, **cookie}, data={"case": ada.case.id})
            assert said.status_code == 200
            bearer = {"Authorization": f"Bearer {token}"}
            assert (await http.post(f"/v1/cases/{ada.case.id}/acknowledge", headers=bearer)).status_code == 202
        return [(row.via, row.action, row.object) for row in (await deps.audit.newest(10)).rows]

    assert asyncio.run(ask()) == [("api", "case.decide", ada.id), ("page", "case.decide", ada.id)]
