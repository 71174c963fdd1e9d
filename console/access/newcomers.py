"""Accounts of people whom somebody else vouches for: an OpenID provider, or a proxy in front of the console.

The first time that somebody comes, an account is made, so that they can be named, be given cases, and be let out here
whatever the others say. Their role is what is said each time they come.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from console.access.oidc.claims import Person
from console.access.people import NAME
from profiles.stores.access import AccessStore, Account, Role

__all__ = ["RESERVED", "Newcomers", "NotLetIn"]

RESERVED = frozenset({"owner", "RAPPORT_API_TOKEN"})
"""Names that stand for somebody else in the audit trail: who started `rapport up`, the one token of the environment."""


class NotLetIn(Exception):
    """Somebody is who they say, and may not come in; says why."""


class Newcomers:
    """Finds and makes accounts.

    Args:
        store: that keeps them.
        clock: seconds since the epoch.
    """

    def __init__(self, store: AccessStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def by_subject(self, person: Person, role: Role | None) -> Account:
        """The account of somebody whom a provider knows, with the role that they have now.

        Names say nothing of who somebody is: where theirs is another account's, they have one of their own under
        another name, and never that one.

        Raises:
            NotLetIn: they have no role here, or the account is disabled.
        """
        held = await self._of(person.subject)
        if role is None:
            if held is not None and not held.disabled:  # whoever lost their role is out of where they still are
                await self._change(held.name, out=self._clock())
            raise NotLetIn("none of their groups has a role here")
        if held is None:
            held = await self._add(person, role)
        return await self._let_in(held, role)

    async def by_name(self, name: str, role: Role | None, *, says_role: bool) -> Account:
        """The account of somebody whom a proxy calls by its name.

        Args:
            name: of the account.
            role: that the proxy says they have.
            says_role: whether it says roles at all; else they have that of their account, which must be there.

        Raises:
            NotLetIn: there is no such account, it is disabled, or the proxy says no role of them.
        """
        if says_role and role is None:
            raise NotLetIn(f"the proxy says of {name} no role that there is here")
        held = await self._store.account(name)
        if held is None and role is not None and name not in RESERVED:
            await self._store.add_account(Account(name, role, created=self._clock(), source="proxy"))
            held = await self._store.account(name)
        if held is None:
            raise NotLetIn(f"there is nobody called {name!r} here; `rapport users add {name}` adds them")
        return await self._let_in(held, role or held.role)

    async def _of(self, subject: str) -> Account | None:
        accounts = (await self._store.accounts()).values()
        return next((account for account in accounts if account.subject == subject), None)

    async def _add(self, person: Person, role: Role) -> Account:
        fitting = [name for name in person.names if NAME.fullmatch(name) and name not in RESERVED]
        last = f"{fitting[0][:80] if fitting else 'oidc'}-{person.subject[:12]}"
        for name in (*fitting, last):
            account = Account(name, role, created=self._clock(), source="oidc", subject=person.subject)
            if await self._store.add_account(account):
                return account
            there = await self._store.account(name)
            if there is not None and there.subject == person.subject:
                return there  # they came twice at the same time
        raise NotLetIn(f"the name {last} is somebody else's")

    async def _let_in(self, held: Account, role: Role) -> Account:
        if held.disabled:
            raise NotLetIn(f"{held.name} is disabled here; `rapport users enable {held.name}` lets them in again")
        if held.role == role or held.source == "file":
            return replace(held, role=role)
        return await self._change(held.name, role=role)

    async def _change(self, name: str, **to: object) -> Account:
        """An account as it is from now on: others say who is an admin, so that none may be left."""
        found = await self._store.change_account(name, lambda held: replace(held, **to), even_the_last=True)
        if found is None or found.disabled:
            raise NotLetIn(f"{name} was removed or disabled a moment ago")
        return found
