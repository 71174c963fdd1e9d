"""Whether a released SDK sends here: the first event that names the library it comes from, as those of SDKs do."""

from __future__ import annotations

import asyncio
import logging

import orjson
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from plan import Plan
from profiles.errors import Misconfigured
from streams.kafka.client import Unavailable
from streams.kafka.reader import Log, OutOfRange
from streams.kafka.topics import topic_name
from streams.settings import Settings

__all__ = ["SdkWatch"]

log = logging.getLogger(__name__)

_LOOK_BACK = 200  # records of each partition, from before somebody watched
_PAUSE = 0.1  # seconds between two looks while nothing comes


class SdkWatch:
    """Looks for events of SDKs: once for all who wait, and only while somebody does.

    Args:
        log: that has the events.
        settings: the topics' prefix.
        plan: which sources there are.
    """

    def __init__(self, log: Log, settings: Settings, plan: Plan) -> None:
        self._log = log
        self._topics = [topic_name(settings, source.topic) for source in plan.sources.values()]
        self._found = ""
        self._looking: asyncio.Task[str] | None = None
        self._waiting = 0

    async def first(self) -> str:
        """The name of the library of an event, among the newest or of one still to come; a Kafka that is away is waited
        for."""
        if self._found:
            return self._found
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        looking = self._looking
        self._waiting += 1
        try:
            self._found = await asyncio.shield(looking)
        finally:
            self._waiting -= 1
            if not self._waiting:
                looking.cancel()
                self._looking = None
        return self._found

    async def _look(self) -> str:
        told = ""
        while True:
            try:
                return await self._follow()
            except OutOfRange:  # slower than Kafka deletes: on from now
                continue
            except (Misconfigured, Unavailable, KafkaError, OSError) as error:
                if str(error) != told:
                    told = str(error)
                    log.warning("nobody can see whether an SDK sends: %s", error)
                await asyncio.sleep(1)

    async def _follow(self) -> str:
        held = [extent for topic in self._topics for extent in await self._log.extents(topic)]
        starts = {TopicPartition(one.topic, one.partition): max(one.start, one.end - _LOOK_BACK) for one in held}
        async with self._log.open(starts) as cursor:
            while True:
                batches = await cursor.fetch()
                for batch in batches:
                    for record in batch.records:
                        if name := _library(record.value or b""):
                            return name
                await asyncio.sleep(0 if batches else _PAUSE)


def _library(value: bytes) -> str:
    if b'"library"' not in value:
        return ""
    try:
        name = orjson.loads(value)["context"]["library"]["name"]
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return ""
    return name if isinstance(name, str) else ""
