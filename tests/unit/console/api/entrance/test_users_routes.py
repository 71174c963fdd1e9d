"""Accounts and tokens over the API: what is shown once, what is refused, and that all of it is written down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from console.access.api_tokens import Tokens
from console.access.people import People
from console.access.sessions import Sessions
from console.api import create_api
from console.services.ports import ApiDeps
from profiles.stores.memory import MemoryAccessStore
from tests.console.people import store
from tests.console.support_api import api_deps

Ask = Callable[..., Awaitable[httpx.Response]]


def run(test: Callable[[ApiDeps, Ask], Awaitable[None]]) -> None:
    """As a page of kim, who is an admin."""

    async def prepared() -> None:
        deps = api_deps(store(), access=MemoryAccessStore())
        kim = await People(deps.access).add("kim", "admin")
        cookie = await Sessions(deps.access).begin(kim, "link")
        transport = httpx.ASGITransport(create_api(deps))
        ours = {"Cookie": f"rapport={cookie}", "Sec-Fetch-Site": "same-origin"}
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:

            async def ask(method: str, path: str, body: Any = None, token: str = "") -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}"} if token else ours
                return await http.request(method, f"/v1{path}", json=body, headers=headers)

            await test(deps, ask)

    asyncio.run(prepared())


async def noted(deps: ApiDeps) -> list[tuple[str, str, tuple[str, ...], str]]:
    return [(row.action, row.object, row.fields, row.result) for row in (await deps.audit.newest(50)).rows][::-1]


def test_people_come_get_roles_and_go() -> None:
    async def test(deps: ApiDeps, ask: Ask) -> None:
        made = await ask("POST", "/users", {"name": "lee", "role": "agent"})
        assert (made.status_code, made.json()["role"]) == (201, "agent")
        assert (await ask("POST", "/users", {"name": "lee"})).status_code == 409
        link = (await ask("POST", "/users/lee/link")).json()
        account = await Sessions(deps.access).by_link(link["url"].removeprefix("http://test/sign-in/"))
        assert account is not None
        assert account.name == "lee"
        assert (await ask("PATCH", "/users/lee", {"role": "operator"})).json()["role"] == "operator"
        assert (await ask("PATCH", "/users/lee", {"signs_in": False})).json()["signs_in"] is False
        assert (await ask("POST", "/users/lee/link")).json()["code"] == "refused"
        assert [row["name"] for row in (await ask("GET", "/users")).json()["data"]] == ["kim", "lee"]
        assert (await ask("PATCH", "/users/kim", {"role": "agent"})).status_code == 409
        assert (await ask("DELETE", "/users/kim")).status_code == 409
        assert (await ask("DELETE", "/users/eve")).status_code == 404
        assert (await ask("DELETE", "/users/lee")).status_code == 200
        assert (await ask("POST", "/users", {"name": "a b"})).status_code == 400
        assert await noted(deps) == [
            ("user.add", "lee", ("agent",), "ok"), ("user.add", "", (), "409"), ("user.link", "lee", (), "ok"),
            ("user.change", "lee", ("operator",), "ok"), ("user.change", "lee", ("disabled",), "ok"),
            ("user.link", "lee", (), "409"), ("user.change", "kim", (), "409"), ("user.remove", "kim", (), "409"),
            ("user.remove", "", (), "404"), ("user.remove", "lee", (), "ok"), ("user.add", "", (), "400"),
        ]  # fmt: skip

    run(test)


def test_tokens_are_shown_once_rotated_in_pairs_and_revoked() -> None:
    async def test(deps: ApiDeps, ask: Ask) -> None:
        first = (await ask("POST", "/tokens", {"name": "crm", "scopes": ["segments:read"]})).json()["token"]
        second = (await ask("POST", "/tokens/crm/rotate", {"overlap": 1})).json()["token"]
        listed = await ask("GET", "/tokens")
        assert first not in listed.text
        assert second not in listed.text
        assert [row["token"][-4:] for row in listed.json()["data"]] == [first[41:45], second[41:45]]
        for text in (first, second):
            assert (await ask("GET", "/segments", token=text)).status_code == 200
        assert len((await ask("DELETE", "/tokens/crm")).json()["data"]) == 2
        assert (await ask("GET", "/segments", token=first)).status_code == 401
        assert (await ask("DELETE", "/tokens/crm")).status_code == 404
        assert (await ask("POST", "/tokens", {"name": "x", "scopes": ["everything"]})).status_code == 400
        actions = [(action, fields) for action, _, fields, result in await noted(deps) if result == "ok"]
        assert actions[:2] == [("token.add", ("segments:read",)), ("token.rotate", ("segments:read",))]
        assert [action for action, _ in actions[2:]] == ["token.revoke", "token.revoke"]

    run(test)


def test_who_manages_only_makes_nothing_that_may_do_more() -> None:
    async def test(deps: ApiDeps, ask: Ask) -> None:
        manager = (await Tokens(deps.access).add("hr", ["admin"])).text
        await Tokens(deps.access).add("all", ["pii:read"])
        for method, path, body in (
            ("POST", "/tokens", {"name": "x", "scopes": ["pii:read"]}), ("POST", "/tokens/all/rotate", {}),
            ("POST", "/users", {"name": "eve", "role": "admin"}), ("POST", "/users/kim/link", None),
        ):  # fmt: skip
            assert (await ask(method, path, body, token=manager)).json()["code"] == "refused", path

    run(test)
