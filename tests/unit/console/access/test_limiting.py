"""Limits: each caller has their own, and is told when to come back."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from console.access.api_tokens import Tokens
from console.access.limiting import Limiter
from console.access.scopes import ROLES, Viewer
from console.api import create_api
from profiles.stores.memory import MemoryAccessStore
from tests.console.people import store
from tests.console.support_api import TOKEN, api_deps

KIM, LEE = (Viewer(name, "admin", ROLES["admin"], "page") for name in ("kim", "lee"))
CRM = Viewer("token crm", "token", ROLES["admin"], "api", "abcdefgh")


@pytest.mark.parametrize(
    ("viewer", "action", "often", "within"),
    [(KIM, "search", 30, 10), (CRM, "search", 30, 10), (KIM, "profile.export", 10, 86_400), (CRM, "", 100, 1),
     (KIM, "table.csv", 30, 600)],
)  # fmt: skip
def test_nobody_does_it_more_often_and_nobody_pays_for_others(
    viewer: Viewer, action: str, often: int, within: int
) -> None:
    async def ask() -> None:
        limiter = Limiter()
        first = [await limiter.wait(viewer, action) for _ in range(often)]
        assert first == [0] * often
        assert 1 <= await limiter.wait(viewer, action) <= within
        assert await limiter.wait(LEE, action) == 0

    asyncio.run(ask())


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    """Over the application; the one token of the environment, by which everything works on this machine, never is."""

    async def ask() -> None:
        access = MemoryAccessStore()
        app = create_api(api_deps(store(), access=access))
        text = (await Tokens(access).add("crm", ["profiles:read"])).text
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            bearer = {"Authorization": f"Bearer {text}"}
            answers = [await http.get("/v1/search?q=ada", headers=bearer) for _ in range(31)]
            master = {"Authorization": f"Bearer {TOKEN}"}
            assert {(await http.get("/v1/alerts", headers=master)).status_code for _ in range(101)} == {200}
        assert [answer.status_code for answer in answers[:30]] == [200] * 30
        assert (answers[-1].status_code, answers[-1].json()["code"]) == (429, "rate_limited")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 10

    asyncio.run(ask())
