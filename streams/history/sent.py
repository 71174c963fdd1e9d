"""What became of events that were sent through the collector, by Kafka itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable

import msgspec
import orjson

from streams.history.outcome import Ends, ends_of
from streams.kafka.reader import Log
from streams.kafka.topics import REJECTED, topic_name
from streams.records.rejected import Rejection, is_note
from streams.settings import Settings

__all__ = ["PATIENCE", "Aftermath", "reasons"]

PATIENCE = 20.0
"""Seconds that the workers are given to take what was sent."""

_PAUSE = 0.5

_decode = msgspec.json.Decoder(Rejection).decode


class Aftermath:
    """Watches the topics of some sources from now on.

    Args:
        log: Kafka.
        settings: the topics' prefix and the workers' group.
        topics: of the sources, real names.
    """

    def __init__(self, log: Log, settings: Settings, topics: Iterable[str]) -> None:
        self._log = log
        self._group = settings.worker_group
        self._topics = sorted(topics)
        self._rejected = topic_name(settings, REJECTED)
        self._began: Ends = {}

    async def begin(self) -> None:
        """Note where the topics end.

        Raises:
            Misconfigured: Kafka does not answer, or has no such topics.
        """
        self._began = await ends_of(self._log, [*self._topics, self._rejected])

    async def taken(self, patience: float = PATIENCE) -> bool:
        """Wait until workers have taken all that is there now; whether they have."""
        ends = await ends_of(self._log, self._topics)
        deadline = time.monotonic() + patience
        while True:
            left = 0
            for topic, wanted in ends.items():
                done = await self._log.committed(self._group, topic)
                began = self._began[topic]
                left += sum(
                    max(0, end - done.get(int(partition), 0))
                    for partition, end in wanted.items()
                    if end > began.get(partition, 0)
                )
            if not left or time.monotonic() > deadline:
                return not left
            await asyncio.sleep(_PAUSE)

    async def rejected(self) -> dict[str, str]:
        """Every event that was rejected since the beginning: messageId → reason."""
        found: dict[str, str] = {}
        began = self._began[self._rejected]
        extents = [
            each._replace(start=max(each.start, began.get(str(each.partition), 0)))
            for each in await self._log.extents(self._rejected)
        ]
        async for batch in self._log.read(extents, accept_gaps=True):
            for record in batch.records:
                if not is_note(record.headers or ()):
                    rejection = _decode(record.value)
                    found[_id_of(rejection.payload)] = rejection.reason
        return found


def reasons(rejected: dict[str, str], ids: Iterable[str]) -> Counter[str]:
    """How many of some events were rejected, by reason."""
    return Counter(rejected[id_] for id_ in ids if id_ in rejected)


def _id_of(payload: bytes) -> str:
    try:
        return str(orjson.loads(payload)["messageId"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
