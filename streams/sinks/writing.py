"""Records of `deliveries` to Kafka: many tasks' at once, in the order in which they were handed over."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable

from streams.kafka.output import Produces, Row
from streams.kafka.topics import DELIVERIES, DELIVERIES_DEAD, topic_name
from streams.records.deliveries import Delivery, encode_delivery, key_of
from streams.settings import Settings

__all__ = ["BY", "DeliveryWriter"]

BY = "rapport-by"
"""The header that names the process that wrote a record, so that it knows its own."""


class DeliveryWriter:
    """Writes for all sinks of a process.

    Args:
        producer: to Kafka.
        settings: the prefix of topics.
    """

    def __init__(self, producer: Produces, settings: Settings) -> None:
        self._producer = producer
        self._topic = topic_name(settings, DELIVERIES)
        self._dead = topic_name(settings, DELIVERIES_DEAD)
        self.nonce = os.urandom(8).hex().encode()
        self._rows: list[Row] = []
        self._done: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def write(self, records: Iterable[Delivery], *, dead: bool = False) -> None:
        """Hand records over, which is done before anything is waited for; returns when Kafka has them.

        Args:
            records: to be written.
            dead: among the dead letters, too.

        Raises:
            Misconfigured: Kafka refuses them for good.
        """
        for record in records:
            key, value = key_of(record), encode_delivery(record)
            self._rows.append(Row(self._topic, 0, key, value, ((BY, self.nonce),)))
            if dead:
                self._rows.append(Row(self._dead, 0, key, value))
        if not self._rows and self._done is None:
            return
        if self._done is None:
            self._done = asyncio.get_running_loop().create_future()
        waited = self._done
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._flush())
        await asyncio.shield(waited)

    async def _flush(self) -> None:
        while self._rows:
            rows, self._rows = self._rows, []
            done, self._done = self._done, None
            assert done is not None
            try:
                await self._producer.produce(rows)
            except BaseException as error:
                done.set_exception(error if isinstance(error, Exception) else RuntimeError("was stopped"))
                done.exception()  # looked at, should nobody wait any more
                if not isinstance(error, Exception):
                    raise
                return
            done.set_result(None)
