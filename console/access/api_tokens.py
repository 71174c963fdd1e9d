"""Tokens of the API: what programs show to be let in, and what each may do.

`rpt_<id>_<secret>_<check>`: 8 characters that the store knows it by, 32 random ones of base 62 (190 bits), and the
CRC-32 of all before, so that a scanner of secrets can tell one without asking and a mistyped one touches no store.
Shown once; the store has the SHA-256 of the whole.
"""

from __future__ import annotations

import hmac
import re
import secrets
import string
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple
from zlib import crc32

from msgspec.structs import replace

from console.access.people import Refused, may_give
from console.access.scopes import ROLES, SCOPES, Scope, Viewer
from profiles.errors import NotFound, WrongUse
from profiles.stores.access import AccessStore, ApiToken

__all__ = ["LASTS", "OVERLAP", "Made", "Tokens"]

LASTS = 90
"""Days that a token can be used for, unless told otherwise."""

OVERLAP = 7
"""Days that the old one of a pair goes on after it was rotated."""

_DAY = 86_400.0
_SIGNS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM = re.compile(r"(rpt_([0-9A-Za-z]{8})_[0-9A-Za-z]{32})_([0-9A-Za-z]{6})")
_NAME = re.compile(r"[\w.@+-]{1,100}")


class Made(NamedTuple):
    """A token that was just made: the only time at which its text is known."""

    token: ApiToken
    text: str


class Tokens:
    """Makes tokens, and knows who has one.

    Args:
        store: that keeps them.
        clock: seconds since the epoch.
        by: who is signed in and asks for a new one, which never does more than they may; None: whoever administers this
            machine.
    """

    def __init__(self, store: AccessStore, clock: Callable[[], float] = time.time, *, by: Viewer | None = None) -> None:
        self._store = store
        self._by = by
        self._clock = clock
        self._noted: dict[str, str] = {}  # id → the day that the store knows of already

    async def all(self) -> list[tuple[ApiToken, str | None]]:
        """Every token, the expired ones too, by name and age, with the day it was last used."""
        used, held = await self._store.tokens_used(), (await self._store.tokens()).values()
        return [(token, used.get(token.id)) for token in sorted(held, key=lambda one: (one.name, one.created))]

    async def add(self, name: str, scopes: Iterable[str], *, owner: str = "", days: float = LASTS) -> Made:
        """A new token.

        Raises:
            WrongUse: this cannot be a name, there is no such scope, or it would last no time.
            Refused: there is one of this name, or it would do more than who asks.
            NotFound: the owner has no account.
        """
        if not _NAME.fullmatch(name):
            raise WrongUse(f"{name!r} cannot be a name; allowed: up to 100 letters, digits and any of . _ - + @")
        if await self._of(name):
            raise Refused(f"there is a token {name!r} already; `rapport tokens rotate {name}` makes its successor")
        asked = tuple(sorted(set(scopes)))
        self._may_give(asked)
        if unknown := [scope for scope in asked if scope not in SCOPES]:
            raise WrongUse(f"there is no scope {unknown[0]!r}; there are {', '.join(SCOPES)}")
        if not asked:
            raise WrongUse(f"a token needs a scope at least; there are {', '.join(SCOPES)}")
        if owner and await self._store.account(owner) is None:
            raise NotFound(f"there is nobody called {owner!r}; `rapport users add {owner}` adds them")
        return await self._make(name, asked, owner, days)

    async def rotate(self, name: str, *, days: float = LASTS, overlap: float = OVERLAP) -> Made:
        """The successor of a token, of the same scopes; the one before goes on for `overlap` days, older ones end.

        Raises:
            NotFound: there is none of this name.
            Refused: it may do more than who asks.
        """
        held = await self._of(name)
        if not held:
            raise NotFound(f"there is no token {name!r}; `rapport tokens add {name}` makes it")
        *older, latest = held
        self._may_give(latest.scopes)
        for token in older:
            await self._store.remove_token(token.id)
        ends = min(latest.expires, self._clock() + overlap * _DAY)
        made = await self._make(name, latest.scopes, latest.owner, days)
        await self._store.put_token(replace(latest, expires=ends))
        return made

    async def revoke(self, name: str) -> list[ApiToken]:
        """End all tokens of a name, or the one of an id, at once.

        Raises:
            NotFound: there is none.
        """
        one = await self._store.token(name)
        held = [one] if one is not None else await self._of(name)
        if not held:
            raise NotFound(f"there is no token {name!r}; `rapport tokens list` shows those that there are")
        for token in held:
            await self._store.remove_token(token.id)
        return held

    async def viewer(self, text: str) -> Viewer | None:
        """Who shows this token; None: it is none, or it has ended.

        It never does more than its owner may: whoever is disabled or removed, or has lost their role, has none any
        more, nor has the next of their name.
        """
        found = _FORM.fullmatch(text)
        if found is None or found[3] != _check(found[1]):
            return None
        token = await self._store.token(found[2])
        if token is None or not hmac.compare_digest(token.digest, _digest(text)) or token.expires <= self._clock():
            return None
        scopes = frozenset[Scope](scope for scope in SCOPES if scope in token.scopes)
        if token.owner:
            account = await self._store.account(token.owner)
            if account is None or account.disabled or token.created < max(account.created, account.out):
                return None
            scopes &= ROLES[account.role]
        await self._note(token.id)
        return Viewer(token.owner or f"token {token.name}", "token", scopes, "api", token.id)

    def _may_give(self, scopes: Iterable[str]) -> None:
        if not may_give(self._by, frozenset(scopes) & SCOPES.keys()):
            raise Refused(f"this may do more than {self._by.name if self._by else ''} may")

    async def _of(self, name: str) -> list[ApiToken]:
        """The tokens of a name, the latest last."""
        held = [token for token in (await self._store.tokens()).values() if token.name == name]
        return sorted(held, key=lambda token: token.created)

    async def _make(self, name: str, scopes: tuple[str, ...], owner: str, days: float) -> Made:
        if days <= 0:
            raise WrongUse(f"a token lasts some days; these are {days:g}")
        id_, secret = (_random(length) for length in (8, 32))
        head, now = f"rpt_{id_}_{secret}", self._clock()
        text = f"{head}_{_check(head)}"
        token = ApiToken(id_, _digest(text), secret[-4:], name, owner, scopes, now, now + days * _DAY)
        await self._store.put_token(token)
        return Made(token, text)

    async def _note(self, id_: str) -> None:
        """That it was used, once a day: who is watched by the second is watched too closely, and it costs a write."""
        day = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        if self._noted.get(id_) != day:
            await self._store.use_token(id_, day)
            self._noted[id_] = day


def _random(length: int) -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(length))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _check(head: str) -> str:
    """The CRC-32 of a token's head, as six signs of base 62."""
    number, signs = crc32(head.encode()), ""
    for _ in range(6):
        number, rest = divmod(number, 62)
        signs = _SIGNS[rest] + signs
    return signs
