"""The history of homes, from a log and an archive: all of it, each event once, or an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from plan import load_plan
from profiles.stores.memory import MemoryLinkStore
from profiles.types import Event, Profile, Record, partition_of
from streams.archive.archiver import Archiver
from streams.archive.metrics import ArchiveMetrics
from streams.identity.export import Exporter
from streams.identity.history import History, Incomplete
from streams.kafka.client import Unavailable
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.kafka.reader import Batch, Extent
from streams.settings import Settings
from tests import REPOSITORY

TOPIC = "profile.events"
SETTINGS = Settings(partitions=2)
PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})
PARTITION = partition_of("a", 2)


def event(number: int, profile: str = "a", **more: Any) -> Event:
    return Event(
        profile, f"m{number}", "web", "page", "Home", "visit", 1e9 + number, 1e9, [("user_id", profile)], **more
    )


async def put(log: MemoryLog, *records: Record) -> None:
    await log.produce(
        Row(TOPIC, partition_of(each.profile, 2), each.profile.encode(), msgspec.msgpack.encode(each))
        for each in records
    )


def ids(events: Iterable[Event]) -> list[str]:
    return sorted(each.id for each in events)


class Overtaken(MemoryLog):
    """A log whose beginning Kafka deletes as soon as the first records of it have been read."""

    async def read(self, extents: Iterable[Extent], *, accept_gaps: bool = False) -> AsyncIterator[Batch]:
        async for batch in super().read(extents, accept_gaps=accept_gaps):
            yield batch
            self.delete_before(batch.topic, batch.partition, batch.position + 2)


def test_events_of_the_homes_before_their_cutovers_each_once() -> None:
    """What was sent on from elsewhere, others', later ones and repeats are left out."""

    async def run() -> None:
        log = MemoryLog({TOPIC: 2}, at_once=2)
        await put(log, event(1), event(2, "b"), event(1), event(3, home="z"), event(4), event(5))
        history = History(log, SETTINGS)
        assert ids(await history.until_now(["a"])) == ["m1", "m4", "m5"]
        end = (await log.extents(TOPIC))[PARTITION].end
        assert ids(await history.before({"a": (PARTITION, end - 1)})) == ["m1", "m4"]
        assert await history.what_is_missing(["a", "b"]) == ""

    asyncio.run(run())


def test_a_history_with_a_hole_is_an_error(tmp_path: Path) -> None:
    """Kafka has deleted the beginning, and nothing has archived it."""

    async def run() -> None:
        log = MemoryLog({TOPIC: 2})
        await put(log, event(1), event(2))
        log.delete_before(TOPIC, PARTITION, 1)
        history = History(log, SETTINGS)
        assert "rapport archive" in await history.what_is_missing(["a"])
        with pytest.raises(Incomplete, match="rapport archive"):
            await history.until_now(["a"])

    asyncio.run(run())


class Away(MemoryLog):
    """A log that does not answer at first."""

    answers = 0

    async def extents(self, topic: str, since: float | None = None) -> list[Extent]:
        self.answers += 1
        if self.answers < 3:
            raise Unavailable("Kafka does not answer")
        return await super().extents(topic, since)


def test_who_is_patient_is_told_only_what_is_so_at_any_time() -> None:
    """The linker decides by it, and must decide the same when its log is read again."""

    async def run() -> None:
        history = History(Away({TOPIC: 2}), SETTINGS, pause=0.0)
        assert "does not answer" in await history.what_is_missing(["a"])
        assert await history.what_is_missing(["a"], patient=True) == ""

    asyncio.run(run())


def test_a_hole_that_comes_while_the_history_is_read_is_an_error_too() -> None:
    """A split or an export must not be computed from what is left; today's retention may be quicker than they."""

    async def run() -> None:
        log = Overtaken({TOPIC: 2}, at_once=2)
        await put(log, *(event(n) for n in range(8)))
        history = History(log, SETTINGS)
        with pytest.raises(Incomplete, match="rapport archive"):
            await history.before({"a": (PARTITION, 8)})
        await put(log, *(event(n) for n in range(8)))
        events, missing = await Exporter(history, PLAN, MemoryLinkStore()).events(Profile("a"))
        assert (events, str(missing)[:24]) == ([], "events cannot be listed:")

    asyncio.run(run())


def test_what_is_archived_is_not_missed_in_the_log(tmp_path: Path) -> None:
    """The archive has the beginning, the log the rest."""

    async def run() -> None:
        log = MemoryLog({TOPIC: 2})
        settings = SETTINGS.model_copy(update={"archive": str(tmp_path)})
        await put(log, event(1), event(2, "b"), event(3))
        await Archiver(log, settings, PLAN, ArchiveMetrics(CollectorRegistry())).run(once=True)
        log.delete_before(TOPIC, PARTITION, 1)
        await put(log, event(4))
        history = History(log, settings)
        assert ids(await history.until_now(["a"])) == ["m1", "m3", "m4"]
        own = {home: (partition_of(home, 2), 1) for home in ("a", "b")}  # each home has its own cutover
        assert ids(await history.before(own)) == (["m1"] if partition_of("b", 2) == PARTITION else ["m1", "m2"])
        log.delete_before(TOPIC, PARTITION, 99)
        with pytest.raises(Incomplete):
            await history.until_now(["a"])

    asyncio.run(run())
