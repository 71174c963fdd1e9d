"""The live feed of a console that runs before the first worker: quiet, and there as soon as the topics are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from plan import load_plan
from streams.kafka.admin import ensure_topics
from streams.kafka.client import async_producer
from streams.kafka.topics import ALERTS, CASES, topic_name
from streams.live import LiveFeed
from streams.settings import Settings
from tests.integration.rapport import PLAN

ALERT = b'{"id":"p1:leaving:1","alert":{"id":"p1:leaving"}}'
CASE = b'{"id":"cs_p1_1:opened:1","case":{"id":"cs_p1_1"}}'


def test_a_feed_waits_for_its_topics_without_a_flood(
    make_settings: Callable[..., Settings], caplog: pytest.LogCaptureFixture
) -> None:
    settings = make_settings()
    said: list[logging.LogRecord] = []

    async def run() -> set[tuple[str, str]]:
        feed = LiveFeed(settings)
        feed.start()
        events = feed.subscribe()
        heard: set[tuple[str, str]] = set()

        async def listen() -> None:
            while len(heard) < 2:
                event = await anext(events)
                heard.add((event.kind, event.id))

        listening = asyncio.ensure_future(listen())
        await asyncio.sleep(3)
        said.extend(record for record in caplog.records if record.name.startswith(("aiokafka", "streams")))
        await asyncio.to_thread(ensure_topics, settings, load_plan(PLAN, {}))
        async with async_producer(settings) as producer, asyncio.timeout(60):
            while not listening.done():  # it reads from now on, whenever that is
                await producer.send_and_wait(topic_name(settings, ALERTS), ALERT)
                await producer.send_and_wait(topic_name(settings, CASES), CASE)
                await asyncio.wait([listening], timeout=0.5)
        await events.aclose()
        await feed.stop()
        return heard

    with caplog.at_level(logging.INFO):
        assert asyncio.run(asyncio.wait_for(run(), 60)) == {("alert", "p1:leaving:1"), ("case", "cs_p1_1:opened:1")}
    assert ["the live feed waits" in record.getMessage() for record in said] == [True]
