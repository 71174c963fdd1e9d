"""What the tests of a rebuild share: all that Redis holds, losing it, and workers that have nothing left to do."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import CoordinatorNotAvailableError

from profiles.clock import ClockState
from profiles.stores.clock import RedisClockStore
from profiles.stores.keys import CENSUS, CLOCK, IDENTITY
from profiles.stores.positions import read_positions
from profiles.stores.redis import RedisStore, connect
from streams.kafka.topics import PROFILE_CHANGES, topic_name
from streams.settings import Settings
from tests.integration.rapport import REPOSITORY, Rapport, environment

Answer = TypeVar("Answer")
Content = dict[str, Any]

PASSING = {"outbox", "census"}
"""Ends of keys whose content is only on its way, or counted anew."""


def in_redis(settings: Settings, question: Callable[[Any], Awaitable[Answer]]) -> Answer:
    """Ask this test's Redis."""

    async def ask() -> Answer:
        client = connect(settings.redis.get_secret_value())
        try:
            return await question(client)
        finally:
            await client.aclose()

    return asyncio.run(ask())


def everything(settings: Settings) -> Content:
    """Every key with its whole content, but versions, signs of life, the clock, and what is passing."""

    async def read(client: Any) -> Content:
        held: Content = {}
        async for raw in client.scan_iter(count=1000):
            key = raw.decode()
            if (
                key.rpartition(":")[2] in PASSING
                or ":moves:" in key
                or key.startswith(
                    (
                        "rapport:workers",
                        "rapport:members",
                        "rapport:plan",
                        "{sources}:lag",
                        "{sources}:minute",
                        CENSUS.tag,
                        CLOCK.tag,
                    )
                )
            ):
                continue
            kind = await client.type(raw)
            if kind == b"hash":
                found = await client.hgetall(raw)
                if ":counters:" in key:  # one that is 0 may be missing, and so may the day of those
                    found = {name: number for name, number in found.items() if number != b"0"}
                    if found.keys() == {b"day"}:
                        continue
                held[key] = found
            elif kind == b"zset":
                held[key] = dict(await client.zrange(raw, 0, -1, withscores=True))
            elif kind == b"set":
                held[key] = await client.smembers(raw)
            else:
                held[key] = await client.get(raw)
            if key.endswith(":meta"):
                del held[key][b"version"]
                held[key].pop(b"nonce", None)
                held[key].pop(b"told", None)  # a place in Kafka, from which what is told is compared
                if held[key].get(b"tombstones") == b"0":
                    del held[key][b"tombstones"]
        return held

    return in_redis(settings, read)


def versions(settings: Settings) -> dict[str, int]:
    """The version of each unit."""

    async def read(client: Any) -> dict[str, int]:
        keys = [key async for key in client.scan_iter(match="*:meta", count=1000)]
        return {key.decode(): int(await client.hget(key, "version")) for key in keys}

    return in_redis(settings, read)


def lose_redis(settings: Settings) -> None:
    """All of it."""
    in_redis(settings, lambda client: client.flushdb())


def clock(settings: Settings) -> ClockState:
    """Where the clock stands."""
    return in_redis(settings, lambda client: RedisClockStore(client).state())


def make_live(settings: Settings) -> None:
    """Let the clock be live, so that what comes is looked at at once, however old it is."""

    async def write(client: Any) -> None:
        store, now = RedisClockStore(client), time.time()
        state = await store.state()
        await store.commit(msgspec.structs.replace(state, phase="live", watermark=now, moved=now, live_since=now))

    in_redis(settings, write)


def until_live(rapport: Rapport, timeout: float = 600.0) -> None:
    """Wait until the clock has arrived in the present."""
    deadline = time.monotonic() + timeout
    while (state := clock(rapport.settings)).phase != "live":
        assert time.monotonic() < deadline, f"{state}\n{rapport.logs()}"
        time.sleep(0.2)


