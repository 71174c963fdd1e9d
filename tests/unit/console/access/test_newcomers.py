"""Accounts of people whom a provider or a proxy vouches for: one each, never another's, and with the role of now."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from console.access.newcomers import Newcomers, NotLetIn
from console.access.oidc.claims import Person, person_of
from console.access.people import People, Refused
from console.access.sessions import Sessions
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore

KIM = Person("1" * 64, ("kim", "kim@example.com"), ("support",), complete=True)
NAMESAKE = KIM._replace(subject="2" * 64)

Test = Callable[[Newcomers, MemoryAccessStore], Awaitable[None]]


def run(test: Test) -> None:
    store = MemoryAccessStore()
    asyncio.run(test(Newcomers(store, lambda: 5.0), store))


def test_each_has_one_account_however_often_they_come_and_nobody_anothers() -> None:
    async def test(newcomers: Newcomers, store: MemoryAccessStore) -> None:
        both = await asyncio.gather(*(newcomers.by_subject(KIM, "agent") for _ in range(3)))
        assert {account.name for account in both} == {"kim"}
        assert (await newcomers.by_subject(NAMESAKE, "admin")).name == "kim@example.com"
        third = await newcomers.by_subject(KIM._replace(subject="3" * 64), "agent")
        assert third.name == "kim-333333333333"
        assert {account.role for account in (await store.accounts()).values() if account.name == "kim"} == {"agent"}

    run(test)


@pytest.mark.parametrize("name", ["owner", "RAPPORT_API_TOKEN", "kim smith", "", "k" * 101, "token crm"])
def test_a_name_that_stands_for_somebody_else_or_is_none_is_not_given(name: str) -> None:
    async def test(newcomers: Newcomers, _: MemoryAccessStore) -> None:
        account = await newcomers.by_subject(Person("1" * 64, (name,), (), complete=True), "agent")
        assert account.name == "oidc-111111111111"

    run(test)


def test_the_role_is_that_of_now_and_who_has_none_any_more_is_out_everywhere() -> None:
    async def test(newcomers: Newcomers, store: MemoryAccessStore) -> None:
        sessions = Sessions(store, lambda: 4.0)
        cookie = await sessions.begin(replace(await newcomers.by_subject(KIM, "agent"), created=0.0), "oidc")
        await store.put_account(replace((await store.accounts())["kim"], created=0.0))
        assert await sessions.viewer(cookie) is not None
        assert (await newcomers.by_subject(KIM, "admin")).role == "admin"
        with pytest.raises(NotLetIn, match="groups"):
            await newcomers.by_subject(KIM, None)
        assert await sessions.viewer(cookie) is None
        assert (await newcomers.by_subject(KIM, "agent")).role == "agent"

    run(test)


def test_who_is_disabled_here_stays_out_and_is_made_no_second_account() -> None:
    async def test(newcomers: Newcomers, store: MemoryAccessStore) -> None:
        kim = await newcomers.by_subject(KIM, "agent")
        await store.put_account(replace(kim, disabled=True))
        for role in ("admin", None):
            with pytest.raises(NotLetIn):
                await newcomers.by_subject(KIM, role)  # type: ignore[arg-type]
        assert list(await store.accounts()) == ["kim"]

    run(test)


def test_what_others_say_nobody_here_changes() -> None:
    async def test(newcomers: Newcomers, store: MemoryAccessStore) -> None:
        await newcomers.by_subject(KIM, "agent")
        await store.put_account(Account("ben", "agent"))
        people = People(store)
        with pytest.raises(Refused, match="provider, which says their role"):
            await people.give_role("kim", "admin")
        with pytest.raises(Refused, match="provider, which signs them in"):
            await people.set_password("kim", "a long password")
        await people.give_role("ben", "admin")
        assert (await people.disable("kim")).disabled

    run(test)


def test_only_a_verified_address_is_a_name_and_groups_may_be_within_claims() -> None:
    said = {"sub": "1", "email": "kim@example.com", "realm_access": {"roles": ["support", 7]}, "a.b": "x, y z"}

    assert person_of("i", said, "realm_access.roles") == person_of("i", said, "groups")._replace(
        groups=("support",), names=()
    )
    verified = person_of("i", said | {"email_verified": True}, "a.b")
    assert (verified.names, verified.groups, verified.complete) == (("kim@example.com",), ("x", "y", "z"), True)
    assert person_of("i", said, "groups").subject != person_of("j", said, "groups").subject
