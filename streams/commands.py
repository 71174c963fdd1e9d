"""People's decisions on their way to a profile's one writer."""

from __future__ import annotations

import msgspec

from profiles.types import AlertCommand, partition_of
from streams.output import BatchProducer, Row
from streams.settings import Settings
from streams.topics import PROFILE_EVENTS, topic_name

__all__ = ["CommandSender"]


class CommandSender:
    """Puts commands into `profile.events`, where the profile's worker carries them out."""

    def __init__(self, producer: BatchProducer, settings: Settings) -> None:
        self._producer = producer
        self._topic = topic_name(settings, PROFILE_EVENTS)
        self._partitions = settings.partitions

    async def send(self, command: AlertCommand) -> None:
        """Hand over a decision; returns when Kafka has it."""
        partition = partition_of(command.profile, self._partitions)
        await self._producer.produce(
            [Row(self._topic, partition, command.profile.encode(), msgspec.msgpack.encode(command))]
        )
