"""Accounts: what nobody may do to them, and what goes with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from console.access.api_tokens import Tokens
from console.access.people import People, Refused
from console.access.scopes import ROLES, Viewer
from console.access.sessions import Sessions
from profiles.errors import NotFound, WrongUse
from profiles.stores.access import LastAdmin, Role
from profiles.stores.memory import MemoryAccessStore

PASSWORD = "a long password"


def viewer(name: str, role: Role) -> Viewer:
    return Viewer(name, role, ROLES[role], "page")


def run(test: Callable[[MemoryAccessStore, People], Awaitable[None]]) -> None:
    """As whoever administers the machine, where kim is admin and lee an agent."""

    async def prepared() -> None:
        store = MemoryAccessStore()
        people = People(store)
        await people.add("kim", "admin")
        await people.add("lee", "agent")
        await test(store, people)

    asyncio.run(prepared())


def test_the_last_admin_who_may_sign_in_stays_one() -> None:
    async def test(store: MemoryAccessStore, people: People) -> None:
        await people.add("ada", "admin")
        await people.disable("ada")
        for change in (people.give_role("kim", "agent"), people.disable("kim"), people.remove("kim")):
            with pytest.raises(LastAdmin):
                await change
        await people.enable("ada")
        assert (await people.give_role("kim", "agent")).role == "agent"
        assert (await people.remove("ada", even_the_last=True)).name == "ada"
        assert {account.role for account in await people.everybody()} == {"agent"}

    run(test)


def test_nobody_changes_their_own_account_or_gives_more_than_they_have() -> None:
    async def test(store: MemoryAccessStore, people: People) -> None:
        await people.add("ada", "admin")
        kim, manager = (
            People(store, viewer("kim", "admin")),
            # as a token that may manage people, and nothing else
            People(store, Viewer("token hr", "token", frozenset({"admin"}), "api", "abcdefgh")),
        )
        for change in (kim.give_role("kim", "agent"), kim.disable("kim"), kim.remove("kim")):
            with pytest.raises(Refused, match="another admin"):
                await change
        for refused in (
            manager.add("eve", "agent"), manager.give_role("lee", "admin"), manager.give_role("kim", "agent"),
            manager.link("kim"), manager.disable("ada"),
        ):  # fmt: skip
            with pytest.raises(Refused, match="more than token hr may"):
                await refused
        assert {account.name for account in await people.everybody()} == {"ada", "kim", "lee"}
        assert (await kim.give_role("lee", "operator")).role == "operator"

    run(test)


def test_with_an_account_go_its_sessions_and_its_tokens_for_good() -> None:
    async def test(store: MemoryAccessStore, people: People) -> None:
        cookie = await Sessions(store).begin((await people.everybody())[1], "link")
        made = await Tokens(store).add("crm", ["profiles:read"], owner="lee")
        await people.remove("lee")
        await store.put_token(made.token)  # as if that had failed
        await people.add("lee", "admin")
        assert await Sessions(store).viewer(cookie) is None
        assert await Tokens(store).viewer(made.text) is None

    run(test)


def test_what_cannot_be_done() -> None:
    async def test(_: MemoryAccessStore, people: People) -> None:
        with pytest.raises(WrongUse, match="cannot be a name"):
            await people.add("<b>", "agent")
        with pytest.raises(Refused, match="already"):
            await people.add("lee", "admin")
        with pytest.raises(WrongUse, match="12"):
            await people.set_password("lee", "short")
        for change in (people.give_role("eve", "agent"), people.remove("eve"), people.set_password("eve", PASSWORD)):
            with pytest.raises(NotFound):
                await change
        await people.disable("lee")
        with pytest.raises(Refused, match="disabled"):
            await people.link("lee")

    run(test)
