"""How an archive stands: what it holds, and how far it is behind the log."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from analysis.folder import Folder
from analysis.manifests import State, load
from streams.settings import Settings
from streams.topics import PROFILE_EVENTS, topic_name
from streams.wire import format_time

__all__ = ["status"]


async def status(settings: Settings) -> dict[str, Any]:
    """The document of `rapport archive status`. What only Kafka knows is null while it does not answer.

    Raises:
        Misconfigured: no archive is named.
    """
    folder = Folder(settings.archive)
    state = load(folder)
    try:
        bounds = await _bounds(settings)
    except KafkaError:
        bounds = None
    partitions = _partitions(state, bounds)
    lags = [row["lag"] for row in partitions]
    return {
        "archive": settings.archive,
        "topic": state.topic or topic_name(settings, PROFILE_EVENTS),
        "flushes": state.number,
        "last_flush": format_time(state.flushed) if state.flushed else None,
        "lag": None if bounds is None else sum(lags),
        "events": sum(file.rows for file in state.of("events")),
        "links": sum(file.rows for file in state.of("links")),
        "files": len(state.files),
        "bytes": sum(file.bytes for file in state.files.values()),
        "erased": len(state.erased),
        "partitions": partitions,
        "days": _days(state),
        "gaps": [
            {"partition": gap.partition, "from": gap.start, "to": gap.end, "at": format_time(gap.at)}
            for gap in state.gaps
        ],
    }


def _partitions(state: State, bounds: dict[int, tuple[int, int]] | None) -> list[dict[str, Any]]:
    rows = []
    for partition in sorted(state.read.keys() | (bounds or {}).keys()):
        first, end = (bounds or {}).get(partition, (None, None))
        read = state.read.get(partition)
        lag = None if end is None else max(0, end - max(read or 0, first or 0))
        missed = 0 if first is None or read is None else max(0, first - read)
        rows.append({"partition": partition, "read": read, "first": first, "end": end, "lag": lag, "missed": missed})
    return rows


def _days(state: State) -> list[dict[str, Any]]:
    days: defaultdict[str, dict[str, int]] = defaultdict(lambda: {"events": 0, "files": 0, "bytes": 0})
    for file in state.of("events"):
        day = days[file.day]
        day["events"] += file.rows
        day["files"] += 1
        day["bytes"] += file.bytes
    return [{"day": day, **held} for day, held in sorted(days.items())]


async def _bounds(settings: Settings) -> dict[int, tuple[int, int]]:
    """Partition → the first offset that Kafka still has, and the end."""
    topic = topic_name(settings, PROFILE_EVENTS)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka, enable_auto_commit=False)
    try:
        await consumer.start()
        await consumer.topics()
        tps = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic) or ()]
        if not tps:
            return {}
        starts, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
        return {tp.partition: (starts[tp], ends[tp]) for tp in tps}
    finally:
        await consumer.stop()
