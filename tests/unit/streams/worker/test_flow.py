"""How much may be on its way in `profile.events`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

from faust.types import TP

from profiles.store import Changes
from profiles.stores.memory import MemoryLinkStore, MemoryStore
from streams.worker.flow import MOST, Flow

PLACES = [TP("profile.events", number) for number in range(2)]


class Log:
    """The ends of both partitions, and who has applied how much of them."""

    def __init__(self, *, live: bool = True) -> None:
        self.ends = dict.fromkeys(PLACES, 0)
        self.store = MemoryStore(UUID(int=1), 2, MemoryLinkStore())
        self.asked = 0
        self.live = live
        self.flow = Flow(PLACES, self._ends, self.store, lambda: self.live)

    async def _ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        self.asked += 1
        return {tp: self.ends[tp] for tp in partitions}

    def produce(self, records: int) -> None:
        for tp in PLACES:
            self.ends[tp] += records
        self.flow.add(2 * records)

    async def apply(self, number: int, records: int) -> None:
        loaded = await self.store.load(number, ())
        await self.store.commit(
            number, Changes(version=loaded.version, applied=loaded.applied + records, watermark=0.0)
        )


def test_there_is_room_for_what_has_been_applied_and_nobody_is_asked_before_that_matters() -> None:
    async def story() -> None:
        log = Log()
        assert await log.flow.room() == MOST
        log.produce(MOST // 4)
        assert (await log.flow.room(), log.asked) == (MOST // 2, 0)
        log.produce(MOST // 4)
        assert (await log.flow.room(), log.asked) == (0, 1)
        await log.apply(0, MOST // 2)
        assert (await log.flow.room(), log.asked) == (MOST // 2, 2)

    asyncio.run(story())


def test_less_may_wait_where_it_takes_longer() -> None:
    async def story() -> None:
        log = Log()
        most = log.flow.merges()
        for _ in range(8):
            log.produce(MOST)
            await log.flow.room()
            await log.apply(0, 20)
            await asyncio.sleep(0.13)
        log.ends = {tp: 20 * 8 if tp.partition == 0 else 0 for tp in PLACES}
        await log.flow.room()
        assert log.flow.merges() == most / 2
        assert await log.flow.room() == MOST / 2

    asyncio.run(story())


def test_while_the_clock_is_not_live_there_is_no_bound() -> None:
    async def story() -> None:
        log = Log(live=False)
        log.produce(MOST)
        assert await log.flow.room() is None
        await log.flow.until_applied()
        assert log.asked == 0

    asyncio.run(story())


def test_it_is_waited_for_what_was_there_and_not_for_what_comes_after() -> None:
    async def story() -> None:
        log = Log()
        log.produce(10)
        waiting = asyncio.create_task(log.flow.until_applied())
        await asyncio.sleep(0)
        log.produce(10)
        await log.apply(0, 60)
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await log.apply(1, 60)
        await asyncio.wait_for(waiting, 60)

    asyncio.run(story())


def test_it_is_waited_no_longer_when_partitions_change_hands() -> None:
    async def story() -> None:
        log = Log()
        log.produce(10)
        log.flow.is_over = lambda: True
        await asyncio.wait_for(log.flow.until_applied(), 60)

    asyncio.run(story())
