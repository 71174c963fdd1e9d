"""Accounts, sessions, sign-in links and tokens in memory."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

from profiles.stores.access import (
    Account,
    ApiToken,
    Change,
    EmbedGrant,
    FilePerson,
    LastAdmin,
    Session,
    SignInAttempt,
    SignInLink,
)

__all__ = ["MemoryAccessStore"]


class MemoryAccessStore:
    """Who may come in, and who is in."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._sessions: dict[str, tuple[float, Session]] = {}
        self._links: dict[str, tuple[float, SignInLink]] = {}
        self._attempts: dict[str, tuple[float, SignInAttempt]] = {}
        self._counted: dict[str, float] = {}
        self._embeds: dict[str, tuple[float, EmbedGrant]] = {}
        self._tokens: dict[str, ApiToken] = {}
        self._used: dict[str, str] = {}
        self._file_people: dict[str, FilePerson] = {}
        self._first_steps: defaultdict[str, set[str]] = defaultdict(set)

    async def accounts(self) -> dict[str, Account]:
        return dict(self._accounts)

    async def account(self, name: str) -> Account | None:
        return self._accounts.get(name)

    async def put_account(self, account: Account) -> None:
        self._accounts[account.name] = account

    async def add_account(self, account: Account) -> bool:
        return self._accounts.setdefault(account.name, account) is account

    async def change_account(self, name: str, change: Change, *, even_the_last: bool = False) -> Account | None:
        before = self._accounts.get(name)
        if before is None:
            return None
        after = change(before)
        if _rules(before) and not _rules(after) and not even_the_last:
            others = (account for other, account in self._accounts.items() if other != name)
            if not any(map(_rules, others)):
                raise LastAdmin(f"{name} is the last admin who may sign in; make somebody else one first")
        self._accounts.pop(name)
        if after is None:
            self._first_steps.pop(name, None)
        else:
            self._accounts[name] = after
        return after or before

    async def file_people(self) -> dict[str, FilePerson]:
        return dict(self._file_people)

    async def put_file_people(self, people: Mapping[str, FilePerson]) -> None:
        self._file_people.update(people)

    async def first_steps(self, name: str) -> frozenset[str]:
        return frozenset(self._first_steps[name])

    async def note_first_step(self, name: str, step: str) -> None:
        self._first_steps[name].add(step)

    async def session(self, digest: str) -> Session | None:
        ends, session = self._sessions.get(digest, (0.0, None))
        return session if ends > time.monotonic() else None

    async def put_session(self, digest: str, session: Session, lasts: float, *, renew: bool = False) -> None:
        if renew and digest not in self._sessions:
            return
        self._sessions[digest] = time.monotonic() + lasts, session

    async def end_session(self, digest: str) -> None:
        self._sessions.pop(digest, None)

    async def sessions(self, user: str) -> dict[str, Session]:
        now = time.monotonic()
        return {key: held for key, (ends, held) in self._sessions.items() if ends > now and held.user == user}

    async def put_link(self, digest: str, link: SignInLink, lasts: float) -> None:
        self._links[digest] = time.monotonic() + lasts, link

    async def take_link(self, digest: str) -> SignInLink | None:
        ends, link = self._links.pop(digest, (0.0, None))
        return link if ends > time.monotonic() else None

    async def put_attempt(self, digest: str, attempt: SignInAttempt, lasts: float) -> None:
        self._attempts[digest] = time.monotonic() + lasts, attempt

    async def take_attempt(self, digest: str) -> SignInAttempt | None:
        ends, attempt = self._attempts.pop(digest, (0.0, None))
        return attempt if ends > time.monotonic() else None

    async def put_embed(self, digest: str, grant: EmbedGrant, lasts: float) -> None:
        self._embeds[digest] = time.monotonic() + lasts, grant

    async def embed(self, digest: str) -> EmbedGrant | None:
        ends, grant = self._embeds.get(digest, (0.0, None))
        return grant if ends > time.monotonic() else None

    async def first_use(self, digest: str, lasts: float) -> bool:
        now = time.monotonic()
        if self._counted.get(digest, 0.0) > now:
            return False
        self._counted[digest] = now + lasts
        return True

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


def _rules(account: Account | None) -> bool:
    return account is not None and account.role == "admin" and not account.disabled
