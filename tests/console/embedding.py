"""A console with a customer whom other tools show, over stores in memory, asked without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from console.access.sessions import Sessions
from console.api import create_api
from console.embeds.setup import Embeds
from console.pages.site import add_pages
from profiles.stores.access import Account, Role
from profiles.stores.memory import MemoryAccessStore
from profiles.types import Profile
from streams.audit.trail import AuditRow
from tests.console.browsing.living import Wakes, Writer
from tests.console.people import customer, happened, keep, store
from tests.console.support_api import Nothing, api_deps

__all__ = ["ADA", "CHAT", "OURS", "Noted", "World", "run"]

CHAT = "https://chat.example.com"
ADA = customer(("user_id", "7654321"))
happened(ADA, 1, "", type="identify", traits={"email": "ada@example.com", "lastName": "Lovelace"})
OURS = {"Sec-Fetch-Site": "same-origin"}


class Noted(Nothing):
    """An audit trail in memory."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []

    def note(self, row: AuditRow) -> None:
        """Keep it."""
        self.rows.append(row)


class World:
    """A console with a customer, and somebody of a role who is signed in."""

    def __init__(self, role: Role = "agent", *profiles: Profile, **embeds: Any) -> None:
        held, self.audit = store(), Noted()
        keep(held, *(profiles or (ADA,)))
        writer = Writer(held, Wakes())
        self.deps = api_deps(
            held, access=MemoryAccessStore(), audit=self.audit, commands=writer,
            embeds=Embeds(**({"origins": (CHAT, "http://localhost:3000")} | embeds)),
        )  # fmt: skip
        self.role: Role = role
        self.cookie = ""

    async def __aenter__(self) -> World:
        app = create_api(self.deps)
        add_pages(app, self.deps)
        kim = Account(name="kim", role=self.role)
        await self.deps.access.put_account(kim)
        self.cookie = await Sessions(self.deps.access).begin(kim, "link")
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def token(self, origin: str = CHAT, **headers: str) -> httpx.Response:
        """Ask for a frame's token, as the window does."""
        given = {"Cookie": f"rapport={self.cookie}", **OURS, **headers}
        return await self.http.post("/embed/token", data={"origin": origin}, headers=given)

    async def look(self, token: str, origin: str = CHAT, *identities: str, **headers: str) -> httpx.Response:
        """Ask about a customer, as the frame does."""
        given = {"X-Rapport-Embed": token, "X-Rapport-Embed-Origin": origin, **OURS, **headers}
        return await self.http.post(
            "/embed/look", data={"identity": list(identities) or ["user_id:7654321"]}, headers=given
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """What was written down, the first first."""
        return [(row.actor, row.via, row.action, row.object) for row in self.audit.rows]


def run(test: Callable[[World], Awaitable[None]], role: Role = "agent", *profiles: Profile, **embeds: Any) -> None:
    """Run a test in a world."""

    world = World(role, *profiles, **embeds)  # a store is filled by a loop of its own

    async def ran() -> None:
        async with world:
            await test(world)

    asyncio.run(ran())
