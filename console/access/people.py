"""People who may sign in: adding them, their roles, letting them out and in again; what nobody may do is refused here,
whoever asks it: a command, a page or a program.

Of the last admin who may sign in nobody takes that away. Somebody who is signed in gives nobody more than they may do
themselves, and leaves their own account's role and being to others.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable

from msgspec.structs import replace

from console.access.passwords import hash_password
from console.access.scopes import ROLES, Viewer
from console.access.sessions import Sessions
from profiles.errors import NotFound, WrongUse
from profiles.stores.access import AccessStore, Account, Change, Role

__all__ = ["NAME", "People", "Refused", "may_give", "role_of"]

NAME = re.compile(r"[\w.@+-]{1,100}")
"""Of an account."""


class Refused(WrongUse):
    """Whoever asks may not do this to this account or token."""


class People:
    """The accounts of the console.

    Args:
        store: that keeps them.
        by: who is signed in and asks; None: whoever administers this machine, for whom only the last admin is safe.
        clock: seconds since the epoch.
    """

    def __init__(self, store: AccessStore, by: Viewer | None = None, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._by = by
        self._clock = clock

    async def everybody(self) -> list[Account]:
        """All accounts, by name."""
        return sorted((await self._store.accounts()).values(), key=lambda account: account.name)

    async def known(self, name: str) -> Account:
        """One of them.

        Raises:
            NotFound: nobody is called so.
        """
        return _known(name, await self._store.account(name))

    async def add(self, name: str, role: Role) -> Account:
        """A new account, by which nobody can sign in before they have a link.

        Raises:
            WrongUse: this cannot be a name.
            Refused: there is one of this name, or the role may do more than who asks.
        """
        if not NAME.fullmatch(name):
            raise WrongUse(f"{name!r} cannot be a name; allowed: up to 100 letters, digits and any of . _ - + @")
        self._may_give(role)
        account = Account(name=name, role=role, created=self._clock())
        if not await self._store.add_account(account):
            raise Refused(f"there is somebody called {name!r} already")
        return account

    async def give_role(self, name: str, role: Role, *, even_the_last: bool = False) -> Account:
        """Another role. It holds at once, for sessions and tokens that somebody has, too.

        Raises:
            NotFound: nobody is called so.
            Refused: it is their own, it or the one before may do more than who asks, or somebody else says their role.
            LastAdmin: nobody would be left.
        """
        self._may_give(role)

        def changed(held: Account) -> Account:
            _leave_to_others(held, "says their role each time they come")
            return replace(held, role=role)

        return await self._change(name, changed, even_the_last)

    async def set_password(self, name: str, password: str) -> Account:
        """A password, of at least 12 characters; sessions go on.

        Raises:
            NotFound: nobody is called so.
            WrongUse: it is too short or too long.
            Refused: somebody else signs them in.
        """
        kept = await asyncio.to_thread(hash_password, password)

        def changed(held: Account) -> Account:
            _leave_to_others(held, "signs them in")
            return replace(held, password=kept)

        return _known(name, await self._store.change_account(name, changed))

    async def disable(self, name: str, *, even_the_last: bool = False) -> Account:
        """Let somebody in no more: sessions and tokens of theirs end at once. Raises as `give_role`."""
        now = self._clock()
        return await self._change(name, lambda held: replace(held, disabled=True, out=now), even_the_last)

    async def enable(self, name: str) -> Account:
        """Let somebody in again. Raises as `give_role`."""
        return await self._change(name, lambda held: replace(held, disabled=False), False)

    async def remove(self, name: str, *, even_the_last: bool = False) -> Account:
        """Remove an account: its sessions and its tokens end at once, and nobody of this name has them later. Raises as
        `give_role`."""
        removed = await self._change(name, lambda _: None, even_the_last)
        for token in (await self._store.tokens()).values():
            if token.owner == name:
                await self._store.remove_token(token.id)
        return removed

    async def link(self, name: str) -> str:
        """The secret of a link that signs somebody in once, within 15 minutes.

        Raises:
            NotFound: nobody is called so.
            Refused: they may not sign in, or may do more than who asks.
        """
        account = await self.known(name)
        self._may_give(account.role)
        if account.disabled:
            raise Refused(f"{name} is disabled; `rapport users enable {name}` lets them in again")
        return await Sessions(self._store, self._clock).make_link(name)

    async def _change(self, name: str, change: Change, even_the_last: bool) -> Account:
        def changed(held: Account) -> Account | None:
            self._may_give(held.role)
            return change(held)

        if self._by is not None and self._by.name == name:
            raise Refused("nobody changes this of their own account: another admin does")
        return _known(name, await self._store.change_account(name, changed, even_the_last=even_the_last))

    def _may_give(self, role: Role) -> None:
        if not may_give(self._by, ROLES[role]):
            raise Refused(f"the role {role} may do more than {self._by.name if self._by else ''} may")


def _leave_to_others(held: Account, what: str) -> None:
    """See that nobody here does what others do: it would not last, or outlast what they say."""
    others = {"oidc": "the OpenID provider", "proxy": "the proxy"}
    if held.source in others:
        raise Refused(f"{held.name} came by {others[held.source]}, which {what}")


def may_give(by: Viewer | None, scopes: frozenset[str]) -> bool:
    """Whether somebody may let others do this: nobody gives what they have not."""
    return by is None or scopes <= by.scopes


def role_of(given: str) -> Role:
    """The role that somebody names.

    Raises:
        WrongUse: there is none.
    """
    for role in ROLES:
        if role == given:
            return role
    raise WrongUse(f"there is no role {given!r}; there are {', '.join(ROLES)}")


def _known(name: str, account: Account | None) -> Account:
    if account is None:
        raise NotFound(f"there is nobody called {name!r}; `rapport users add {name}` adds them")
    return account
