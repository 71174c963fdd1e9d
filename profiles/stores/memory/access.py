"""Accounts, sessions, sign-in links and tokens in memory."""

from __future__ import annotations

import time
from collections import defaultdict

from profiles.stores.access import Account, ApiToken, Session, SignInLink

__all__ = ["MemoryAccessStore"]


class MemoryAccessStore:
    """Who may come in, and who is in."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[str, tuple[float, Session]] = {}
        self._links: dict[str, tuple[float, SignInLink]] = {}
        self._tokens: dict[str, ApiToken] = {}
        self._used: dict[str, str] = {}
        self._first_steps: defaultdict[str, set[str]] = defaultdict(set)

    async def accounts(self) -> dict[str, Account]:
        return dict(self._accounts)

    async def account(self, name: str) -> Account | None:
        return self._accounts.get(name)

    async def put_account(self, account: Account) -> None:
        self._accounts[account.name] = account

    async def remove_account(self, name: str) -> None:
        self._accounts.pop(name, None)
        self._first_steps.pop(name, None)

    async def first_steps(self, name: str) -> frozenset[str]:
        return frozenset(self._first_steps[name])

    async def note_first_step(self, name: str, step: str) -> None:
        self._first_steps[name].add(step)

    async def session(self, digest: str) -> Session | None:
        ends, session = self._sessions.get(digest, (0.0, None))
        return session if ends > time.monotonic() else None

    async def put_session(self, digest: str, session: Session, lasts: float) -> None:
        self._sessions[digest] = time.monotonic() + lasts, session

    async def end_session(self, digest: str) -> None:
        self._sessions.pop(digest, None)

    async def put_link(self, digest: str, link: SignInLink, lasts: float) -> None:
        self._links[digest] = time.monotonic() + lasts, link

    async def take_link(self, digest: str) -> SignInLink | None:
        ends, link = self._links.pop(digest, (0.0, None))
        return link if ends > time.monotonic() else None

    async def tokens(self) -> dict[str, ApiToken]:
        return dict(self._tokens)

    async def token(self, id_: str) -> ApiToken | None:
        return self._tokens.get(id_)

    async def put_token(self, token: ApiToken) -> None:
        self._tokens[token.id] = token

    async def remove_token(self, id_: str) -> None:
        self._tokens.pop(id_, None)
        self._used.pop(id_, None)

    async def use_token(self, id_: str, day: str) -> None:
        self._used[id_] = day

    async def tokens_used(self) -> dict[str, str]:
        return dict(self._used)