def archive(rapport: Rapport) -> None:
    """All that Kafka has now."""
    subprocess.run(
        [sys.executable, "-P", "-m", "console", "archive", "--once", "--json"],
        env={**os.environ, **environment(rapport.settings), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip


def rebuild(settings: Settings, *options: str, code: int = 0) -> dict[str, Any]:
    """`rapport rebuild --yes --json`, as people run it; answers its document."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "console", "rebuild", "--json", *options],
        env={**os.environ, **environment(settings), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr.decode()[-3000:]
    return json.loads(done.stdout) if done.stdout else {"error": " ".join(done.stderr.decode().split())}


def until_quiet(rapport: Rapport, timeout: float = 180.0) -> None:
    """Wait until nothing is on its way any more: all is read, applied and delivered, and no split is being completed.

    However long any of it takes: what is committed and not delivered yet, or is computed from history, no topic shows.
    """
    deadline = time.monotonic() + timeout
    times, seen = 0, None
    while times < 2:
        assert time.monotonic() < deadline, f"not quiet yet\n{rapport.logs()}"
        ends = at_rest(rapport)
        times = times + 1 if ends is not None and ends == seen else 0
        seen = ends
        time.sleep(0.5)


def at_rest(rapport: Rapport) -> dict[TopicPartition, int] | None:
    """Where the topics end that work goes through, if nothing is on its way; else None."""
    settings = rapport.settings
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka)
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka, group_id=settings.worker_group, enable_auto_commit=False)
    try:
        sources = [topic_name(settings, source.topic) for source in rapport.plan.sources.values()]
        events, links, records, changes = (
            topic_name(settings, base)
            for base in ("profile.events", "identity.links", "training.examples", "profile.changes")
        )
        ends = _ends(consumer, [*sources, events, links, records])
        # Places first: what came of what is applied is in an outbox then, or behind these ends.
        read = in_redis(settings, lambda client: read_positions(client, settings.partitions))
        splits, outboxes = in_redis(settings, lambda client: _under_way(client, settings.partitions))
        applied = {TopicPartition(events, number): at + 1 for number, at in read.profiles.items()}
        applied |= {TopicPartition(links, 0): read.identity + 1, TopicPartition(records, 0): read.learner + 1}
        committed = admin.list_group_offsets(settings.worker_group)[settings.worker_group]
        applied |= {tp: at.offset for tp, at in committed.items() if tp.topic in sources}
        if splits or any(applied.get(tp, 0) < end for tp, end in ends.items()):
            return None
        delivered = _delivered(consumer, changes)
        return ends if all(delivered[number] >= version for number, version in outboxes.items()) else None
    except CoordinatorNotAvailableError:  # of a Kafka that has only just started
        return None
    finally:
        consumer.close()
        admin.close()


async def _under_way(client: Any, partitions: int) -> tuple[bool, dict[int, int]]:
    """Whether the linker has anything under way; by partition, the latest commit in the outbox, delivered or not."""
    store = RedisStore(client)
    outboxes = {number: await store.outbox(number) for number in range(partitions)}
    of_profiles = {
        number: [version for version, outputs in held if any(one.topic == PROFILE_CHANGES for one in outputs)]
        for number, held in outboxes.items()
    }
    linking = await client.exists(f"{IDENTITY.tag}:splitting", IDENTITY.outbox)
    return bool(linking), {number: max(found) for number, found in of_profiles.items() if found}


def _delivered(consumer: KafkaConsumer, changes: str) -> Counter[int]:
    """By partition, the commit of the last document in `profile.changes`, which is delivered after all else of it."""
    ends = {place: end for place, end in _ends(consumer, [changes]).items() if end}
    consumer.assign(list(ends))
    for place, end in ends.items():
        consumer.seek(place, end - 1)
    versions: Counter[int] = Counter()
    while len(versions) < len(ends):
        for place, found in consumer.poll(1000).items():
            versions[place.partition] = int(dict(found[-1].headers)["version"])
    return versions


def _ends(consumer: KafkaConsumer, topics: list[str]) -> dict[TopicPartition, int]:
    places = [TopicPartition(name, number) for name in topics for number in consumer.partitions_for_topic(name) or ()]
    ends: dict[TopicPartition, int] = consumer.end_offsets(places)
    return ends
