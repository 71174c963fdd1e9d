"""The sessions that one person has: which there are, and ending those that are not theirs to have any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from console.access.sessions import ABSOLUTE
from profiles.stores.access import AccessStore, Session

__all__ = ["FRESH", "OpenSession", "OwnSessions"]

FRESH = 15 * 60.0
"""Seconds from its beginning in which a session is as good as a password: as long as a link that signs in is one."""

_SHOWN = 16  # signs of a digest that a page names a session by; they open nothing


class OpenSession(NamedTuple):
    """Somebody's session in one browser."""

    id: str
    session: Session
    device: str  # such as Firefox, Linux; "": it did not say
    here: bool  # whether it is the one that asks


class OwnSessions:
    """What somebody may see and end of their own.

    Args:
        store: of sessions.
        user: whose.
        secret: what the cookie of the one that asks holds.
        clock: seconds since the epoch.
    """

    def __init__(
        self, store: AccessStore, user: str, secret: str | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._user = user
        self._here = sha256((secret or "").encode()).hexdigest()
        self._clock = clock

    async def all(self) -> list[OpenSession]:
        """Those that last, this one first, then the latest used."""
        now, account = self._clock(), await self._store.account(self._user)
        since = max(account.created, account.out) if account else 0.0
        held = {
            digest: session
            for digest, session in (await self._store.sessions(self._user)).items()
            if since <= session.began and now - session.began < ABSOLUTE
        }
        devices = await asyncio.to_thread(lambda: [_device(session.device) for session in held.values()])
        found = [
            OpenSession(digest[:_SHOWN], session, device, digest == self._here)
            for (digest, session), device in zip(held.items(), devices, strict=True)
        ]
        return sorted(found, key=lambda one: (not one.here, -one.session.seen))

    async def end(self, id_: str) -> bool:
        """End one of them; whether there was one."""
        found = [digest for digest in await self._store.sessions(self._user) if digest[:_SHOWN] == id_]
        for digest in found:
            await self._store.end_session(digest)
        return bool(found)

    async def end_others(self) -> int:
        """End all but the one that asks; how many there were."""
        others = [digest for digest in await self._store.sessions(self._user) if digest != self._here]
        for digest in others:
            await self._store.end_session(digest)
        return len(others)

    async def here(self) -> Session | None:
        """The one that asks."""
        return await self._store.session(self._here)

    async def is_fresh(self) -> bool:
        """Whether who asks has signed in only just now."""
        session = await self.here()
        return session is not None and self._clock() - session.began < FRESH


@lru_cache(maxsize=1000)
def _device(agent: str) -> str:
    """A browser and its system, by what it says it is."""
    from ua_parser import parse_os, parse_user_agent  # noqa: PLC0415  (takes a quarter of a second, the first time)

    found = (parse_user_agent(agent), parse_os(agent)) if agent else ()
    return ", ".join(part.family for part in found if part is not None)
