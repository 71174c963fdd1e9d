"""Raw events as they come, masked, with what becomes of each: for whoever instruments a sender.

What was rejected is told by `events.rejected`, as the workers and the collector rejected it. What was not is read from
the sources' topics and taken through the same steps as in ingest, under the plan that this process has; so one sees
the event beside what it means before any worker has come to it. Kafka is read only while somebody watches, from then
on, and nobody is promised every event: a watcher gets so many a second, and hears how many came.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

import msgspec
import orjson
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from plan import Plan
from profiles.errors import Misconfigured
from profiles.times import parse_time, rfc3339
from profiles.types import Event
from streams.clock import WALL, Clock
from streams.dead_letters.masking import Masker, mask
from streams.dead_letters.rejections import name_of
from streams.judge import Judge
from streams.kafka.client import Unavailable
from streams.kafka.reader import Batch, Log, OutOfRange
from streams.kafka.topics import REJECTED, topic_name
from streams.records.position import recorded_at
from streams.records.rejected import IGNORE, Rejection, is_note
from streams.scrub import scrub
from streams.settings import Settings

__all__ = ["RawEvent", "RawFeed", "Watcher", "WhichEvents"]

log = logging.getLogger(__name__)

_WAITING = 200  # events kept for a watcher that is slow; then it misses the oldest
_A_SECOND = 40  # events of a second that a watcher gets at most
_LOOKED_AT = 100  # records of one fetch that are looked at for a watcher
_PAUSE = 0.05  # seconds between two looks while nothing comes

_decode = msgspec.json.Decoder(Rejection).decode
Row = TypeVar("Row")


class WhichEvents(msgspec.Struct, frozen=True):
    """Which events somebody watches; empty leaves a criterion out."""

    source: str = ""
    event: str = ""  # as its sender names it; a type for those without a name
    user: str = ""  # userId or anonymousId, exactly
    only_bad: bool = False  # rejected or flagged

    def may_be(self, value: bytes) -> bool:
        """Whether the bytes of an event may be what is asked for: the cheap look before the event is read."""
        return all(not text or not text.isascii() or _quoted(text) in value for text in (self.event, self.user))


class RawEvent(msgspec.Struct, frozen=True):
    """An event as people may see it: personal data is masked."""

    id: str  # where it is in Kafka
    at: float  # when Kafka had it, or when it was rejected; seconds
    source: str
    type: str
    name: str
    user: str  # masked
    verdict: Literal["accepted", "flagged", "rejected", "ignored"]
    step: str  # of a rejected one: where in the flow
    reason: str
    message: str
    violations: list[str]  # of a flagged one
    profile: str | None  # whose it is, of one that was not rejected
    raw: Any  # as it was sent
    stored: dict[str, Any] | None  # what it means, of one that was not rejected


class Watcher:
    """What one who watches gets.

    Args:
        wanted: which events.
        clock: by which seconds go.
    """

    def __init__(self, wanted: WhichEvents, clock: Clock) -> None:
        self.wanted = wanted
        self.came = 0  # events of the source that is asked for, of all if none is; of the bad ones alone if only those
        self.shown = 0
        self.trouble = ""  # why nothing comes, in words
        self.reading = False
        self._clock = clock
        self._rows: deque[RawEvent] = deque(maxlen=_WAITING)
        self._changed = asyncio.Event()
        self._room, self._filled = float(_A_SECOND), clock.now()

    def put(self, row: RawEvent) -> None:
        """Hand over an event, if there is room in this second."""
        now = self._clock.now()
        self._room = min(_A_SECOND, self._room + max(now - self._filled, 0.0) * _A_SECOND)
        self._filled = now
        if self._room >= 1:
            self._room -= 1
            self._rows.append(row)
            self._changed.set()

    def tell(self, *, reading: bool, trouble: str = "") -> None:
        """Say whether anything is being read."""
        self.reading, self.trouble = reading, trouble
        self._changed.set()

    async def take(self, patience: float) -> list[RawEvent]:
        """What has come since the last time; empty if nothing comes for `patience` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._changed.wait()
        self._changed.clear()
        rows = list(self._rows)
        self._rows.clear()
        self.shown += len(rows)
        self.came = max(self.came, self.shown)  # what is rejected now may have come before anybody watched
        return rows


