"""The archiver: `profile.events` into Parquet files, each event once, however often it is killed.

One process reads all partitions, without a consumer group: how far it has read is in the archive itself. Every so many
seconds it writes what it has gathered as one *flush*: first the files, then the manifest that makes them count and
holds the offsets. A crash before the manifest leaves files that do not count and are removed at the next start; the
records are then simply read again. Which events are taken, and which are repeats: `streams/archive/gather.py`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import ConsumerRecord, TopicPartition
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from analysis.archive.folder import Folder
from analysis.archive.manifests import File, Gap, State
from plan import Plan
from profiles.errors import Misconfigured
from profiles.identity.secrets import suppression
from profiles.types import Record
from streams.archive.bounds import Bounds, bounds
from streams.archive.gather import Gatherer, Memory, prime
from streams.archive.manifest_log import Changed, ManifestLog
from streams.archive.metrics import ArchiveMetrics
from streams.archive.write import again, keys_of, write_flush
from streams.clock import WALL
from streams.kafka.client import async_consumer
from streams.kafka.topics import PROFILE_EVENTS, topic_name
from streams.settings import Settings

__all__ = ["Archiver", "Progress", "open_log"]

log = logging.getLogger(__name__)

MEMORY = 1_000_000
"""Events that are remembered to drop repeats."""

_MOST_ROWS = 100_000  # of one flush
_MOST_BYTES = 64 * 1024 * 1024  # of their records
_POLL = 250  # milliseconds
_PATIENCE = 15.0  # seconds for Kafka to answer at the start
_RETRY = 30.0  # seconds between attempts to write, at most

_decode = msgspec.msgpack.Decoder(Record).decode


@dataclass(slots=True)
class Progress:
    """What an archiver has done since its start."""

    read: int = 0  # records
    lag: int = 0  # records that wait to be read
    written: int = 0  # events
    repeats: int = 0
    erased: int = 0  # events left out, because their customer has been erased
    flushes: int = 0
    files: int = 0  # of the archive
    bytes: int = 0


def open_log(settings: Settings, *, owner: bool = False) -> ManifestLog:
    """The archive that RAPPORT_ARCHIVE names, to change it.

    Raises:
        Misconfigured: none is named, or it cannot be read.
    """
    folder = Folder(settings.archive)
    try:
        return ManifestLog(folder, os.urandom(4).hex(), WALL.now, owner=owner)
    except OSError as error:
        raise Misconfigured(f"the archive in {folder.root} cannot be read: {error}") from error


class Archiver:
    """Follows the log into the archive.

    Args:
        settings: `archive`, `archive_every`, Kafka and the topic's prefix.
        plan: whose key tells erased customers.
        metrics: what is counted.
        accept_gap: go on where records are missing, instead of refusing.
        memory: events that are remembered to drop repeats.
    """

    def __init__(
        self,
        settings: Settings,
        plan: Plan,
        metrics: ArchiveMetrics,
        *,
        accept_gap: bool = False,
        memory: int = MEMORY,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._accept_gap = accept_gap
        self._topic = topic_name(settings, PROFILE_EVENTS)
        self._log = open_log(settings, owner=True)
        self._memory = Memory(memory)
        self._gatherer = Gatherer(
            self._log.state, self._memory, lru_cache(maxsize=200_000)(partial(suppression, plan.pii_key))
        )
        self._flushed = time.monotonic()
        self.progress = Progress()
        self.stop = asyncio.Event()

    @property
    def state(self) -> State:
        """The archive as this archiver knows it."""
        return self._log.state

    async def run(
        self, *, once: bool = False, tell: Callable[[Progress, bool], None] = lambda progress, flushed: None
    ) -> None:
        """Archive until `stop` is set, or with `once` up to what is there at the start.

        Args:
            once: end when the present end has been archived.
            tell: hears of progress, and whether that was a flush.

        Raises:
            Misconfigured: Kafka or the archive cannot be used as they are, or records are missing.
            Overtaken: another archiver has taken over.
        """
        consumer = async_consumer(self._settings, max_partition_fetch_bytes=2 * 1024 * 1024)
        try:
            await _connect(consumer)
            ends = await self._begin(consumer)
            await self._follow(consumer, ends if once else None, tell)
        except KafkaError as error:
            raise Misconfigured(f"Kafka at {self._settings.kafka}: {error!r}") from error
        finally:
            await consumer.stop()

    async def _begin(self, consumer: AIOKafkaConsumer) -> dict[int, int]:
        """Find the place in the log, and become the one archiver. Answers the present ends."""
        held = await bounds(consumer, self._settings, self._topic)
        if not held:
            raise Misconfigured(f"topic {self._topic} is missing; `rapport work` and `rapport up` create it")
        gaps = self._gaps(held)
        read = {p: (log.first, log.first) for p, log in held.items() if p not in self.state.read}
        read |= {gap.partition: (gap.start, gap.end) for gap in gaps}
        try:
            await asyncio.to_thread(self._log.start, self._topic, len(held), read=read, gaps=gaps)
            await asyncio.to_thread(self._prime)
        except OSError as error:
            raise Misconfigured(f"the archive in {self._log.folder.root} cannot be written: {error}") from error
        for partition in held:
            consumer.seek(TopicPartition(self._topic, partition), self.state.read[partition])
        self._show()
        log.info("archiving %s from %s to %s", self._topic, self.state.read, self._log.folder.root)
        return {partition: log.end for partition, log in held.items()}

    def _gaps(self, held: Mapping[int, Bounds]) -> list[Gap]:
        """Where Kafka has deleted what was not archived yet."""
        read = self.state.read
        if ahead := [p for p, offset in read.items() if p in held and offset > held[p].end]:
            raise Misconfigured(
                f"the archive in {self._log.folder.root} has read further than {self._topic} goes (partitions "
                f"{', '.join(map(str, ahead))}): it belongs to another Kafka, or the topic was made anew. Set "
                "RAPPORT_ARCHIVE to another folder"
            )
        gaps = [Gap(p, read[p], log.first, WALL.now()) for p, log in held.items() if log.first > read.get(p, log.first)]
        if not gaps:
            return []
        missing = sum(gap.end - gap.start for gap in gaps)
        told = "; ".join(f"partition {gap.partition}: {gap.start} to {gap.end - 1}" for gap in gaps)
        message = f"Kafka has deleted {missing} records of {self._topic} that were not archived yet ({told})"
        if not self._accept_gap:
            raise Misconfigured(
                f"{message}. They are lost to the archive. `rapport archive --accept-gap` notes the gap and goes on; "
                "let the topic keep records for longer than the archiver may be away"
            )
        log.error("%s; going on with what is left", message)
        self._metrics.missed.inc(missing)
        return gaps

    def _prime(self) -> None:
        def read(file: File) -> list[tuple[str, str, str]]:
            return list(keys_of(self._log.folder, file))

        while True:
            try:
                return prime(self._memory, self.state.of("events"), read)
            except Changed as error:  # compacted meanwhile
                again(self._log, error)

    async def _follow(
        self, consumer: AIOKafkaConsumer, ends: Mapping[int, int] | None, tell: Callable[[Progress, bool], None]
    ) -> None:
        while not (self.stop.is_set() or (ends is not None and self._reached(ends))):
            try:
                fetched = await consumer.getmany(timeout_ms=_POLL, max_records=10_000)
            except OffsetOutOfRangeError:
                await self._flush(tell)
                await self._begin(consumer)
                continue
            for tp, records in fetched.items():
                self._take(tp.partition, records)
            self._measure(consumer, ends)
            tell(self.progress, False)
            if self._due():
                await self._flush(tell, retrying=ends is None)
        await self._flush(tell, retrying=False)

    def _take(self, partition: int, records: list[ConsumerRecord]) -> None:
        self._gatherer.take(
            partition, ((record.offset, _decode(record.value), len(record.value)) for record in records)
        )
        self.progress.read += len(records)

    def _position(self, partition: int) -> int:
        gathered = self._gatherer.gathered.read.get(partition)
        return gathered[1] if gathered else self.state.read[partition]

    def _reached(self, ends: Mapping[int, int]) -> bool:
        return all(self._position(partition) >= end for partition, end in ends.items())

    def _measure(self, consumer: AIOKafkaConsumer, ends: Mapping[int, int] | None) -> None:
        unread = unsafe = 0
        for tp in consumer.assignment():
            end = (ends[tp.partition] if ends is not None else consumer.highwater(tp)) or 0
            unread += max(0, end - self._position(tp.partition))
            unsafe += max(0, end - self.state.read[tp.partition])
        self.progress.lag = unread
        self._metrics.lag.set(unsafe)

    def _due(self) -> bool:
        gathered = self._gatherer.gathered
        full = len(gathered.rows) >= _MOST_ROWS or gathered.bytes >= _MOST_BYTES
        return full or time.monotonic() - self._flushed >= self._settings.archive_every

    async def _flush(self, tell: Callable[[Progress, bool], None], *, retrying: bool = True) -> None:
        """Write what was gathered; with nothing gathered, see whether another archiver has taken over."""
        gathered = self._gatherer.gathered
        began = time.monotonic()
        if not gathered.read:
            await self._retrying(self._log.catch_up, retrying)
            self._flushed = time.monotonic()
            return
        await self._retrying(partial(write_flush, self._log, gathered, WALL.now()), retrying)
        self._flushed = time.monotonic()
        self._metrics.flush.observe(self._flushed - began)
        self._gatherer.flushed()
        self._count(len(gathered.rows), gathered.outcomes["repeat"], gathered.outcomes["erased"])
        self._show()
        tell(self.progress, True)

    async def _retrying(self, job: Callable[[], object], retrying: bool) -> None:
        """Do what needs the archive; when it is away or full try again until it can, or until `stop`."""
        pause = 1.0
        while True:
            try:
                await asyncio.to_thread(job)
            except OSError as error:
                self._metrics.failures.inc()
                if not retrying or self.stop.is_set():
                    raise Misconfigured(
                        f"the archive in {self._log.folder.root} cannot be written: {error}. Nothing is lost: the next "
                        "start reads from where the last flush ended"
                    ) from error
                log.error("the archive cannot be written, trying again in %.0f s: %s", pause, error)  # noqa: TRY400
            else:
                return
            await self._pause(pause)
            pause = min(2 * pause, _RETRY)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.stop.wait(), seconds)
        except TimeoutError:
            return

    def _count(self, written: int, repeats: int, erased: int) -> None:
        self.progress.written += written
        self.progress.repeats += repeats
        self.progress.erased += erased
        self.progress.flushes += 1
        for outcome, count in (("written", written), ("repeat", repeats), ("erased", erased)):
            self._metrics.events.labels(outcome).inc(count)

    def _show(self) -> None:
        files = self.state.files.values()
        self.progress.files = len(files)
        self.progress.bytes = sum(file.bytes for file in files)
        self._metrics.files.set(self.progress.files)
        self._metrics.bytes.set(self.progress.bytes)
        self._metrics.flushed.set(self.state.flushed)


@retry(
    retry=retry_if_exception_type((KafkaError, OSError)),
    stop=stop_after_delay(_PATIENCE),
    wait=wait_fixed(0.3),
    reraise=True,
)
async def _connect(consumer: AIOKafkaConsumer) -> None:
    await consumer.start()
