"""What a rebuild takes from `profile.changes`."""

from __future__ import annotations

import asyncio

import msgspec

from plan import load_plan
from profiles.identity.secrets import suppression
from profiles.types import ERASED, Profile
from profiles.units import LinkChanges
from streams.clock import SteppedClock
from streams.kafka.memory import MemoryLog
from streams.kafka.outbox import ERASURE, MARKER, Marker
from streams.kafka.output import Row
from streams.rebuild.documents import documents, survey
from streams.rebuild.prepare import tombstones_of
from streams.steps.update import TOMBSTONE_KEPT
from tests import REPOSITORY

NOW = 1_800_000_000.0
HOME = "a" * 22
PLAN = load_plan(REPOSITORY / "tracking_plan.yaml", {})


def tombstones(told: float, links: LinkChanges | None, home: str = HOME, *, erased: bool = False) -> list[Profile]:
    """What is restored of a home whose document Kafka was told to delete at a time, perhaps because it was erased."""

    async def story() -> list[Profile]:
        log = MemoryLog({"profile.changes": 1}, SteppedClock(told))
        headers = [("applied", b"5"), ("version", b"2")]
        marker = msgspec.msgpack.encode(Marker(2, 5))
        gone = [*headers, *([(ERASURE, b"1")] if erased else [])]
        rows = ((home.encode(), None, gone), (MARKER, marker, headers))
        await log.produce(Row("profile.changes", 0, *row) for row in rows)
        (extent,) = await log.extents("profile.changes")
        found = await survey(log, extent)
        batches = documents(log, extent, found, tombstones_of(links, PLAN, NOW))
        return [profile async for batch in batches for profile, _ in batch]

    return asyncio.run(story())


def erased_at(time: float, home: str = HOME) -> LinkChanges:
    return LinkChanges(1, 1, suppressed={suppression(PLAN.pii_key, home): time})


def test_who_was_erased_is_a_tombstone_though_the_linker_has_not_told_yet() -> None:
    """It decides the erasure again; but the home has heard of that, and would take it for a repeat."""
    kept = [Profile(HOME, redirect=ERASED, scheduled_at=NOW - 10 + TOMBSTONE_KEPT)]
    assert tombstones(NOW - 10, None) == kept
    assert tombstones(NOW - 10, LinkChanges(1, 1)) == kept


def test_who_was_erased_long_ago_leaves_nothing() -> None:
    """By when they were erased, if the linker has told: the tombstone's own end is told later."""
    assert tombstones(NOW - 10, erased_at(NOW - TOMBSTONE_KEPT - 20)) == []
    assert tombstones(NOW - TOMBSTONE_KEPT - 20, None) == []
    assert len(tombstones(NOW - 10, erased_at(NOW - 20))) == 1


def test_a_company_that_nobody_is_in_leaves_nothing_and_one_that_was_erased_a_tombstone() -> None:
    """Of both Kafka has a deletion; which it is, its header tells, or the linker."""
    acme = f"~{HOME}"
    assert tombstones(NOW - 10, None, acme) == []
    assert tombstones(NOW - 10, LinkChanges(1, 1), acme) == []
    kept = [Profile(acme, redirect=ERASED, scheduled_at=NOW - 10 + TOMBSTONE_KEPT)]
    assert tombstones(NOW - 10, None, acme, erased=True) == kept
    assert tombstones(NOW - 5, erased_at(NOW - 10, acme), acme) == kept
