"""A search is answered within its time, whatever the store does, and many of them wait for one another alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from console.services.finder import AT_ONCE, PATIENCE, Finder, Hits
from profiles.search.terms import Found
from profiles.stores.memory import MemoryStore
from tests.console.people import NAMESPACE, customer, keep
from tests.console.support_api import PLAN


class Slow(MemoryStore):
    """A store whose index does not answer; identities it knows at once."""

    at_once = most = 0

    async def find(self, prefixes: Sequence[Any], *, limit: int) -> list[list[Found]]:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.Event().wait()
        finally:
            self.at_once -= 1
        return []


def test_who_is_asked_for_by_an_identity_is_there_though_the_index_does_not_answer() -> None:
    held = Slow(NAMESPACE, 4)
    ada = customer(("user_id", "42"))
    keep(held, ada)

    began = time.monotonic()
    found = asyncio.run(Finder().find(held, PLAN, "user_id:42"))

    assert [(hit.profile.id, hit.exact) for hit in found.hits] == [(ada.id, True)]
    assert found.more  # there may be others
    assert found.timed_out
    assert time.monotonic() - began < 50 * PATIENCE  # it ends


def test_many_searches_take_few_connections_and_all_end() -> None:
    held = Slow(NAMESPACE, 4)

    async def many() -> list[Hits]:
        finder = Finder()
        return await asyncio.gather(*(finder.find(held, PLAN, "daan") for _ in range(50)))

    answers = asyncio.run(many())

    assert [answer.hits for answer in answers] == [[]] * 50
    assert all(answer.timed_out for answer in answers)
    assert held.most == AT_ONCE
    assert held.at_once == 0
