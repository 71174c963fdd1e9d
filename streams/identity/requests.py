"""Asking the linker to make a link or to take one back, and waiting for what becomes of it; workers do the rest."""

from __future__ import annotations

import asyncio
import time
import uuid

from profiles.types import Identity
from profiles.units import LinkStore
from streams.commands import CommandSender
from streams.records.links import JoinRequest, Request, SplitRequest

__all__ = ["SplitRequests"]

_LOOK = 0.1  # seconds between looks at what has become of a request


class SplitRequests:
    """Asks for splits and joins."""

    def __init__(self, links: LinkStore, commands: CommandSender) -> None:
        self._links = links
        self._commands = commands

    async def ask(
        self, identity: Identity, apart: list[Identity], at: float, by: str, wait: float
    ) -> tuple[str, str | None]:
        """Ask the linker to take an identity out of its profile, and wait until the profiles are whole again.

        Args:
            identity: that was linked wrongly.
            apart: what it must not be together with; empty: its profile's strongest other identity.
            at: when, seconds.
            by: who asks.
            wait: seconds; what was asked is carried out all the same when it takes longer.

        Returns:
            The split's id, and what has become of it so far: `done`, `splitting` (it is being carried out), why it was
            refused, or None if the linker has not decided yet.

        Raises:
            Unavailable: Kafka does not answer.
        """
        id_ = uuid.uuid4().hex
        return await self._ask(id_, SplitRequest(id_, identity, apart, at, by), wait)

    async def join(self, identities: list[Identity], at: float, by: str, wait: float) -> tuple[str, str | None]:
        """Ask the linker to make one customer of two; the first one's name stays.

        Args:
            identities: one of each.
            at, by, wait: as of `ask`.

        Returns:
            The id, under which the link is kept, and what has become of it: `done`, why not, or None.

        Raises:
            Unavailable: Kafka does not answer.
        """
        id_ = uuid.uuid4().hex
        return await self._ask(id_, JoinRequest(id_, identities, at, by), wait)

    async def _ask(self, id_: str, request: Request, wait: float) -> tuple[str, str | None]:
        await self._commands.request(request)
        until = time.monotonic() + wait
        while True:
            state = await self._links.split_state(id_)
            if state not in (None, "splitting") or time.monotonic() > until:
                return id_, state
            await asyncio.sleep(_LOOK)
