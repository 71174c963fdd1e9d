"""A store that knows less than the log is fed again; a log without its beginning is read from what is left."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.types import TP
from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from profiles.store import Reader
from profiles.stores.redis import connect
from streams.kafka.topics import topic_name
from streams.kafka.transport.consumer import Batch, BatchSchema, Positions, use_batches
from streams.kafka.transport.rounds import Rounds
from streams.settings import Settings
from tests.integration.rapport import PLAN, Rapport, order, recently, running, totals

USERS = [f"user-{n}" for n in range(8)]


def orders(first: int, last: int) -> list[dict[str, object]]:
    return [order(USERS[n % 8], n, recently(n, 160)) for n in range(first, last)]


def until_applied(rapport: Rapport, count: int) -> None:
    async def there(reader: Reader) -> bool:
        found = [await reader.profile(await reader.resolve(("user_id", user))) for user in USERS]
        return sum(profile.purchases.orders for profile in found if profile) >= count

    rapport.until(there, f"{count} orders")


def forget_everything(settings: Settings) -> None:
    async def flush() -> None:
        client = connect(settings.redis.get_secret_value())
        await client.flushdb()
        await client.aclose()

    asyncio.run(flush())


def test_a_store_that_comes_back_older_is_fed_again(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Redis loses everything under a running worker: the next events make it read the log again, each event once."""
    with running(make_settings(plan=PLAN), tmp_path) as rapport:
        rapport.send("purchase", orders(0, 80))
        until_applied(rapport, 80)
        forget_everything(rapport.settings)
        rapport.send("purchase", orders(80, 160))
        until_applied(rapport, 160)

        assert totals(rapport, USERS) == dict.fromkeys(USERS, (20, 20_000))


async def not_ours(assigned: Iterable[TP]) -> dict[TP, int]:
    return {}


def app_of(settings: Settings, *rounds: Rounds, positions: Positions = not_ours) -> faust.App:
    """A Faust application that reads by batches; unless told, it knows nothing of where its partitions continue."""
    app = faust.App(
        settings.group, broker=f"kafka://{settings.kafka}", web_enabled=False, store="memory://",
        topic_allow_declare=False, topic_disable_leader=True, consumer_auto_offset_reset="earliest",
        stream_wait_empty=False,
    )  # fmt: skip
    use_batches(app, positions, rounds)
    return app


def test_what_was_dropped_before_anything_was_committed_is_read_again(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """A rebalance drops what was fetched; partitions of which nothing was ever committed start anew as well."""
    settings = make_settings(plan=PLAN, partitions=1)
    rapport = Rapport(settings, tmp_path)
    rapport.send("purchase", orders(0, 80))
    rapport.stop()
    topic = topic_name(settings, "events.purchase")

    async def story() -> list[int]:
        app = app_of(settings)
        batches: asyncio.Queue[Batch] = asyncio.Queue()

        async def read(stream: Any) -> None:
            async for event in stream.noack().events():
                batches.put_nowait(event.value)

        app.agent(app.topic(topic, schema=BatchSchema()))(read)
        await app.start()
        try:
            first = await asyncio.wait_for(batches.get(), 60)
            await app.consumer.perform_seek()
            again = await asyncio.wait_for(batches.get(), 60)
        finally:
            await app.stop()
        return [int(batch.records[0].offset) for batch in (first, again)]

    assert asyncio.run(story()) == [0, 0]


def test_a_batch_that_is_void_is_not_under_way_for_ever(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Whoever took it finds that it is not current, and leaves it: what comes again in its place counts as done."""
    settings = make_settings(plan=PLAN, partitions=1)
    rapport = Rapport(settings, tmp_path)
    rapport.send("purchase", orders(0, 80))
    rapport.stop()
    tp = TP(topic_name(settings, "events.purchase"), 0)
    batches: asyncio.Queue[Batch] = asyncio.Queue()

    async def take(taken: list[Batch]) -> None:
        for batch in taken:
            batches.put_nowait(batch)

    async def story() -> None:
        rounds = Rounds([tp.topic], take, lambda: 1000, settings)
        app = app_of(settings, rounds)
        await app.start()
        handing_over = asyncio.create_task(rounds.run(lambda: False))
        try:
            first = await asyncio.wait_for(batches.get(), 60)
            await app.consumer.rewind(tp, first.first)
            assert not app.consumer.is_current(first)
            again = await asyncio.wait_for(batches.get(), 60)
            again.finish()
            assert again.first == first.first
            assert app.consumer.reached(tp) == again.next
        finally:
            handing_over.cancel()
            await app.stop()

    asyncio.run(story())


@pytest.mark.parametrize("count", [1, 2])
def test_seeks_leave_nothing_out(count: int, make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """After a rebalance Faust may seek from two places: what one of them lets be read is not behind the other. And it
    gives a seek up when the store is away for long."""
    settings = make_settings(plan=PLAN, partitions=1)
    rapport = Rapport(settings, tmp_path)
    rapport.send("purchase", orders(0, 80))
    rapport.stop()
    batches: asyncio.Queue[Batch] = asyncio.Queue()

    async def take(taken: list[Batch]) -> None:
        for batch in taken:
            batches.put_nowait(batch)

    async def story() -> None:
        slow, asked, answers = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def slowly(assigned: Iterable[TP]) -> dict[TP, int]:
            if slow.is_set() and not asked.is_set():
                asked.set()
                await answers.wait()
            return {}

        rounds = Rounds([topic_name(settings, "events.purchase")], take, lambda: 1000, settings)
        app = app_of(settings, rounds, positions=slowly)
        await app.start()
        handing_over = asyncio.create_task(rounds.run(lambda: False))
        try:
            await asyncio.wait_for(batches.get(), 60)
            slow.set()
            seeks = [asyncio.create_task(app.consumer.perform_seek()) for _ in range(count)]
            await asked.wait()
            with contextlib.suppress(TimeoutError):  # nothing comes, unless the one overtakes the other
                await asyncio.wait_for(batches.get(), 2)
            if count == 1:
                seeks[0].cancel()
            answers.set()
            await asyncio.wait(seeks)
            async with asyncio.timeout(60):
                while not app.consumer.is_current(batch := await batches.get()):
                    pass
            assert (batch.first, batch.next) == (0, 80)
        finally:
            handing_over.cancel()
            await app.stop()

    asyncio.run(story())


def test_a_log_without_its_beginning_is_read_from_what_is_left(
    make_settings: Callable[..., Settings], apache_kafka: str, tmp_path: Path
) -> None:
    """Retention has taken the oldest records that an empty store needs: the worker says so and applies the rest."""
    settings = make_settings(plan=PLAN, partitions=1)
    with running(settings, tmp_path) as rapport:
        rapport.send("purchase", orders(0, 80))
        until_applied(rapport, 80)
        rapport.stop_workers()
        forget_everything(settings)
        admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
        admin.delete_records({TopicPartition(topic_name(settings, "profile.events"), 0): 40})
        admin.close()
        rapport.start()
        until_applied(rapport, 40)

        assert sum(count for count, _ in totals(rapport, USERS).values()) == 40
        assert "the broker no longer has offsets 0 to 39" in rapport.logs()