class RawFeed:
    """Hands raw events to whoever watches.

    Args:
        log: that has them.
        settings: the topics' prefix.
        plan: what is accepted, and what of an event is personal.
        clock: the wall clock.
    """

    def __init__(self, log: Log, settings: Settings, plan: Plan, clock: Clock = WALL) -> None:
        self._log = log
        self._plan = plan
        self._clock = clock
        self._masker = Masker(plan)
        self._sources = {topic_name(settings, source.topic): source.name for source in plan.sources.values()}
        self._rejected = topic_name(settings, REJECTED)
        self._watchers: set[Watcher] = set()
        self._task: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def watch(self, wanted: WhichEvents) -> Iterator[Watcher]:
        """Watch from now on. Reading begins with the first who does, and ends with the last."""
        watcher = Watcher(wanted, self._clock)
        self._watchers.add(watcher)
        if self._task is None:
            self._task = asyncio.create_task(self._read())
        else:
            watcher.reading = any(other.reading for other in self._watchers)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            if not self._watchers and self._task is not None:
                self._task.cancel()
                self._task = None

    @property
    def reads(self) -> bool:
        """Whether Kafka is being read."""
        return self._task is not None

    async def _read(self) -> None:
        while True:
            try:
                await self._follow()
            except (Misconfigured, Unavailable, KafkaError, OSError) as error:
                self._tell(reading=False, trouble=str(error) or type(error).__name__)
            except Exception:
                log.exception("nobody can watch what comes in")
                self._tell(reading=False, trouble="it went wrong; the log says how")
            await asyncio.sleep(1)

    async def _follow(self) -> None:
        topics = [*self._sources, self._rejected]
        held = [extent for topic in topics for extent in await self._log.extents(topic)]
        starts = {TopicPartition(extent.topic, extent.partition): extent.end for extent in held}
        async with self._log.open(starts) as cursor:
            self._tell(reading=True)
            while True:
                try:
                    batches = await cursor.fetch()
                except OutOfRange:  # it was slower than Kafka deletes: go on from now
                    return
                for batch in batches:
                    await self._take(batch)
                if not batches:
                    await asyncio.sleep(_PAUSE)

    def _tell(self, *, reading: bool, trouble: str = "") -> None:
        for watcher in self._watchers:
            watcher.tell(reading=reading, trouble=trouble)

    async def _take(self, batch: Batch) -> None:
        if batch.topic == self._rejected:
            self._take_rejected(batch.records)
        else:
            await self._take_raw(self._sources[batch.topic], batch.records)

    async def _take_raw(self, source: str, records: Sequence[ConsumerRecord]) -> None:
        chosen: dict[int, list[Watcher]] = {}
        at = {record.offset: record for record in records}
        for watcher in self._watchers:
            wanted = watcher.wanted
            if wanted.source in ("", source):
                watcher.came += 0 if wanted.only_bad else len(records)
                for record in _sample([one for one in records if wanted.may_be(one.value or b"")]):
                    chosen.setdefault(record.offset, []).append(watcher)
        if not chosen:
            return
        intake = await Judge(self._plan, self._clock.now()).intake(source, [at[offset] for offset in sorted(chosen)])
        for item in intake.items:
            if item.event is not None and (row := self._row(source, item.record, item.event)):
                for watcher in chosen[item.record.offset]:
                    watcher.came += watcher.wanted.only_bad and row.verdict == "flagged"
                    self._hand(watcher, row, item.record.value or b"")

    def _take_rejected(self, records: Sequence[ConsumerRecord]) -> None:
        told = [record for record in records if not is_note(record.headers)]
        looked_at = {record.offset for record in _sample(told)}
        for record in told:
            if not (rejection := _read(record)):
                continue
            events = 1 + len(rejection.also) + rejection.more
            for watcher in self._watchers:
                if watcher.wanted.source in ("", rejection.source):
                    # What never reached a topic was not counted there.
                    watcher.came += events if watcher.wanted.only_bad or rejection.partition is None else 0
            if record.offset in looked_at:
                row = self._rejected_row(record, rejection)
                for watcher in self._watchers:
                    self._hand(watcher, row, rejection.payload)

    def _hand(self, watcher: Watcher, row: RawEvent, payload: bytes) -> None:
        wanted = watcher.wanted
        if (
            wanted.source in ("", row.source)
            and wanted.event in ("", row.name)
            and (not wanted.only_bad or row.verdict in ("flagged", "rejected"))
            and (not wanted.user or wanted.user in _people(payload))
        ):
            watcher.put(row)

    def _row(self, source: str, record: ConsumerRecord, event: Event) -> RawEvent:
        payload = record.value or b""
        return RawEvent(
            id=f"{record.topic}-{record.partition}-{record.offset}",
            at=recorded_at(record),
            source=source,
            type=event.type,
            name=scrub(event.name) or event.type,
            user=_user(payload),
            verdict="flagged" if event.violations else "accepted",
            step="",
            reason="",
            message="",
            violations=[scrub(text) for text in event.violations],
            profile=event.profile,
            raw=self._masker.event(source, payload),
            stored=_stored(event),
        )

    def _rejected_row(self, record: ConsumerRecord, rejection: Rejection) -> RawEvent:
        name = name_of(rejection.payload, rejection.type) or rejection.event
        return RawEvent(
            id=f"{record.topic}-{record.partition}-{record.offset}",
            at=parse_time(rejection.at),
            source=rejection.source,
            type=rejection.type,
            name=scrub(name),
            user=_user(rejection.payload),
            verdict="ignored" if rejection.step == IGNORE else "rejected",
            step=rejection.step,
            reason=rejection.reason,
            message=scrub(rejection.message),
            violations=[],
            profile=None,
            raw=self._masker.event(rejection.source, rejection.payload),
            stored=None,
        )


