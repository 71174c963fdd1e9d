"""Revealing over the API: who may, what it answers, how often, and that each is written down."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from console.access.api_tokens import Tokens
from console.access.limiting import Limiter
from console.access.scopes import ROLES, Viewer
from console.access.sessions import Sessions
from console.api import create_api
from console.pages.site import add_pages
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore
from tests.console.people import customer, happened, keep, store
from tests.console.support_api import api_deps

TRAITS = {"email": "ada@example.com", "phone": "+31612345678", "lastName": "Lovelace", "eve@example.com": "x"}


def ask(reveals: int, *orders: dict[str, Any], scopes: tuple[str, ...] = ("profiles:read", "pii:reveal")) -> Any:
    """The answers, what was noted, and the answer to one more on a page of the same person."""

    held, ada = store(), customer(("user_id", "7654321"))
    happened(ada, 1, "", type="identify", traits=TRAITS)
    keep(held, ada)

    async def asked() -> Any:
        deps = api_deps(held, access=MemoryAccessStore(), limiter=Limiter(reveals))
        app = create_api(deps)
        add_pages(app, deps)
        await deps.access.put_account(kim := Account(name="kim", role="analyst"))
        text = (await Tokens(deps.access).add("crm", scopes, owner="kim")).text
        cookie = await Sessions(deps.access).begin(kim, "link")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            bearer = {"Authorization": f"Bearer {text}"}
            answers = [
                await http.post("/v1/profiles/user_id:7654321/reveal", json=order, headers=bearer) for order in orders
            ]
            page = await http.post(
                f"/c/{ada.id}/reveal", data={"field": "traits.email"},
                headers={"Cookie": f"rapport={cookie}", "Sec-Fetch-Site": "same-origin"},
            )  # fmt: skip
        return answers, (await deps.audit.newest(50)).rows[::-1], page

    return asyncio.run(asked())


def test_what_is_asked_for_is_shown_and_written_down_by_name() -> None:
    order = {"fields": ["traits.email", "identities.user_id", "label", "traits.eve@example.com"], "reason": "a call"}
    (answer, unknown), rows, _ = ask(60, order, {"fields": ["traits.nothing"]})

    assert answer.json()["fields"] == {
        "traits.email": "ada@example.com", "identities.user_id": ["7654321"], "label": "Ada Lovelace",
        "traits.eve@example.com": "x",
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert rows[0].action == "profile.reveal"
    assert rows[0].reason == "a call"
    assert rows[0].fields[:3] == ("traits.email", "identities.user_id", "label")
    assert "eve@example.com" not in str(rows)
    assert "Lovelace" not in str(rows)


def test_a_person_reveals_no_more_than_the_limit_in_whatever_way_they_ask() -> None:
    two = {"fields": ["traits.email", "traits.phone"]}
    (first, second, third), rows, page = ask(3, two, two, {"fields": ["label"]})

    assert [one.status_code for one in (first, second, third)] == [200, 429, 429]
    assert 1 <= int(second.headers["Retry-After"]) <= 3600
    assert "ada@example.com" not in second.text + page.text
    assert "No more now" in page.text
    assert [row.result for row in rows] == ["ok", "429", "429", "429"]
    _, _, page = ask(0)
    assert "ada@example.com" not in page.text


def test_who_may_not_reveal_does_not() -> None:
    (answer,), rows, page = ask(60, {"fields": ["label"]}, scopes=("profiles:read",))

    assert answer.status_code == 403
    assert "ada@example.com" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert [(row.result, row.fields) for row in rows] == [("403", ()), ("ok", ("traits.email",))]


def test_another_person_has_a_limit_of_their_own() -> None:
    async def count() -> list[int]:
        limiter = Limiter(2)
        kim, lee = (Viewer(name, "analyst", ROLES["analyst"], "page") for name in ("kim", "lee"))
        program = kim._replace(role="token", via="api", token="abcdefgh")
        return [await limiter.wait(one, "profile.reveal") for one in (kim, program, kim, program, lee)]

    first, second, third, fourth, other = asyncio.run(count())
    assert (first, second, other) == (0, 0, 0)
    assert third > 3000
    assert fourth > 3000
