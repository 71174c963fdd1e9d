"""The newest of `events.rejected`, for people to look at: masked, and without what a replay has put back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from streams.background import aside
from streams.dead_letters.masking import Masker
from streams.kafka.client import Unavailable
from streams.kafka.reader import Log
from streams.kafka.topics import REJECTED, topic_name
from streams.records.rejected import IGNORE, Rejection, ReplayNote, is_note, told
from streams.settings import Settings

__all__ = ["RejectedTail"]

_LOOK_BACK = 200  # records of each partition that are looked through for those asked for
_PATIENCE = 5.0  # seconds
_decode = msgspec.json.Decoder(Rejection).decode
_decode_note = msgspec.json.Decoder(ReplayNote).decode


class RejectedTail:
    """Reads the end of `events.rejected`.

    Args:
        log: that has it.
        settings: the topic's prefix.
        plan: says what of an event is personal.
    """

    def __init__(self, log: Log, settings: Settings, plan: Plan) -> None:
        self._log = log
        self._topic = topic_name(settings, REJECTED)
        self._masker = Masker(plan)

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """The latest rejected events among the last 200 records of each partition, the newest first; those of senders
        that were put aside last, and before them what the plan ignores.

        Raises:
            Unavailable: Kafka does not answer.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                records = await self._read()
        except TimeoutError as error:
            raise Unavailable("Kafka does not answer") from error
        return await aside(self._shown, records, limit, source, reason)

    def _shown(
        self, records: Sequence[ConsumerRecord], limit: int, source: str | None, reason: str | None
    ) -> list[dict[str, Any]]:
        put_back = {
            position for record in records if is_note(record.headers) for position in _decode_note(record.value).done
        }
        wanted = [
            (position, rejection)
            for record in records
            if not is_note(record.headers)
            and (position := f"{record.partition}:{record.offset}") not in put_back
            and (rejection := _decode(record.value))
            and (source is None or rejection.source == source)
            and (reason is None or rejection.reason == reason)
        ]
        wanted.sort(key=lambda found: found[1].at, reverse=True)
        # Whoever is put aside, or ignored, must not hide what went wrong.
        wanted.sort(key=lambda found: (found[1].aside, found[1].step == IGNORE))
        return [
            told(position, rejection) | {"event": self._masker.event(rejection.source, rejection.payload)}
            for position, rejection in wanted[:limit]
        ]

    async def _read(self) -> list[ConsumerRecord]:
        held = await self._log.extents(self._topic)
        newest = [extent._replace(start=max(extent.start, extent.end - _LOOK_BACK)) for extent in held]
        return [record async for batch in self._log.read(newest, accept_gaps=True) for record in batch.records]
