"""The support API over a store in memory, for tests of what it and the commands show."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from pydantic import SecretStr

from console.api import ApiDeps, LiveEvent, create_api
from plan import load_plan
from profiles.stores.memory import MemoryStore
from profiles.types import AlertCommand
from tests import REPOSITORY
from tests.console.people import NOW
from tests.console.serving import serving

__all__ = ["PLAN", "PLAN_FILE", "support_api", "where"]

PLAN_FILE = REPOSITORY / "tracking_plan.yaml"
PLAN = load_plan(PLAN_FILE, {})
_TOKEN = "correct-horse"


@contextlib.contextmanager
def support_api(held: MemoryStore, **parts: Any) -> Iterator[httpx.Client]:
    """Serve a store, and what else the routes under test need (`ApiDeps`); answers a client that has the token."""
    nothing = _Nothing()
    deps = ApiDeps(
        reader=held, token=SecretStr(_TOKEN), commands=nothing, feed=nothing, rejected=nothing, plan=PLAN,
        clock=lambda: NOW, **parts,
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    with (
        serving(create_api(deps)) as url,
        httpx.Client(base_url=url, headers=headers, timeout=20, verify=False) as http,
    ):
        yield http


def where(http: httpx.Client) -> list[str]:
    """The options by which a command finds the API of this client."""
    return ["--url", str(http.base_url), "--token", _TOKEN]


class _Nothing:
    """No decision is carried out, nothing happens, and nothing was rejected."""

    async def send(self, command: AlertCommand) -> None:
        """Of decisions on alerts."""

    async def subscribe(self) -> AsyncIterator[LiveEvent]:
        """Of the live feed."""
        return
        yield

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """Of rejected events."""
        return []
