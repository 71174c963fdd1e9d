"""What people decide, on its way to the one writer of what it concerns: a profile, the graph of identities, models."""

from __future__ import annotations

import asyncio

import msgspec

from models.labels.examples import ModelCommand, Of
from profiles.types import Record, partition_of
from streams.kafka.admission import Refused, Unreachable
from streams.kafka.client import Unavailable
from streams.kafka.output import Produces, Row
from streams.kafka.topics import IDENTITY_LINKS, PROFILE_EVENTS, TRAINING_EXAMPLES, topic_name
from streams.records.links import Request
from streams.settings import Settings

__all__ = ["CommandSender"]

_PATIENCE = 5.0  # seconds that a person waits for an answer
_encode = msgspec.msgpack.Encoder().encode


class CommandSender:
    """Puts commands where their worker carries them out."""

    def __init__(self, producer: Produces, settings: Settings) -> None:
        self._producer = producer
        self._profile_events = topic_name(settings, PROFILE_EVENTS)
        self._identity_links = topic_name(settings, IDENTITY_LINKS)
        self._training_examples = topic_name(settings, TRAINING_EXAMPLES)
        self._partitions = settings.partitions
        self._one_at_a_time = asyncio.Lock()  # the first call connects

    async def send(self, command: Record) -> None:
        """Hand over what concerns one profile; returns when Kafka has it.

        Raises:
            Unavailable: Kafka has not confirmed it in time. It may have arrived; deciding again is harmless.
        """
        partition = partition_of(command.profile, self._partitions)
        await self._produce(Row(self._profile_events, partition, command.profile.encode(), _encode(command)))

    async def request(self, request: Request) -> None:
        """Hand over what concerns the graph of identities; returns when Kafka has it.

        Raises:
            Unavailable: as `send`.
        """
        await self._produce(Row(self._identity_links, 0, b"request", _encode(request)))

    async def decide(self, command: ModelCommand | Of) -> None:
        """Hand over what concerns the models; returns when Kafka has it.

        Raises:
            Unavailable: as `send`.
        """
        await self._produce(Row(self._training_examples, 0, b"command", _encode(command)))

    async def _produce(self, row: Row) -> None:
        try:
            async with asyncio.timeout(_PATIENCE), self._one_at_a_time:
                await self._producer.produce([row])
        except TimeoutError:
            raise Unavailable("Kafka does not answer") from None
        except (Refused, Unreachable) as error:
            raise Unavailable(str(error)) from error
