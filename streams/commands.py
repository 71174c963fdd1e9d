"""People's decisions on their way to a profile's one writer."""

from __future__ import annotations

import asyncio

import msgspec

from profiles.types import AlertCommand, partition_of
from streams.output import BatchProducer, Row
from streams.producer import Unavailable
from streams.settings import Settings
from streams.topics import PROFILE_EVENTS, topic_name

__all__ = ["CommandSender"]

_PATIENCE = 5.0  # seconds that a person waits for an answer


class CommandSender:
    """Puts commands into `profile.events`, where the profile's worker carries them out."""

    def __init__(self, producer: BatchProducer, settings: Settings) -> None:
        self._producer = producer
        self._topic = topic_name(settings, PROFILE_EVENTS)
        self._partitions = settings.partitions
        self._one_at_a_time = asyncio.Lock()  # the first call connects

    async def send(self, command: AlertCommand) -> None:
        """Hand over a decision; returns when Kafka has it.

        Raises:
            Unavailable: Kafka has not confirmed it in time. It may have arrived; deciding again is harmless.
        """
        partition = partition_of(command.profile, self._partitions)
        row = Row(self._topic, partition, command.profile.encode(), msgspec.msgpack.encode(command))
        try:
            async with asyncio.timeout(_PATIENCE), self._one_at_a_time:
                await self._producer.produce([row])
        except TimeoutError:
            raise Unavailable("Kafka does not answer") from None
