"""Where people come over HTTPS, cookies are for HTTPS alone, whatever the request says."""

from __future__ import annotations

import asyncio

import httpx
from starlette.types import ASGIApp

from console.api import create_api
from console.http.over_https import OverHttps
from console.pages.site import add_pages
from profiles.stores.memory import MemoryAccessStore
from tests.console.people import store
from tests.console.support_api import api_deps


def test_a_session_is_of_this_host_and_https_alone() -> None:
    async def signed_out(app: ASGIApp) -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://inside") as http:
            return (await http.post("/sign-out", headers={"Sec-Fetch-Site": "same-origin"})).headers["set-cookie"]

    deps = api_deps(store(), access=MemoryAccessStore())
    app = create_api(deps)
    add_pages(app, deps)
    assert asyncio.run(signed_out(app)).startswith("rapport=")
    cookie = asyncio.run(signed_out(OverHttps(app)))
    assert cookie.startswith("__Host-rapport=")
    assert "Secure" in cookie
