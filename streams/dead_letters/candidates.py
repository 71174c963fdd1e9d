"""Events that a replay may put back: rejections that were chosen, or a period of a source.

A period shows also what was accepted then, to compare then with now. That is in the profiles, by its position in the
log, and is left alone: put back, it would have to be recognised by its messageId, which a profile remembers of its
latest events only. So a replay cannot change what an event meant to profiles when it was applied; that takes the
archive.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec
import orjson
from aiokafka.structs import ConsumerRecord

from plan import Plan
from profiles.errors import Misconfigured, Unacceptable
from profiles.times import parse_time
from profiles.types import Event, Record
from streams.collector.body import Limits
from streams.collector.wire import Envelope, stamp
from streams.dead_letters.rejections import Entry, Rejections, Show, Survey, Wanted, shown
from streams.kafka.reader import Log
from streams.kafka.topics import PROFILE_EVENTS, REJECTED, topic_name
from streams.records.position import REJECTED_AT, position_of, recorded_at, replay_headers
from streams.records.rejected import WEBHOOKS, Rejection
from streams.settings import Settings

__all__ = [
    "ACCEPTED", "FLAGGED", "REJECTED_THEN", "Candidate", "Chosen", "Counts", "Period", "Reread", "Source", "as_record",
    "unread",
]  # fmt: skip

ACCEPTED, FLAGGED, REJECTED_THEN = "accepted", "flagged", "rejected"

_decode = msgspec.msgpack.Decoder(Record).decode


class Candidate(NamedTuple):
    """An event, and what became of it."""

    source: str
    record: ConsumerRecord | Unacceptable  # as it would be put back; or why it cannot be
    then: str  # accepted, flagged or rejected
    entry: Entry | None = None  # its rejection
    partition: int | None = None  # of its topic; None: by its key
    last: bool = True  # of those that its rejection becomes


Reread = Callable[[Rejection], list[bytes]]
"""Makes events of a request that was kept as none; raises Unacceptable if it still is none."""


def unread(rejection: Rejection) -> list[bytes]:
    raise Unacceptable(rejection.reason, "it is a request of another service, and no event")


class Counts(Protocol):
    """What is counted of the events that are no candidates."""

    read: int
    waiting: int
    before: int
    truncated: int


class Source(Protocol):
    """Where candidates come from."""

    wanted: Wanted  # which rejections are among them

    def candidates(self, found: Survey, counts: Counts) -> AsyncGenerator[Candidate, None]:
        """The candidates, given what is known of the rejections; what is none is counted."""
        ...


class Chosen:
    """Rejected events.

    Args:
        rejections: reads them.
        settings: the topics' prefix.
        plan: under which they would be put back.
        wanted: which they are.
        positions: only those at these positions.
        reread: makes events of what other services had sent.
    """

    def __init__(
        self,
        rejections: Rejections,
        settings: Settings,
        plan: Plan,
        wanted: Wanted,
        positions: Sequence[str] = (),
        reread: Reread = unread,
    ) -> None:
        self._rejections = rejections
        self._settings = settings
        self._plan = plan
        self.wanted = wanted
        self._positions = set(positions)
        self._reread = reread

    async def candidates(self, found: Survey, counts: Counts) -> AsyncGenerator[Candidate, None]:
        asked = [e for e in found.entries if not self._positions or not self._positions.isdisjoint(e.positions)]
        counts.read = len(asked)
        counts.truncated = sum(entry.truncated for entry in asked)
        counts.before = sum(entry.replayed for entry in asked)
        chosen = {entry.position: entry for entry in asked if not entry.replayed and not entry.truncated}
        if not chosen:
            return
        payloads = self._rejections.payloads("putting back", chosen.__contains__, self.wanted.since)
        async for position, rejection in payloads:
            if rejection.reason in WEBHOOKS:
                records = _of_webhook(self._settings, self._plan, position, rejection, self._reread)
            else:
                records = [as_record(self._settings, self._plan, position, rejection)]
            for record in records:
                last = record is records[-1]
                yield Candidate(rejection.source, record, REJECTED_THEN, chosen[position], rejection.partition, last)


class Period:
    """What Kafka still has of a source, of a period by the time Kafka had it.

    Args:
        log: that has it.
        settings: the topics' prefix and the workers' group.
        plan: that names the source's topic.
        source: its name.
        since: where the period begins, seconds.
        until: where it ends, seconds.
        show: shows progress.

    Raises:
        Misconfigured: the plan has no such source.
    """

    def __init__(
        self,
        log: Log,
        settings: Settings,
        plan: Plan,
        source: str,
        since: float | None,
        until: float | None,
        show: Show,
    ) -> None:
        if source not in plan.sources:
            raise Misconfigured(f"the plan has no source '{source}'; it has {', '.join(plan.sources)}")
        self._log = log
        self._settings = settings
        self._source = source
        self._topic = topic_name(settings, plan.sources[source].topic)
        self._since = since
        self._until = until
        self._show = show
        self.wanted = Wanted(source=source, since=since)

    async def candidates(self, found: Survey, counts: Counts) -> AsyncGenerator[Candidate, None]:
        rejected = {entry.origin[1:]: entry for entry in found.entries if entry.origin is not None}
        flagged = await self._flagged()
        done = await self._log.committed(self._settings.worker_group, self._topic)
        extents = await self._log.extents(self._topic, self._since)
        async for batch in shown(self._log, self._show, f"reading {self._topic}", extents):
            for record in batch.records:
                if not self._takes(record):
                    continue
                counts.read += 1
                place = (record.partition, record.offset)
                if record.offset >= done.get(record.partition, 0):
                    counts.waiting += 1
                elif (entry := rejected.get(place)) is None:
                    yield Candidate(self._source, record, FLAGGED if place in flagged else ACCEPTED)
                else:
                    headers = replay_headers(position_of(record), recorded_at(record), entry.position)
                    again = dataclasses.replace(record, headers=headers)
                    yield Candidate(self._source, again, REJECTED_THEN, entry, record.partition)

    def _takes(self, record: ConsumerRecord) -> bool:
        return (self._since is None or record.timestamp >= self._since * 1000) and (
            self._until is None or record.timestamp < self._until * 1000
        )

    async def _flagged(self) -> set[tuple[int, int]]:
        """Where on its topic each event was that was accepted with violations: (partition, offset)."""
        found = set()
        extents = await self._log.extents(topic_name(self._settings, PROFILE_EVENTS), self._since)
        async for batch in shown(self._log, self._show, "reading profile.events", extents):
            for record in batch.records:
                event = _decode(record.value)
                if type(event) is Event and event.violations and event.source == self._source and not event.home:
                    found.add((event.origin[1], event.origin[2]))
        return found


def as_record(settings: Settings, plan: Plan, position: str, rejection: Rejection) -> ConsumerRecord | Unacceptable:
    """The record that would be put back for a rejection at a position; or why there is none."""
    if rejection.source not in plan.sources:
        return Unacceptable("unknown_source", f"the plan has no source '{rejection.source}'")
    if rejection.partition is not None:
        first = rejection.position or f"{rejection.topic}-{rejection.partition}-{rejection.offset}"
        return _record(rejection, None, rejection.payload, first, position)
    first = f"{topic_name(settings, REJECTED)}-{position.replace(':', '-')}"
    try:
        key, value = _collected(plan, rejection, first)
    except Unacceptable as error:
        return error
    return _record(rejection, key, value, first, position)


def _collected(plan: Plan, rejection: Rejection, first: str) -> tuple[bytes, bytes]:
    """Key and value of an event that the collector refused, as it would have put them on the topic then.

    Raises:
        Unacceptable: the collector would refuse it still.
    """
    if rejection.reason in WEBHOOKS:
        raise Unacceptable(rejection.reason, "it is a request of another service; a replay makes events of it")
    raw = _with_id(rejection.payload, first)
    return stamp(
        raw,
        Envelope([raw], type=rejection.type),
        received=rejection.recorded or parse_time(rejection.at),
        identities=plan.extract,
        limits=Limits(),
    )


def _of_webhook(
    settings: Settings, plan: Plan, position: str, rejection: Rejection, reread: Reread
) -> list[ConsumerRecord | Unacceptable]:
    """The records that a request becomes, of which the last alone is a sign that it was put back: a replay that is
    killed before puts the others back once more, under the ids that they have."""
    if rejection.source not in plan.sources:
        return [Unacceptable("unknown_source", f"the plan has no source '{rejection.source}'")]
    first = f"{topic_name(settings, REJECTED)}-{position.replace(':', '-')}"
    records: list[ConsumerRecord] = []
    try:
        for raw in reread(rejection):
            received = rejection.recorded or parse_time(rejection.at)
            stamped = stamp(raw, Envelope([raw]), received=received, identities=plan.extract, limits=Limits())
            records.append(_record(rejection, *stamped, first, position))
    except Unacceptable as error:
        return [error]
    if not records:
        return [Unacceptable(rejection.reason, "its mapping leaves it out")]
    for record in records[:-1]:
        record.headers[:] = [header for header in record.headers if header[0] != REJECTED_AT]
    return [*records]


def _with_id(payload: bytes, position: str) -> bytes:
    """The same bytes, or with the position as messageId where there is none: stamping would make one up each time."""
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload
    if type(raw) is not dict or raw.get("messageId") is not None:
        return payload
    return orjson.dumps({**raw, "messageId": position[-100:]})


def _record(rejection: Rejection, key: bytes | None, value: bytes, first: str, position: str) -> ConsumerRecord:
    recorded = rejection.recorded or parse_time(rejection.at)
    return ConsumerRecord(
        topic=rejection.topic,
        partition=rejection.partition or 0,
        offset=rejection.offset or 0,
        timestamp=round(recorded * 1000),
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=len(value),
        headers=replay_headers(first, recorded, position),
    )
