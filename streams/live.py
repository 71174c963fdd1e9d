"""What is committed, as it is committed: the tail of `profile.changes`, `alerts` and `cases`, for who looks on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Literal

import msgspec
import orjson
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord

from profiles.documents import decode_profile
from profiles.errors import Misconfigured
from profiles.types import ERASED, Profile, is_cell, is_company
from streams.kafka.admission import admit
from streams.kafka.client import async_consumer
from streams.kafka.outbox import MARKER
from streams.kafka.topics import ALERTS, CASES, PROFILE_CHANGES, topic_name
from streams.settings import Settings

__all__ = ["LiveEvent", "LiveFeed", "changed_event", "told_event"]

log = logging.getLogger(__name__)

_WAITING = 1000  # events kept for a reader that is slow; then it misses the oldest


class LiveEvent(msgspec.Struct, frozen=True):
    """Something that has just been committed."""

    kind: Literal["profile", "company", "gone", "alert", "case", "notice"]
    id: str  # the same however often it is delivered
    data: Profile | dict[str, Any]  # the profile; of the other kinds, what the support API shows


class LiveFeed:
    """Reads from now on, in no group, and hands every event to every subscriber."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._changes = topic_name(settings, PROFILE_CHANGES)
        self._alerts = topic_name(settings, ALERTS)
        self._cases = topic_name(settings, CASES)
        self._subscribers: set[asyncio.Queue[LiveEvent]] = set()
        self._watches: defaultdict[str, set[asyncio.Event]] = defaultdict(set)  # by the kind or id watched
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to read; a broker that is away is waited for."""
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def subscribe(self) -> AsyncIterator[LiveEvent]:
        """Everything from now on, until the iterator is closed."""
        queue: asyncio.Queue[LiveEvent] = asyncio.Queue(_WAITING)
        self._subscribers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._subscribers.discard(queue)

    @contextlib.contextmanager
    def watch(self, kinds: Sequence[str], about: str = "") -> Iterator[asyncio.Event]:
        """Set whenever something of these kinds, or about this profile or company, has been committed.

        It says that there is something new, not what: who looks at the state itself can miss nothing. It is set, too,
        whenever the feed has begun to read anew, as something may have happened meanwhile.
        """
        changed = asyncio.Event()
        watched = [*kinds, *([about] if about else [])]
        for what in watched:
            self._watches[what].add(changed)
        try:
            yield changed
        finally:
            for what in watched:
                self._watches[what].discard(changed)
                if not self._watches[what]:
                    del self._watches[what]

    async def _read(self) -> None:
        told = ""
        while True:
            consumer = async_consumer(self._settings, reset="latest")
            try:
                await admit(self._settings)
                await consumer.start()
                await self._subscribe(consumer)
                told = ""
                self._wake_all()
                async for record in consumer:
                    if record.value is None or record.key == MARKER:
                        continue
                    self._wake(record)
                    if self._subscribers:
                        self._pass_on(record)
            except (Misconfigured, KafkaError, OSError) as error:
                if str(error) != told:
                    told = str(error)
                    log.warning("the live feed waits: %s", error)
                await asyncio.sleep(1)
            finally:
                await consumer.stop()

    async def _subscribe(self, consumer: AIOKafkaConsumer) -> None:
        """Subscribe to our topics once they are there; the driver would log one that is missing ten times a second."""
        wanted, told = {self._changes, self._alerts, self._cases}, False
        while missing := wanted - await consumer.topics():
            if not told:
                log.info("the live feed waits for %s, which a worker creates", " and ".join(sorted(missing)))
            told = True
            await asyncio.sleep(1)
        consumer.subscribe(list(wanted))

    def _wake(self, record: ConsumerRecord) -> None:
        if not self._watches:
            return
        if record.topic != self._changes:
            kind, about = ("case" if record.topic == self._cases else "alert"), ""
        else:
            about = record.key.decode()
            kind = "company" if is_company(about) else "profile"
        for changed in (*self._watches.get(kind, ()), *self._watches.get(about, ())):
            changed.set()

    def _wake_all(self) -> None:
        for watches in self._watches.values():
            for changed in watches:
                changed.set()

    def _pass_on(self, record: ConsumerRecord) -> None:
        try:
            if record.topic != self._changes:
                self._tell(told_event(record.value))
            elif not is_cell(record.key.decode()):
                self._tell(changed_event(record.key, record.value, f"{record.partition}-{record.offset}"))
        except (ValueError, TypeError, KeyError) as error:  # one record that nobody can read must not end the feed
            log.warning("%s-%d offset %d is left out: %s", record.topic, record.partition, record.offset, error)

    def _tell(self, event: LiveEvent) -> None:
        for queue in self._subscribers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)


def told_event(value: bytes) -> LiveEvent:
    """The event of a message of `alerts` or `cases`."""
    told = orjson.loads(value)
    kind: Literal["alert", "case", "notice"] = "alert" if "alert" in told else "case" if "case" in told else "notice"
    return LiveEvent(kind, told["id"], told[kind])


def changed_event(key: bytes, value: bytes, id_: str) -> LiveEvent:
    """The event of a document of `profile.changes`."""
    profile = decode_profile(key.decode(), value)
    held = profile.company
    if held is not None and held.joined is not None and held.joined.target:
        return LiveEvent("gone", id_, {"id": profile.id, "merged_into": held.joined.target})
    if not profile.redirect:
        return LiveEvent("profile" if profile.company is None else "company", id_, profile)
    into = profile.redirect if profile.redirect != ERASED else None
    return LiveEvent("gone", id_, {"id": profile.id, "merged_into": into})
