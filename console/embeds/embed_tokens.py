"""Tokens of frames: who looks at customers within another tool's page, for fifteen minutes at a time.

256 random bits, of which the store has a SHA-256, in the frame's memory alone. Good for nothing but the frame's own
routes, for whoever proved who they are, within pages of one origin; over with the session by which they proved it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from console.access.scopes import ROLES, Scope, Viewer
from console.access.sessions import ABSOLUTE, Sessions
from console.embeds.setup import Embeds
from profiles.stores.access import AccessStore, EmbedGrant, Role

__all__ = ["LASTS", "EmbedTokens", "Given", "seen_from_outside"]

LASTS = 15 * 60.0
"""Seconds."""

_OF_FRAMES: frozenset[Scope] = frozenset({"profiles:read", "pii:one", "alerts:write"})
"""Of what a role may do, what a frame is for."""


class Given(NamedTuple):
    """A token that was just made: the only time at which its text is known."""

    text: str
    seconds: float


def seen_from_outside(name: str, role: Role | None) -> Viewer:
    """Somebody who looks in another tool: never more than their role, nor than a frame is for.

    Args:
        name: as the audit trail has it.
        role: None: of people whom a tool vouches for, and to whom no setting gives a role.
    """
    scopes = ROLES[role] & _OF_FRAMES if role is not None else frozenset[Scope]({"profiles:read"})
    return Viewer(name, role or "agent", scopes, "embed")


class EmbedTokens:
    """Makes tokens of frames, and knows who has one.

    Args:
        store: that keeps them, and accounts.
        embeds: in which tools.
        clock: seconds since the epoch.
    """

    def __init__(self, store: AccessStore, embeds: Embeds, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._sessions = Sessions(store, clock)
        self._embeds = embeds
        self._clock = clock

    async def of_session(self, user: str, cookie: str | None, origin: str) -> Given:
        """For who is signed in to the console, by the cookie of their session; without one by the proxy's word."""
        by, session = ("session", _digest(cookie)) if cookie else ("proxy", "")
        return await self._make(user, by, session, origin, self._clock())

    async def of_zendesk(self, user: str, origin: str) -> Given:
        """For an agent for whom Zendesk vouches."""
        return await self._make(user, "zendesk", "", origin, self._clock())

    async def renewed(self, text: str, origin: str) -> Given | None:
        """The next token of a frame; None: it has to be proved again who looks."""
        grant = await self._grant(text, origin)
        if grant is None or await self._viewer(grant, asks=False) is None:
            return None
        return await self._make(grant.user, grant.by, grant.session, grant.origin, grant.began)

    async def viewer(self, text: str, origin: str, *, asks: bool = False) -> Viewer | None:
        """Who has this token, in a page of this origin; None: nobody, or not any more.

        Args:
            text: the token.
            origin: of the page around the frame.
            asks: whether somebody is looking at something new: then their session lasts longer by it.
        """
        grant = await self._grant(text, origin)
        return None if grant is None else await self._viewer(grant, asks=asks)

    async def _grant(self, text: str, origin: str) -> EmbedGrant | None:
        grant = await self._store.embed(_digest(text)) if text else None
        if grant is None or grant.expires <= self._clock() or grant.origin != origin:
            return None
        return grant if self._embeds.may_hold(origin) else None

    async def _viewer(self, grant: EmbedGrant, *, asks: bool) -> Viewer | None:
        if grant.by == "zendesk":
            return seen_from_outside(grant.user, self._embeds.role_of("zendesk")) if self._embeds.zendesk else None
        if grant.session:
            found = await self._sessions.viewer_of(grant.session, asks=asks)
            if found is None or found.name != grant.user:
                return None
        account = await self._store.account(grant.user)
        if account is None or account.disabled or grant.began < max(account.created, account.out):
            return None
        return seen_from_outside(account.name, account.role)

    async def _make(self, user: str, by: str, session: str, origin: str, began: float) -> Given:
        now, text = self._clock(), secrets.token_urlsafe(32)
        lasts = max(0.0, min(LASTS, began + ABSOLUTE - now))
        if lasts >= 1.0:  # else it is over before it is there
            await self._store.put_embed(_digest(text), EmbedGrant(user, origin, by, session, began, now + lasts), lasts)
        return Given(text, lasts)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
