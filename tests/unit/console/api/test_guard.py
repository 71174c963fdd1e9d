"""Before and after the work of a route: the token, the body, the time, and that nobody keeps the answer."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from console.api import create_api
from console.api.error_answers import handle_errors
from console.api.guard import guarded
from profiles.stores.memory import MemoryStore
from streams.background import aside
from tests.console.support_api import PLAN, TOKEN, api_deps

BEARER = {"Authorization": f"Bearer {TOKEN}"}


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that is a coroutine."""

    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        asyncio.run(test(**arguments))

    return run


def client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer \xff"}])
@pytest.mark.parametrize("path", ["/v1/segments/preview", "/v1/models/promote", "/v1/profiles/user_id:1/split"])
@in_a_loop
async def test_without_the_token_no_body_is_read(path: str, headers: dict[str, str]) -> None:
    """401 at once, also to one who would take a minute to send it."""

    async def body() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with client(create_api(api_deps(MemoryStore(PLAN.namespace, 4)))) as http:
        answer = await http.post(path, content=body(), headers=raw)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"


@in_a_loop
async def test_no_answer_about_people_is_kept() -> None:
    """By a browser, a proxy or a cache in front; errors name whom they were asked about."""
    app = create_api(api_deps(MemoryStore(PLAN.namespace, 4)))
    async with client(app) as http:
        for path in ("/v1/profiles", "/v1/alerts", "/v1/segments", "/v1/rejected", "/v1/profiles/user_id:1", "/v1/x"):
            answer = await http.get(path, headers=BEARER)
            assert answer.headers["cache-control"] == "no-store", path
        assert (await http.get("/v1/profiles")).headers["cache-control"] == "no-store"


def slow(patience: float) -> FastAPI:
    """Routes that take too long: waiting, and computing."""
    deps = api_deps(MemoryStore(PLAN.namespace, 4), patience=patience)
    router = APIRouter(route_class=guarded(deps))

    @router.get("/waits")
    async def waits() -> None:
        await asyncio.sleep(3600)

    @router.get("/computes")
    async def computes() -> None:
        await aside(time.sleep, 0.5)

    @router.get("/quick")
    async def quick() -> str:
        return "quick"

    app = FastAPI()
    app.include_router(router)
    handle_errors(app)
    return app


@pytest.mark.parametrize("path", ["/waits", "/computes"])
@in_a_loop
async def test_what_takes_too_long_is_given_up(path: str) -> None:
    """504 with what to do, while others are served."""
    async with client(slow(0.1)) as http:
        asked = asyncio.create_task(http.get(path, headers=BEARER))
        await asyncio.sleep(0)
        assert (await http.get("/quick", headers=BEARER)).json() == "quick"
        answer = await asked

    assert (answer.status_code, answer.json()["code"]) == (504, "too_long")
    assert "ask for less" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"condition":' + b'{"not":' * 500 + b"1" + b"}" * 501, "levels"),
        (b'{"condition":{' + b",".join(b'"k%d":1' % number for number in range(5_100)) + b"}}", "keys"),
        (b'{"condition":{"' + b"k" * 501 + b'":1}}', "characters"),
    ],
    ids=["deep", "keys", "name"],
)
@in_a_loop
async def test_bodies_past_a_bound(body: bytes, message: str) -> None:
    """400 that names the bound."""
    async with client(create_api(api_deps(MemoryStore(PLAN.namespace, 4)))) as http:
        headers: dict[str, Any] = {**BEARER, "Content-Type": "application/json"}
        answer = await http.post("/v1/segments/preview", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), answer.text
    assert message in answer.json()["message"]
