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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import msgspec
from aiokafka.structs import TopicPartition

from analysis.archive.facts import FactsOf
from analysis.archive.folder import Folder
from analysis.archive.manifests import File, Gap, State
from plan import Plan
from profiles.errors import Misconfigured
from profiles.identity.secrets import suppression
from profiles.types import Record
from streams.archive.gather import Gatherer, Memory, prime
from streams.archive.manifest_log import Changed, ManifestLog
from streams.archive.metrics import ArchiveMetrics
from streams.archive.write import again, keys_of, write_flush
from streams.clock import WALL
from streams.companies.erasing import unnaming
from streams.kafka.reader import Batch, Cursor, Extent, Log, OutOfRange
from streams.kafka.topics import PROFILE_EVENTS, topic_name
from streams.settings import Settings

__all__ = ["Archiver", "Progress", "open_log"]

log = logging.getLogger(__name__)

MEMORY = 1_000_000
"""Events that are remembered to drop repeats."""

_MOST_ROWS = 100_000  # of one flush
_MOST_BYTES = 64 * 1024 * 1024  # of their records
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
        kafka: the log.
        settings: `archive`, `archive_every` and the topic's prefix.
        plan: whose key tells erased customers, and which says what events are about.
        metrics: what is counted.
        accept_gap: go on where records are missing, instead of refusing.
        memory: events that are remembered to drop repeats.
    """

    def __init__(
        self,
        kafka: Log,
        settings: Settings,
        plan: Plan,
        metrics: ArchiveMetrics,
        *,
        accept_gap: bool = False,
        memory: int = MEMORY,
    ) -> None:
        self._kafka = kafka
        self._ends: dict[int, int] = {}  # of the log, as far as we know
        self._settings = settings
        self._metrics = metrics
        self._accept_gap = accept_gap
        self._topic = topic_name(settings, PROFILE_EVENTS)
        self._log = open_log(settings, owner=True)
        self._memory = Memory(memory)
        self._facts = FactsOf(plan)
        self._unnaming = partial(unnaming, plan)
        self._gatherer = Gatherer(
            self._log.state,
            self._memory,
            lru_cache(maxsize=200_000)(partial(suppression, plan.pii_key)),
            self._unnaming,
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
            Misconfigured: the log or the archive cannot be used as they are, or records are missing.
            Unavailable: Kafka does not answer.
            Overtaken: another archiver has taken over.
        """
        until: Mapping[int, int] | None = None
        while True:
            await self._begin()
            if once and until is None:
                until = dict(self._ends)
            starts = {TopicPartition(self._topic, partition): self.state.read[partition] for partition in self._ends}
            try:
                async with self._kafka.open(starts) as cursor:
                    return await self._follow(cursor, until, tell)
            except OutOfRange:  # retention was quicker
                await self._flush(tell)

    async def _begin(self) -> None:
        """Find the place in the log, and become the one archiver."""
        held = await self._kafka.extents(self._topic)
        self._ends = {extent.partition: extent.end for extent in held}
        gaps = self._gaps(held)
        read = {part.partition: (part.start, part.start) for part in held if part.partition not in self.state.read}
        read |= {gap.partition: (gap.start, gap.end) for gap in gaps}
        try:
            await asyncio.to_thread(self._log.start, self._topic, len(held), read=read, gaps=gaps)
            await asyncio.to_thread(self._prime)
        except OSError as error:
            raise Misconfigured(f"the archive in {self._log.folder.root} cannot be written: {error}") from error
        self._show()
        log.info("archiving %s from %s to %s", self._topic, self.state.read, self._log.folder.root)

    def _gaps(self, held: Sequence[Extent]) -> list[Gap]:
        """Where Kafka has deleted what was not archived yet."""
        read = self.state.read
        if ahead := [part.partition for part in held if read.get(part.partition, 0) > part.end]:
            raise Misconfigured(
                f"the archive in {self._log.folder.root} has read further than {self._topic} goes (partitions "
                f"{', '.join(map(str, ahead))}): it belongs to another Kafka, or the topic was made anew. Set "
                "RAPPORT_ARCHIVE to another folder"
            )
        gaps = [
            Gap(part.partition, read[part.partition], part.start, WALL.now())
            for part in held
            if part.start > read.get(part.partition, part.start)
        ]
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
        self, cursor: Cursor, ends: Mapping[int, int] | None, tell: Callable[[Progress, bool], None]
    ) -> None:
        while not (self.stop.is_set() or (ends is not None and self._reached(ends))):
            for batch in await cursor.fetch():
                self._take(batch)
            self._measure(ends)
            tell(self.progress, False)
            if self._due():
                await self._flush(tell, retrying=ends is None)
        await self._flush(tell, retrying=False)

    def _take(self, batch: Batch) -> None:
        records = ((record.offset, _decode(record.value), len(record.value)) for record in batch.records)
        self._gatherer.take(batch.partition, records, batch.position)
        self._ends[batch.partition] = batch.end
        self.progress.read += len(batch.records)

    def _position(self, partition: int) -> int:
        gathered = self._gatherer.gathered.read.get(partition)
        return gathered[1] if gathered else self.state.read[partition]

    def _reached(self, ends: Mapping[int, int]) -> bool:
        return all(self._position(partition) >= end for partition, end in ends.items())

    def _measure(self, ends: Mapping[int, int] | None) -> None:
        known = self._ends if ends is None else ends
        self.progress.lag = sum(max(0, end - self._position(partition)) for partition, end in known.items())
        self._metrics.lag.set(sum(max(0, end - self.state.read[partition]) for partition, end in known.items()))

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
        write = partial(write_flush, self._log, gathered, WALL.now(), self._facts, self._unnaming)
        await self._retrying(write, retrying)
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
