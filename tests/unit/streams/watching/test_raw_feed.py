"""Watching raw events: what is shown of them, to whom, and that nothing is read while nobody watches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from profiles.times import rfc3339
from streams.kafka.memory import MemoryLog
from streams.kafka.output import Row
from streams.records.rejected import Rejection
from streams.settings import Settings
from streams.watching.raw_feed import RawEvent, RawFeed, Watcher, WhichEvents
from tests.console.support_api import PLAN, memory_log

SETTINGS = Settings()


def raw(event: str = "Product Viewed", user: str = "customer-4711", **properties: Any) -> bytes:
    return orjson.dumps({"type": "track", "event": event, "userId": user, "properties": properties})


def rejected(payload: bytes, source: str = "web", partition: int | None = 0) -> Row:
    told = Rejection(
        rfc3339(1.0),
        "check",
        "unplanned",
        'did you mean "Product Viewed"?',
        source,
        "events.web",
        partition,
        7,
        payload,
    )
    return Row("events.rejected", 0, b"k", told.encode(), [])


def watching(wanted: WhichEvents, rows: Sequence[Row], check: Callable[[RawFeed, Watcher], Awaitable[None]]) -> None:
    async def test() -> None:
        log: MemoryLog = memory_log(PLAN, SETTINGS)
        feed = RawFeed(log, SETTINGS, PLAN)
        assert not feed.reads
        with feed.watch(wanted) as watcher:
            while not watcher.reading:
                await watcher.take(1.0)
            await log.produce(rows)
            await check(feed, watcher)
        assert not feed.reads

    asyncio.run(asyncio.wait_for(test(), 60))


async def came(watcher: Watcher, events: int) -> list[RawEvent]:
    found: list[RawEvent] = []
    while len(found) < events:
        found += await watcher.take(5.0)
    return found


def test_one_sees_what_became_of_each_and_nobody() -> None:
    rows = [
        Row("events.web", None, b"k", raw(product_id="P1"), []),
        rejected(raw("Prodct Viewed", name="Ada Lovelace")),
    ]

    async def check(_: RawFeed, watcher: Watcher) -> None:
        found = {one.verdict: one for one in await came(watcher, 2)}
        good, bad = found["accepted"], found["rejected"]
        assert (good.name, good.source, good.profile is not None) == ("Product Viewed", "web", True)
        assert good.stored is not None
        assert good.stored["role"] == "view"
        assert (bad.reason, bad.message) == ("unplanned", 'did you mean "Product Viewed"?')
        assert "Lovelace" not in str(found)
        assert "4711" not in str(found)
        assert (watcher.shown, watcher.came) == (2, 2)

    watching(WhichEvents(), rows, check)


def test_filters_narrow_what_is_shown() -> None:
    rows = [
        *(Row("events.web", None, b"k", raw(user=f"u{number}", product_id="P1"), []) for number in range(300)),
        Row("events.web", None, b"k", raw(user="wanted", product_id="P1"), []),
        rejected(raw("Nonsense", user="wanted"), source="app"),
    ]

    async def check(_: RawFeed, watcher: Watcher) -> None:
        [one] = await came(watcher, 1)
        assert (one.source, one.name, one.verdict) == ("web", "Product Viewed", "accepted")
        assert await watcher.take(0.3) == []

    watching(WhichEvents(source="web", event="Product Viewed", user="wanted"), rows, check)


def test_who_looks_for_mistakes_sees_no_other_events() -> None:
    rows = [Row("events.web", None, b"k", raw(product_id="P1"), []), rejected(raw("Nonsense"))]

    async def check(_: RawFeed, watcher: Watcher) -> None:
        [one] = await came(watcher, 1)
        assert one.verdict == "rejected"
        assert await watcher.take(0.3) == []
        assert (watcher.shown, watcher.came) == (1, 1)

    watching(WhichEvents(only_bad=True), rows, check)


def test_a_flood_is_a_sample_that_says_so() -> None:
    rows = [Row("events.web", None, b"k", raw(user=f"u{number}", product_id="P1"), []) for number in range(3000)]

    async def check(_: RawFeed, watcher: Watcher) -> None:
        found: list[RawEvent] = []
        while watcher.came < 3000:
            found += await watcher.take(5.0)
        found += await watcher.take(0.3)
        assert 20 <= len(found) <= 200
        assert watcher.shown == len(found)

    watching(WhichEvents(), rows, check)
