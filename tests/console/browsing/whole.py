"""The whole of Rapport for tests of the pages: a worker, a collector and a console as processes, on Kafka and Redis."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr
from segment.analytics.client import Client

from console.access.passwords import hash_password
from console.access.sessions import Sessions
from console.local.process import free_port
from profiles.stores.access import AccessStore, Account, Role, with_access
from streams.settings import Settings
from tests import REPOSITORY
from tests.console.browsing.living import aside
from tests.integration.rapport import Rapport, environment

__all__ = ["PASSWORD", "Whole", "whole"]

PASSWORD = "a password for the tests"
_TOKEN = "token-of-the-tests"
_PATIENCE = 180.0  # seconds until what does not come is called missing: many times what it takes, for a busy machine


@dataclass(frozen=True)
class Whole:
    """One that runs."""

    url: str  # of the console
    collector: str
    rapport: Rapport

    def sdk(self, source: str) -> Client:
        """A released SDK, for a source."""
        key = self.rapport.plan.sources[source].write_key.get_secret_value()
        return Client(key, host=self.collector, upload_interval=0.01)

    def get(self, path: str) -> Any:
        """What the API answers, be it that there is no such thing."""
        return httpx.get(self.url + path, headers={"Authorization": f"Bearer {_TOKEN}"}, timeout=30).json()

    def post(self, path: str, body: Any) -> None:
        """Tell the API something."""
        headers = {"Authorization": f"Bearer {_TOKEN}"}
        httpx.post(self.url + path, json=body, headers=headers, timeout=30).raise_for_status()

    def until(self, question: Callable[[], object], what: str) -> None:
        """Wait until it is true; fails with the worker's log."""
        deadline = time.monotonic() + _PATIENCE
        while not question():
            assert time.monotonic() < deadline, f"still waiting for {what}\n{self.rapport.logs()}"
            time.sleep(0.1)

    def account(self, name: str, role: Role, *, password: bool = False) -> str:
        """Somebody who may sign in, and the secret of a link that does so for them."""
        held = hash_password(PASSWORD) if password else ""

        async def make(store: AccessStore) -> str:
            if await store.account(name) is None:
                await store.put_account(Account(name=name, role=role, password=held))
            return await Sessions(store).make_link(name)

        return aside(lambda: asyncio.run(with_access(self.rapport.settings.redis.get_secret_value(), make)))


@contextlib.contextmanager
def whole(kafka: str, redis: str, directory: Path) -> Iterator[Whole]:
    """Run one until the end of the block, with nobody in it yet.

    Args:
        kafka: bootstrap servers.
        redis: URL of an empty database.
        directory: for the logs.
    """
    name = f"t{uuid.uuid4().hex[:10]}"
    settings = Settings(
        kafka=kafka, redis=SecretStr(redis), topic_prefix=f"{name}.", group=name, partitions=2, session_timeout=6.0,
        api_token=SecretStr(_TOKEN), port=0, metrics_port=0, operations_port=0,
    )  # fmt: skip
    rapport = Rapport(settings, directory)
    ports = {"collect": free_port(), "console": free_port()}
    with contextlib.ExitStack() as running:
        running.callback(rapport.stop)
        rapport.start()
        for role, port in ports.items():
            running.enter_context(_role(rapport.settings, role, port, directory))
        one = Whole(f"http://127.0.0.1:{ports['console']}", f"http://127.0.0.1:{ports['collect']}", rapport)
        one.until(lambda: _ready(one.url) and _ready(one.collector), "collector, console and worker to be ready")
        yield one


@contextlib.contextmanager
def _role(settings: Settings, role: str, port: int, directory: Path) -> Iterator[None]:
    given = {**os.environ, **environment(settings), "RAPPORT_PORT": str(port), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-P", "-m", "console", role]
    with (directory / f"worker-{role}.log").open("wb") as log:
        process = subprocess.Popen(command, env=given, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def _ready(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/ready", timeout=5).status_code == 200
    return False
