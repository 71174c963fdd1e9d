"""/metrics shows all processes where prometheus_client's multi-process mode is on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests import REPOSITORY

COUNT = "from prometheus_client import Counter; Counter('rapport_test_things', 'Things.').inc(3)"
SERVE = """
import asyncio, httpx
from fastapi import FastAPI
from console.api.operations import operations_router
from tests.console.support_api import Nothing

async def main():
    app = FastAPI()
    app.include_router(operations_router({}, Nothing().paused, Nothing().differ))
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
