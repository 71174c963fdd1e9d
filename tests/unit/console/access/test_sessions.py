"""Sessions: who is in, how long, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from console.access.passwords import hash_password
from console.access.sessions import ABSOLUTE, Sessions
from profiles.errors import WrongUse
from profiles.stores.access import Account, Session
from profiles.stores.memory import MemoryAccessStore

PASSWORD = "a long password"
KIM = Account(name="kim", role="agent", password=hash_password(PASSWORD))

Test = Callable[[Sessions, MemoryAccessStore, "Clock"], Awaitable[None]]


class Clock:
    """Stands until it is moved."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def run(test: Test) -> None:
    async def prepared() -> None:
        store, clock = MemoryAccessStore(), Clock()
        await store.put_account(KIM)
        await test(Sessions(store, clock), store, clock)

    asyncio.run(prepared())


def test_the_right_password_opens_an_account_and_no_other_does() -> None:
    async def test(sessions: Sessions, _: MemoryAccessStore, __: Clock) -> None:
        assert await sessions.by_password("kim", PASSWORD) == KIM
        assert await sessions.by_password("kim", PASSWORD + ".") is None
        assert await sessions.by_password("kim", "") is None
        assert await sessions.by_password("nobody", PASSWORD) is None

    run(test)


def test_an_account_without_a_password_opens_to_none() -> None:
    async def test(sessions: Sessions, store: MemoryAccessStore, _: Clock) -> None:
        await store.put_account(Account(name="lee", role="admin"))
        for password in ("", "nobody has this one"):
            assert await sessions.by_password("lee", password) is None

    run(test)


def test_a_session_ends_twelve_hours_after_it_began_however_busy() -> None:
    async def test(sessions: Sessions, _: MemoryAccessStore, clock: Clock) -> None:
        cookie = await sessions.begin(KIM, "password")
        for _hour in range(11):
            clock.now += 3600
            assert await sessions.viewer(cookie) is not None
        clock.now += 3601 + ABSOLUTE - 12 * 3600
        assert await sessions.viewer(cookie) is None

    run(test)


def test_an_open_page_that_nobody_asks_for_keeps_no_session_alive() -> None:
    async def test(sessions: Sessions, store: Kept, clock: Clock) -> None:
        cookie = await sessions.begin(KIM, "password")
        clock.now += 3600
        assert await sessions.viewer(cookie, asks=False) is not None
        assert store.renewed == 1
        assert await sessions.viewer(cookie) is not None
        assert store.renewed == 2

    class Kept(MemoryAccessStore):
        """Counts how often a session was begun or renewed."""

        renewed = 0

        async def put_session(self, digest: str, session: Session, lasts: float, *, renew: bool = False) -> None:
            self.renewed += 1
            await super().put_session(digest, session, lasts, renew=renew)

    async def prepared() -> None:
        store, clock = Kept(), Clock()
        await store.put_account(KIM)
        await test(Sessions(store, clock), store, clock)

    asyncio.run(prepared())


def test_who_is_disabled_or_removed_is_out_at_once_and_a_new_role_counts() -> None:
    async def test(sessions: Sessions, store: MemoryAccessStore, _: Clock) -> None:
        cookie = await sessions.begin(KIM, "password")
        await store.put_account(Account(name="kim", role="analyst"))
        viewer = await sessions.viewer(cookie)
        assert viewer is not None
        assert viewer.role == "analyst"
        assert not viewer.may("pii:one")
        await store.put_account(Account(name="kim", role="analyst", disabled=True))
        assert await sessions.viewer(cookie) is None
        await store.change_account("kim", lambda _: None, even_the_last=True)
        assert await sessions.viewer(cookie) is None

    run(test)


def test_a_session_does_not_come_back_with_its_account_or_with_the_next_of_that_name() -> None:
    async def test(sessions: Sessions, store: MemoryAccessStore, clock: Clock) -> None:
        cookie = await sessions.begin(KIM, "password")
        clock.now += 60
        out = replace(KIM, disabled=True, out=clock.now)
        await store.put_account(out)
        await store.put_account(replace(out, disabled=False))
        assert await sessions.viewer(cookie) is None

        cookie = await sessions.begin(KIM, "link")
        clock.now += 60
        await store.change_account("kim", lambda _: None, even_the_last=True)
        await store.put_account(Account(name="kim", role="admin", created=clock.now))
        assert await sessions.viewer(cookie) is None
        assert await sessions.viewer(await sessions.begin(KIM, "link")) is not None

    run(test)


def test_a_link_lets_in_once() -> None:
    async def test(sessions: Sessions, store: MemoryAccessStore, _: Clock) -> None:
        secret = await sessions.make_link("kim")
        assert await sessions.by_link(secret + "x") is None
        assert await sessions.by_link(secret) == KIM
        assert await sessions.by_link(secret) is None
        for_nobody = await sessions.make_link("lee")
        assert await sessions.by_link(for_nobody) is None

    run(test)


def test_a_link_does_not_come_back_with_its_account_or_with_the_next_of_that_name() -> None:
    async def test(sessions: Sessions, store: MemoryAccessStore, clock: Clock) -> None:
        links = [await sessions.make_link("kim") for _ in range(2)]
        clock.now += 60
        await store.put_account(out := replace(KIM, disabled=True, out=clock.now))
        await store.put_account(replace(out, disabled=False))
        assert await sessions.by_link(links[0]) is None

        await store.change_account("kim", lambda _: None, even_the_last=True)
        await store.put_account(again := Account(name="kim", role="admin", created=clock.now))
        assert await sessions.by_link(links[1]) is None
        assert await sessions.by_link(await sessions.make_link("kim")) == again

    run(test)


def test_signing_out_ends_the_session() -> None:
    async def test(sessions: Sessions, _: MemoryAccessStore, __: Clock) -> None:
        cookie = await sessions.begin(KIM, "password")
        await sessions.end(cookie)
        assert await sessions.viewer(cookie) is None
        assert await sessions.viewer(None) is None
        assert await sessions.viewer("made up") is None

    run(test)


@pytest.mark.parametrize("password", ["", "elevenchars", "x" * 201])
def test_a_password_that_is_too_short_or_endless_is_refused(password: str) -> None:
    with pytest.raises(WrongUse, match="12 to 200 characters"):
        hash_password(password)
