"""Reading histories of several splits: once for all that wait, and seldom for those of public sources alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import msgspec
import pytest

from profiles.types import Event, partition_of
from streams.identity.history import History, Incomplete
from streams.identity.shared import REST, SharedHistory
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.reader import Batch, Extent
from streams.settings import Settings
from tests.properties.world import timeless

TOPIC, SETTINGS, TAKES = "profile.events", Settings(partitions=2), 10.0
HERE, THERE = (next(id_ for id_ in "abcdef" if partition_of(id_, 2) == number) for number in (0, 1))


class Slow(MemoryLog):
    """A log that takes ten seconds to read, and notes when somebody has begun to."""

    def __init__(self) -> None:
        super().__init__({TOPIC: 2})
        self.begun: list[float] = []

    async def read(self, extents: Iterable[Extent], *, accept_gaps: bool = False) -> AsyncIterator[Batch]:
        self.begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(TAKES)
        async for batch in super().read(extents, accept_gaps=accept_gaps):
            yield batch


async def opened() -> tuple[Slow, SharedHistory]:
    log = Slow()
    for home in (HERE, THERE):
        event = Event(home, f"of {home}", "web", "page", "Home", "visit", 1.0, 1.0)
        await log.produce([Row(TOPIC, partition_of(home, 2), b"", msgspec.msgpack.encode(event))])
    return log, SharedHistory(History(log, SETTINGS))


async def ids(shared: SharedHistory, home: str, *, patient: bool = False) -> list[str]:
    return [one.id for one in await shared.before({home: (partition_of(home, 2), 1)}, patient=patient)]


def told(story: Any) -> None:
    with asyncio.Runner(loop_factory=timeless) as runner:
        runner.run(story())


def test_all_that_wait_are_read_together_and_each_gets_its_own() -> None:
    async def story() -> None:
        log, shared = await opened()
        first = asyncio.create_task(ids(shared, HERE))
        await asyncio.sleep(1.0)
        assert list(await asyncio.gather(ids(shared, HERE), ids(shared, THERE), first)) == [
            [f"of {HERE}"], [f"of {THERE}"], [f"of {HERE}"],
        ]  # fmt: skip
        assert len(log.begun) == 2

    told(story)


def test_public_sources_alone_have_a_part_of_the_time_and_hold_up_nobody() -> None:
    """However often they ask. Whoever else asks meanwhile is answered at once, and they with them."""

    async def story() -> None:
        log, shared = await opened()
        for _ in range(3):
            await ids(shared, HERE, patient=True)
        assert log.begun == pytest.approx([(TAKES + REST * TAKES) * number for number in range(3)])

        waiting = asyncio.create_task(ids(shared, HERE, patient=True))
        await asyncio.sleep(1.0)
        before = asyncio.get_running_loop().time()
        assert await ids(shared, THERE) == [f"of {THERE}"]
        assert await waiting == [f"of {HERE}"]
        assert asyncio.get_running_loop().time() - before == pytest.approx(TAKES)

    told(story)


def test_what_is_gone_of_one_harms_no_other() -> None:
    async def story() -> None:
        log, shared = await opened()
        log.delete_before(TOPIC, 1, 1)
        found = await asyncio.gather(ids(shared, HERE), ids(shared, THERE), return_exceptions=True)
        assert found[0] == [f"of {HERE}"]
        assert isinstance(found[1], Incomplete)

    told(story)
