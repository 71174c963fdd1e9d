"""Signing in, staying in, and signing out.

A session ends 12 hours after it began, and when nothing was asked for two. Its cookie is 256 random bits, of which the
store has the SHA-256: who reads the store cannot come in.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from hashlib import sha256

from msgspec.structs import replace

from console.access.passwords import is_password
from console.access.scopes import ROLES, Viewer
from profiles.stores.access import AccessStore, Account, Session, SignInLink

__all__ = ["ABSOLUTE", "IDLE", "LINK", "Sessions", "cookie_name"]

ABSOLUTE = 12 * 3600.0
IDLE = 2 * 3600.0
LINK = 15 * 60.0
"""Seconds that a sign-in link can be used in."""

_DEVICE = 300  # characters
_RENEWED = 60.0  # seconds between two writes of a session that is in use


class Sessions:
    """Who is in, by what their browser sends.

    Args:
        store: of accounts, sessions and links.
        clock: seconds since the epoch.
    """

    def __init__(self, store: AccessStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def by_password(self, name: str, password: str) -> Account | None:
        """The account that a name and a password open; None, after the same time, whatever is wrong."""
        account = await self._store.account(name)
        right = await is_password(password, account.password if account else "")
        return account if right and account and not account.disabled else None

    async def is_known(self, name: str) -> bool:
        """Whether somebody of this name has an account."""
        return await self._store.account(name) is not None

    async def make_link(self, name: str) -> str:
        """A secret that signs an account in once, within 15 minutes."""
        secret = secrets.token_urlsafe(32)
        await self._store.put_link(_digest(secret), SignInLink(name, self._clock()), LINK)
        return secret

    async def by_link(self, secret: str) -> Account | None:
        """The account of a link, which nobody can use again; None, too, if it was made for the last of that name, or
        before the account was disabled."""
        link = await self._store.take_link(_digest(secret))
        account = await self._store.account(link.user) if link else None
        if link is None or account is None or account.disabled or _is_before(account, link.made):
            return None
        return account

    async def begin(self, account: Account, via: str, device: str = "", sid: str = "") -> str:
        """A new session; answers what the cookie holds. `device` is what the browser says it is, `sid` what an OpenID
        provider calls its session."""
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        session = Session(
            user=account.name, role=account.role, via=via, began=now, seen=now, device=device[:_DEVICE], sid=sid
        )
        await self._store.put_session(_digest(secret), session, IDLE)
        return secret

    async def viewer(self, secret: str | None, *, asks: bool = True) -> Viewer | None:
        """Who has this cookie; None: nobody who is in (any more).

        Without `asks`, as for a page that is open and that nobody may be looking at, the session lasts no longer by it.

        An account that was disabled or removed is out at once, and one whose role was changed has the new one.
        """
        return await self.viewer_of(_digest(secret), asks=asks) if secret else None

    async def viewer_of(self, digest: str, *, asks: bool = True) -> Viewer | None:
        """The same by the digest of the cookie, for who was let in elsewhere by a session and is out with it."""
        now = self._clock()
        session = await self._store.session(digest)
        if session is None or now - session.began >= ABSOLUTE:
            return None
        account = await self._store.account(session.user)
        if account is None:
            await self._store.end_session(digest)  # or it would come back with the next of that name
        if account is None or account.disabled or _is_before(account, session.began):
            return None
        if asks and now - session.seen >= _RENEWED:
            lasts = min(IDLE, session.began + ABSOLUTE - now)
            await self._store.put_session(digest, replace(session, seen=now), lasts, renew=True)
        return Viewer(session.user, account.role, ROLES[account.role], "page")

    async def end_by_provider(self, subject: str, sid: str) -> list[str]:
        """End the sessions that an OpenID provider says are over; answers whose they were.

        Args:
            subject: whose, as accounts have it; "": whoever has the session.
            sid: what the provider calls its session; "": all that they began by it.
        """
        ended = []
        for account in (await self._store.accounts()).values():
            if account.source != "oidc" or (subject and account.subject != subject):
                continue
            for digest, session in (await self._store.sessions(account.name)).items():
                if session.via == "oidc" and (not sid or session.sid == sid):
                    await self._store.end_session(digest)
                    ended.append(account.name)
        return ended

    async def end(self, secret: str | None) -> None:
        """Sign out."""
        if secret:
            await self._store.end_session(_digest(secret))


def cookie_name(*, secure: bool) -> str:
    """The session's cookie; over HTTPS one that only this host could have set."""
    return "__Host-rapport" if secure else "rapport"


def _is_before(account: Account, time: float) -> bool:
    """Whether what began then was of the last account of this name, or ended when this one was disabled."""
    return time < max(account.created, account.out)


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
