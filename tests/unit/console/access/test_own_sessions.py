"""One's own sessions: which there are, and that nobody ends another's."""

from __future__ import annotations

import asyncio

from console.access.own_sessions import OwnSessions
from console.access.sessions import ABSOLUTE, Sessions
from profiles.stores.access import Account
from profiles.stores.memory import MemoryAccessStore

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_the_one_that_asks_comes_first_and_others_end() -> None:
    async def ask() -> None:
        store, now = MemoryAccessStore(), 1_000_000.0
        kim, lee = (Account(name=name, role="agent", created=5.0) for name in ("kim", "lee"))
        for account in (kim, lee):
            await store.put_account(account)
        old = await Sessions(store, lambda: now - ABSOLUTE - 1).begin(kim, "link")
        here = await Sessions(store, lambda: now - 1000).begin(kim, "password", FIREFOX)
        there = await Sessions(store, lambda: now).begin(kim, "link")
        theirs = await Sessions(store, lambda: now).begin(lee, "link")
        own = OwnSessions(store, "kim", here, lambda: now)

        first, second = await own.all()
        assert (first.here, first.device) == (True, "Firefox, Linux")
        assert (second.here, second.device) == (False, "")
        assert not await own.is_fresh()
        assert await OwnSessions(store, "kim", there, lambda: now).is_fresh()
        (other,) = await OwnSessions(store, "lee", theirs, lambda: now).all()
        assert not await own.end(other.id)
        assert not await own.end("")
        assert await own.end_others() == 2  # that which is over, too
        sessions = Sessions(store, lambda: now)
        assert [await sessions.viewer(one) is not None for one in (old, here, there, theirs)] == [
            False, True, False, True,
        ]  # fmt: skip
        assert await own.end(first.id)
        assert await sessions.viewer(here) is None

    asyncio.run(ask())
