"""How an archive stands: what it holds, and how far it is behind the log."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from analysis.archive.folder import Folder
from analysis.archive.manifests import State, load
from profiles.times import rfc3339
from streams.background import aside
from streams.kafka.client import Unavailable
from streams.kafka.log import KafkaLog
from streams.kafka.reader import Extent, NoTopic
from streams.kafka.topics import PROFILE_EVENTS, topic_name
from streams.settings import Settings

__all__ = ["status", "status_aside"]


async def status(settings: Settings) -> dict[str, Any]:
    """The document of `rapport archive status`. What only Kafka knows is null while it does not answer.

    Raises:
        Misconfigured: no archive is named.
    """
    folder = Folder(settings.archive)
    state = load(folder)
    try:
        held = await KafkaLog(settings).extents(topic_name(settings, PROFILE_EVENTS))
        log: dict[int, Extent] | None = {extent.partition: extent for extent in held}
    except (Unavailable, NoTopic):
        log = None
    partitions = _partitions(state, log)
    lags = [row["lag"] for row in partitions]
    return {
        "archive": settings.archive,
        "topic": state.topic or topic_name(settings, PROFILE_EVENTS),
        "flushes": state.number,
        "last_flush": rfc3339(state.flushed) if state.flushed else None,
        "lag": None if log is None else sum(lags),
        "events": sum(file.rows for file in state.of("events")),
        "without_facts": sum(file.rows for file in state.of("events") if not file.facts),
        "profiles": sum(file.rows for file in state.of("profiles")),
        "links": sum(file.rows for file in state.of("links")),
        "files": len(state.files),
        "bytes": sum(file.bytes for file in state.files.values()),
        "erased": len(state.away),
        "partitions": partitions,
        "days": _days(state),
        "gaps": [
            {"partition": gap.partition, "from": gap.start, "to": gap.end, "at": rfc3339(gap.at)} for gap in state.gaps
        ],
    }


def _partitions(state: State, log: dict[int, Extent] | None) -> list[dict[str, Any]]:
    rows = []
    for partition in sorted(state.read.keys() | (log or {}).keys()):
        extent = (log or {}).get(partition)
        first, end = (None, None) if extent is None else (extent.start, extent.end)
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


async def status_aside(settings: Settings) -> dict[str, Any] | None:
    """The same for who serves others meanwhile: an archive may be far away. None if no archive is named."""
    return await aside(lambda: asyncio.run(status(settings))) if settings.archive else None
