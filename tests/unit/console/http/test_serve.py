"""What the HTTP roles show, and to whom; /metrics shows all processes in prometheus_client's multi-process mode."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from console.http.serve import create_http
from plan import load_plan
from streams.settings import Settings
from tests import REPOSITORY

TOKEN = "token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOWHERE = Settings(kafka="127.0.0.1:9", redis=SecretStr("redis://127.0.0.1:9/0"), api_token=SecretStr(TOKEN))
SHOWN = ("/metrics", "/docs", "/openapi.json")


def statuses(settings: Settings, *, api: bool, headers: dict[str, str] | None = None) -> list[int]:
    """What each of `SHOWN` answers, and whether /ready tells details (200) or not (0)."""
    app = create_http(settings, load_plan(REPOSITORY / "tracking_plan.yaml", {}), collect=False, api=api)

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers=headers) as http:
            assert (await http.get("/health")).json() == {"status": "ok"}
            ready = await http.get("/ready")
            assert ready.status_code == 503
            told = bool(ready.json()["checks"])
            assert told == ("Kafka does not answer" in ready.text)
            return [*[(await http.get(path)).status_code for path in SHOWN], 200 if told else 0]

    return asyncio.run(ask())


@pytest.mark.parametrize("headers", [None, BEARER])
def test_the_collectors_port_shows_nothing_of_its_inside(headers: dict[str, str] | None) -> None:
    """Browsers and apps of strangers reach it; whether it is ready is for a load balancer."""
    assert statuses(NOWHERE, api=False, headers=headers) == [404, 404, 404, 0]
    opened = NOWHERE.model_copy(update={"open_operations": True})
    assert statuses(opened, api=False, headers=headers) == [200, 200, 200, 200]


def test_the_api_shows_it_to_who_has_the_token() -> None:
    """What routes there are is no secret, where no collector is on the same port."""
    assert statuses(NOWHERE, api=True) == [401, 200, 200, 0]
    assert statuses(NOWHERE, api=True, headers={"Authorization": "Bearer wrong"}) == [401, 200, 200, 0]
    assert statuses(NOWHERE, api=True, headers=BEARER) == [200, 200, 200, 200]


COUNT = "from prometheus_client import Counter; Counter('rapport_test_things', 'Things.').inc(3)"
SERVE = """
import asyncio, httpx
from fastapi import FastAPI
from console.api.operations import operations_router
from tests.console.support_api import Nothing

async def nobody_asked(_):
    pass

async def main():
    app = FastAPI()
    app.include_router(operations_router({}, Nothing().paused, Nothing().differ, nobody_asked))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        print((await http.get("/metrics")).text)

asyncio.run(main())
"""


def test_metrics_of_all_processes(tmp_path: Path) -> None:
    """What one process has counted, another one shows."""
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT], env=env, check=True)
    shown = subprocess.run(
        [sys.executable, "-c", SERVE],
        env=env,
        check=True,
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
    )

    assert "rapport_test_things_total 6.0" in shown.stdout
