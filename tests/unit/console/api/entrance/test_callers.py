"""Who may ask what: every route asks for its scopes, whoever comes, and however."""

from __future__ import annotations

import asyncio
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from console.access.api_tokens import Tokens
from console.access.scopes import SCOPES, Scope
from console.access.sessions import Sessions
from console.api import create_api
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore, MemoryStore
from tests.console.support_api import PLAN, TOKEN, api_deps

ACCESS = MemoryAccessStore()
APP = create_api(api_deps(MemoryStore(PLAN.namespace, 4), access=ACCESS))
"""One for all tests, each of which brings a token or a session of its own: to build it takes a second."""


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://test")


ROUTES = [
    pytest.param(method, path, tuple(described.get("x-scopes", ())), id=f"{method} {path}")
    for path, methods in APP.openapi()["paths"].items()
    if path.startswith("/v1")
    for method, described in methods.items()
]


@pytest.mark.parametrize(("method", "path", "scopes"), ROUTES)
def test_every_route_refuses_who_lacks_a_scope_of_it(method: str, path: str, scopes: tuple[Scope, ...]) -> None:
    """Before it looks at anything else of the request: whatever is in the path, it is 403 that names the scope."""
    assert scopes, "the route says of no scope that it wants it"
    assert scopes != tuple(SCOPES), "a route of the API says what it wants (`wants`)"

    async def ask() -> None:
        for scope in scopes:
            made = await Tokens(ACCESS).add(uuid4().hex, set(SCOPES) - {scope})
            async with client() as http:
                filled = path.replace("{action}", "acknowledge").replace("{", "").replace("}", "")
                answer = await http.request(method, filled, headers={"Authorization": f"Bearer {made.text}"})
            said = answer.json()
            problem = said.get("error", said)  # as Segment's Profile API says it
            code = "authorization_error" if "error" in said else "forbidden"
            assert (answer.status_code, problem["code"]) == (403, code)
            assert scope in problem["message"]

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("headers", "signed_in", "status"),
    [
        ({"Authorization": "Bearer {token}"}, False, 200),
        ({"Authorization": "bearer {token}"}, False, 200),
        ({"Authorization": f"Bearer {TOKEN}"}, False, 200),
        ({"Authorization": "Bearer {token}"}, True, 400),
        ({"Authorization": f"Bearer {TOKEN}"}, True, 400),
        ({"Authorization": "Bearer"}, False, 401),
        ({"Authorization": "Basic a2ltOng="}, False, 401),
        ({"Authorization": "Basic a2ltOng="}, True, 200),  # of a proxy in front
        ({}, False, 401),
        ({}, True, 200),
        ({"Sec-Fetch-Site": "same-origin"}, True, 200),
        ({"Sec-Fetch-Site": "cross-site"}, True, 403),
        ({"Sec-Fetch-Site": "same-site"}, True, 403),
    ],
)
def test_a_token_or_a_session_but_never_both(headers: dict[str, str], signed_in: bool, status: int) -> None:
    async def ask() -> None:
        text = (await Tokens(ACCESS).add(uuid4().hex, ["segments:read"])).text
        await ACCESS.put_account(kim := Account(name="kim", role="agent"))
        cookies = {"rapport": await Sessions(ACCESS).begin(kim, "link")} if signed_in else {}
        async with client() as http:
            http.cookies.update(cookies)
            given = {name: value.replace("{token}", text) for name, value in headers.items()}
            assert (await http.get("/v1/segments", headers=given)).status_code == status

    asyncio.run(ask())


@pytest.mark.parametrize("site", [None, "none", "cross-site", "same-site"])
def test_with_a_session_nothing_is_changed_from_elsewhere(site: str | None) -> None:
    async def ask() -> Any:
        await ACCESS.put_account(kim := Account(name="kim", role="admin"))
        cookie = await Sessions(ACCESS).begin(kim, "link")
        headers = {"Sec-Fetch-Site": site} if site else {}
        async with client() as http:
            http.cookies.set("rapport", cookie)
            return await http.post("/v1/segments/preview", json={"condition": {}}, headers=headers)

    assert asyncio.run(ask()).status_code == 403


def test_scopes_are_in_words() -> None:
    assert set(get_args(Scope)) == set(SCOPES)
