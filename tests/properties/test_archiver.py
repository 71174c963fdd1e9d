"""The archiver on a log in memory: killed at any touch of its files and started again, it holds each event once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Sequence
from typing import Any, ClassVar

import fsspec
import msgspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from analysis.archive.folder import Folder
from analysis.archive.reader import events_of, files, progress
from plan import parse_plan
from profiles.types import Erase, Event, Record, partition_of
from streams.archive.archiver import Archiver
from streams.archive.metrics import ArchiveMetrics
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.settings import Settings
from tests.plans import BASE

pytestmark = pytest.mark.slow

PLAN = parse_plan(BASE, "plan.yaml", {})
PARTITIONS = 2
HOMES = ["a", "b", "c", "d"]
TOPIC = "profile.events"
NUMBERS = itertools.count()


class Killed(Exception):
    """The process is gone."""


class MortalFiles(MemoryFileSystem):
    """Files in memory, and a process that dies before or after it has changed so many of them."""

    protocol = "mortal"
    left: ClassVar[float] = float("inf")

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return super()._strip_protocol(str(path).replace("mortal://", "memory://"))

    def _touch(self) -> None:
        MortalFiles.left -= 0.5
        if MortalFiles.left <= 0:
            raise Killed

    def open(self, path: str, mode: str = "rb", **more: Any) -> Any:
        if mode == "rb":
            return super().open(path, mode, **more)
        self._touch()
        opened = super().open(path, mode, **more)
        self._touch()
        return opened

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **more: Any) -> None:
        self._touch()
        super().pipe_file(path, value, mode=mode, **more)
        self._touch()

    def rm_file(self, path: str) -> None:
        self._touch()
        super().rm_file(path)
        self._touch()


fsspec.register_implementation("mortal", MortalFiles, clobber=True)


class Shelf:
    """A log, an archive, and archivers that come and go."""

    def __init__(self) -> None:
        self.log = MemoryLog({TOPIC: PARTITIONS}, at_once=2, patience=0.2)
        self.settings = Settings(archive=f"mortal://archive-{next(NUMBERS)}", archive_every=1e-9, partitions=PARTITIONS)
        self.offsets = itertools.count()

    async def bring(self, records: Sequence[Record], marks: int) -> None:
        """What workers put on the log; between the records so many offsets without any."""
        for record in records:
            number = partition_of(record.profile, PARTITIONS)
            value = msgspec.msgpack.encode(record)
            await self.log.produce([Row(TOPIC, number, record.profile.encode(), value)])
            if marks:
                self.log.mark(TOPIC, number)

    async def archive(self, touches: float = float("inf")) -> None:
        """One archiver, up to the end of now, or until it is killed."""
        MortalFiles.left = touches
        try:
            archiver = Archiver(self.log, self.settings, PLAN, ArchiveMetrics(CollectorRegistry()))
            await asyncio.wait_for(archiver.run(once=True), 60)
        finally:
            MortalFiles.left = float("inf")


def event(number: int, home: str) -> Event:
    return Event(home, f"m{number}", "web", "page", "Home", "visit", 1e9 + number * 40_000, 1e9, [("user_id", home)],
                 origin=("events.web", 0, number))  # fmt: skip


Stretches = st.lists(
    st.tuples(
        st.lists(st.sampled_from(HOMES), max_size=6),  # new events, by home
        st.integers(0, 8),  # of the latest, so many that ingest repeats
        st.floats(0, 12),  # touches of files after which the archiver is killed
    ),
    min_size=1,
    max_size=5,
)


@given(Stretches, st.booleans(), st.sampled_from([None, *HOMES]))
@settings(max_examples=25, deadline=None)
def test_killed_anywhere_it_holds_each_event_once(stretches: Any, marks: bool, erased: str | None) -> None:
    """Files that no manifest names are gone in the end; all was read; an erased home has left every file."""

    async def run() -> None:
        shelf = Shelf()
        brought: list[Event] = []
        for homes, repeats, touches in stretches:
            new = [event(len(brought) + n, home) for n, home in enumerate(homes)]
            await shelf.bring([*brought[len(brought) - min(repeats, len(brought)) :], *new], marks)
            brought += new
            with contextlib.suppress(Killed):
                await shelf.archive(touches)
        if erased is not None:
            await shelf.bring([Erase(erased, 2e9)], marks)
            with contextlib.suppress(Killed):
                await shelf.archive(stretches[0][2])
        await shelf.archive()
        url = shelf.settings.archive
        expected = sorted(each.id for each in brought if each.profile != erased)
        assert sorted(each.id for each in events_of(url, None)) == expected
        assert sum(file.rows for file in files(url) if file.table == "events") == len(expected)
        folder = Folder(url)
        assert sorted(folder.names("events") + folder.names("links")) == sorted(file.path for file in files(url))
        assert progress(url) == {extent.partition: extent.end for extent in await shelf.log.extents(TOPIC)}

    asyncio.run(run())


def test_records_that_retention_took_from_a_running_archiver_are_a_gap_that_must_be_accepted() -> None:
    async def run() -> None:
        shelf = Shelf()
        await shelf.bring([event(n, "a") for n in range(9)], 0)
        number = partition_of("a", PARTITIONS)
        archiver = Archiver(shelf.log, shelf.settings, PLAN, ArchiveMetrics(CollectorRegistry()), accept_gap=True)

        def delete(done: Any, flushed: bool) -> None:
            if flushed and done.flushes == 2:
                shelf.log.delete_before(TOPIC, number, 6)

        await asyncio.wait_for(archiver.run(once=True, tell=delete), 60)
        [gap] = archiver.state.gaps
        assert (gap.partition, gap.start, gap.end) == (number, 4, 6)
        assert sorted(each.id for each in events_of(shelf.settings.archive, None)) == [
            f"m{n}" for n in (0, 1, 2, 3, 6, 7, 8)
        ]

    asyncio.run(run())
