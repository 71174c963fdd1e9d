"""The port of the store of access: people who may sign in, their sessions, and links that sign somebody in once.

Whatever lets somebody in is a secret that is never kept: the store has its SHA-256 (of 256 random bits a faster hash is
as safe as a slow one), and of passwords, which people choose, an argon2id hash.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

__all__ = ["AccessStore", "Account", "Role", "Session"]

Role = Literal["agent", "analyst", "operator", "admin"]
"""What somebody may see and do; `console.access.roles` says what each is."""


class Account(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A person who may sign in with a password."""

    name: str
    role: Role
    password: str = ""  # argon2id hash; "": signs in by a link, by OIDC or through a proxy only
    disabled: bool = False
    created: float = 0.0  # seconds since the epoch


class Session(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody who is signed in, in one browser."""

    user: str
    role: Role
    via: str  # how they signed in: password, link, oidc, proxy
    began: float  # seconds since the epoch
    seen: float


class AccessStore(Protocol):
    """Who may come in, and who is in."""

    async def accounts(self) -> dict[str, Account]:
        """Everybody with an account here, by name."""
        ...

    async def account(self, name: str) -> Account | None:
        """One of them."""
        ...

    async def put_account(self, account: Account) -> None:
        """Add or replace an account."""
        ...

    async def remove_account(self, name: str) -> None:
        """Remove an account, if there is one. Its sessions end when they are next looked at."""
        ...

    async def session(self, digest: str) -> Session | None:
        """The session of a cookie's digest, if it is still there."""
        ...

    async def put_session(self, digest: str, session: Session, lasts: float) -> None:
        """Begin or renew a session that ends by itself after so many seconds."""
        ...

    async def end_session(self, digest: str) -> None:
        """End a session, if there is one."""
        ...

    async def put_link(self, digest: str, name: str, lasts: float) -> None:
        """Keep a link that signs an account in once, within so many seconds."""
        ...

    async def take_link(self, digest: str) -> str | None:
        """The account of a link, which is used up by that; None: there is none, or somebody had it already."""
        ...
