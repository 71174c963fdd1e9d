"""A port of its own for metrics and readiness, for as long as the role lives."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest
from fastapi import FastAPI, Request

from console.api.operations import operations_router
from console.http.operators_port import add_operations, listen
from profiles.errors import WrongUse
from tests.console.support_api import Nothing


async def _everybody(_: Request) -> None:
    """May see it."""


def test_it_is_served_beside_and_ends_with_the_role() -> None:
    """With all that readiness knows, to whoever reaches it."""

    async def broken() -> None:
        raise ConnectionError("connection refused")

    async def serve() -> None:
        nothing, app, listener = Nothing(), FastAPI(), listen("127.0.0.1", 0)
        address = listener.getsockname()
        router = operations_router({"kafka": broken}, nothing.paused, nothing.differ, _everybody)
        add_operations(app, listener, router)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{address[1]}", trust_env=False) as http,
        ):
            assert (await http.get("/ready")).json()["checks"] == {"kafka": "connection refused"}
            assert "# TYPE" in (await http.get("/metrics")).text
            assert (await http.get("/v1/profiles")).status_code == 404
        listener.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)

    asyncio.run(asyncio.wait_for(serve(), 60))


def test_a_port_that_is_taken_is_told() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(WrongUse, match="RAPPORT_OPERATIONS_PORT"):
        listen("127.0.0.1", taken.getsockname()[1])
