"""Watching for SDKs: however many wait, Kafka is read once, and by nobody when nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka.structs import TopicPartition

from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.reader import Cursor
from streams.kafka.topics import topics
from streams.settings import Settings
from streams.watching.sdks import SdkWatch
from tests.console.support_api import PLAN

SETTINGS = Settings()
SENT = Row("events.web", None, b"k", b'{"context": {"library": {"name": "an-sdk"}}}', [])


class Counted(MemoryLog):
    """Counts who reads it, and who ever did."""

    reading = 0
    opened = 0

    @asynccontextmanager
    async def open(self, starts: Mapping[TopicPartition, int]) -> AsyncIterator[Cursor]:
        self.reading, self.opened = self.reading + 1, self.opened + 1
        try:
            async with super().open(starts) as cursor:
                yield cursor
        finally:
            self.reading -= 1


async def until_it_reads(log: Counted, reading: int) -> None:
    while log.reading != reading:  # noqa: ASYNC110
        await asyncio.sleep(0.001)


def test_all_who_wait_share_one_reader_which_ends_with_the_last_of_them() -> None:
    async def test() -> None:
        log = Counted({topic.name: topic.partitions for topic in topics(SETTINGS, PLAN)})
        watch = SdkWatch(log, SETTINGS, PLAN)
        waiting = [asyncio.create_task(watch.first()) for _ in range(5)]
        await until_it_reads(log, 1)
        waiting[0].cancel()  # one page is closed
        await asyncio.wait([waiting[0]])
        assert (log.reading, log.opened) == (1, 1)
        for task in waiting:
            task.cancel()
        await until_it_reads(log, 0)

        waiting = [asyncio.create_task(watch.first()) for _ in range(5)]
        await until_it_reads(log, 1)
        await log.produce([SENT])
        assert await asyncio.gather(*waiting) == 5 * ["an-sdk"]
        assert await watch.first() == "an-sdk"
        assert (log.reading, log.opened) == (0, 2)

    asyncio.run(asyncio.wait_for(test(), 60))
