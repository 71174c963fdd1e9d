"""The newest of `events.rejected`, for people to look at: masked, and without what a replay has put back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord

from plan import Plan
from streams.background import aside
from streams.dead_letters.grouping import Group, group_rejections
from streams.dead_letters.masking import Masker
from streams.kafka.client import Unavailable
from streams.kafka.reader import Log
from streams.kafka.topics import REJECTED, topic_name
from streams.records.rejected import IGNORE, Rejection, ReplayNote, is_note, told
from streams.settings import Settings

__all__ = ["RejectedTail", "ReplayRun"]

_LOOK_BACK = 200  # records of each partition that are looked through for those asked for
_NOTES_BACK = 2000  # the same, for notes of replays
_PATIENCE = 5.0  # seconds
_decode = msgspec.json.Decoder(Rejection).decode
_decode_note = msgspec.json.Decoder(ReplayNote).decode


class ReplayRun(msgspec.Struct):
    """A replay, by its notes."""

    run: str
    began: str  # RFC 3339; of its first note that is still looked at
    latest: str
    put_back: int  # events
    finished: bool


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
        self._plan = plan
        self._masker = Masker(plan)

    async def tail(self, limit: int, source: str | None = None, reason: str | None = None) -> list[dict[str, Any]]:
        """The latest rejected events among the last 200 records of each partition, the newest first; those of senders
        that were put aside last, and before them what the plan ignores.

        Raises:
            Unavailable: Kafka does not answer.
        """
        records = await self._patiently()
        return await aside(self._shown, records, limit, source, reason)

    async def groups(self, source: str | None = None) -> list[Group]:
        """The same rejections by what is wrong with them, those of most events first; without what the plan ignores.

        Raises:
            Unavailable: Kafka does not answer.
        """
        records = await self._patiently()
        wanted = [
            (position, rejection)
            for position, rejection in _left(records)
            if rejection.step != IGNORE and source in (None, rejection.source)
        ]
        return await aside(group_rejections, wanted, self._plan, self._masker)

    async def replays(self) -> list[ReplayRun]:
        """The replays that have noted anything there, the latest first.

        Raises:
            Unavailable: Kafka does not answer.
        """
        runs: dict[str, ReplayRun] = {}
        for record in await self._patiently(notes=True):
            if is_note(record.headers):
                note = _decode_note(record.value)
                run = runs.setdefault(note.run, ReplayRun(note.run, note.at, note.at, 0, finished=False))
                run.latest, run.put_back = note.at, run.put_back + len(note.done)
                run.finished = run.finished or note.finished
        return sorted(runs.values(), key=lambda run: run.began, reverse=True)

    def _shown(
        self, records: Sequence[ConsumerRecord], limit: int, source: str | None, reason: str | None
    ) -> list[dict[str, Any]]:
        wanted = [
            (position, rejection)
            for position, rejection in _left(records)
            if (source is None or rejection.source == source) and (reason is None or rejection.reason == reason)
        ]
        wanted.sort(key=lambda found: found[1].at, reverse=True)
        # Whoever is put aside, or ignored, must not hide what went wrong.
        wanted.sort(key=lambda found: (found[1].aside, found[1].step == IGNORE))
        return [
            told(position, rejection) | {"event": self._masker.event(rejection.source, rejection.payload)}
            for position, rejection in wanted[:limit]
        ]

    async def _patiently(self, *, notes: bool = False) -> list[ConsumerRecord]:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._read(notes=notes)
        except TimeoutError as error:
            raise Unavailable("Kafka does not answer") from error

    async def _read(self, *, notes: bool) -> list[ConsumerRecord]:
        held = await self._log.extents(self._topic)
        if notes:  # all of them are in one partition
            held = [extent for extent in held if extent.partition == 0]
        back = _NOTES_BACK if notes else _LOOK_BACK
        newest = [extent._replace(start=max(extent.start, extent.end - back)) for extent in held]
        return [record async for batch in self._log.read(newest, accept_gaps=True) for record in batch.records]


def _left(records: Iterable[ConsumerRecord]) -> list[tuple[str, Rejection]]:
    """The rejections (position, rejection) that were not put back."""
    records = list(records)
    put_back = {
        position for record in records if is_note(record.headers) for position in _decode_note(record.value).done
    }
    return [
        (position, _decode(record.value))
        for record in records
        if not is_note(record.headers) and (position := f"{record.partition}:{record.offset}") not in put_back
    ]