def _sample(rows: Sequence[Row], most: int = _LOOKED_AT) -> Sequence[Row]:
    """At most so many of them, from all over."""
    return rows if len(rows) <= most else rows[:: -(-len(rows) // most)]


def _read(record: ConsumerRecord) -> Rejection | None:
    try:
        return _decode(record.value)
    except (msgspec.MsgspecError, TypeError) as error:  # one that nobody can read must not end the feed
        log.warning("%s-%d offset %d is left out: %s", record.topic, record.partition, record.offset, error)
        return None


def _quoted(text: str) -> bytes:
    return orjson.dumps(text)[1:-1]


def _people(payload: bytes) -> list[str]:
    """Whom an event names, if that can be read."""
    try:
        raw = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return []
    given: Callable[[str], Any] = raw.get if isinstance(raw, dict) else lambda _: None
    return [str(value) for name in ("userId", "anonymousId") if (value := given(name)) not in (None, "")]


def _user(payload: bytes) -> str:
    people = _people(payload)
    return str(mask(people[0], "id")) if people else ""


def _stored(event: Event) -> dict[str, Any]:
    """What an event means, without whom it is about: what is left out is empty."""
    found = {
        "name": event.name,
        "role": event.role,
        "time": rfc3339(event.time),
        "amount_minor": event.amount,
        "currency": event.currency,
        "quantity": event.quantity,
        "category": scrub(event.category),
        "subject": event.subject and mask(event.subject, "id"),
        "rating": event.rating,
        "traits": sorted(event.traits),
        "identities": [kind for kind, _ in event.identities],
        "company": event.group is not None,
        "claimed": event.claim is not None,
    }
    return {name: value for name, value in found.items() if value not in (None, "", 0, 0.0, [], False)}
