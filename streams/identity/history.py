"""The history of a few customers: all events that came to their homes, from the archive and from Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from analysis.archive.reader import events_of, progress
from profiles.errors import RapportError
from profiles.types import Event, Record, partition_of
from streams.kafka.client import async_consumer
from streams.kafka.topics import PROFILE_EVENTS, topic_name
from streams.settings import Settings

__all__ = ["HISTORY_INCOMPLETE", "Cutovers", "Incomplete", "events_before", "events_until_now", "what_is_missing"]

Cutovers = Mapping[str, tuple[int, int]]
"""Home → its partition, and the offset before which its events are wanted."""

HISTORY_INCOMPLETE = "history incomplete: "
"""The beginning of the reason for which a split is refused if its profiles could not be computed."""

_CHECK = 15.0  # seconds that the linker, and all links behind it, wait at most to know whether a history can be read

_decode = msgspec.msgpack.Decoder(Record).decode


class Incomplete(RapportError):
    """Kafka no longer has the beginning, and the archive does not have it either."""


async def what_is_missing(settings: Settings, homes: Iterable[str]) -> str:
    """The reason why the history of these homes cannot be read any more; "" if it can."""
    partitions = sorted({partition_of(home, settings.partitions) for home in homes})
    try:
        async with asyncio.timeout(_CHECK):
            consumer = await _connect(settings)
            try:
                await _starts(consumer, settings, partitions)
            finally:
                await consumer.stop()
    except TimeoutError:
        return f"{HISTORY_INCOMPLETE}Kafka or the archive has not answered within {_CHECK:.0f} seconds"
    except (RapportError, KafkaError, OSError) as error:
        return f"{HISTORY_INCOMPLETE}{error}"
    return ""


async def events_until_now(settings: Settings, homes: Iterable[str]) -> list[Event]:
    """Every event that has come to these homes, once.

    Raises:
        Incomplete: not all of them can be read any more.
    """
    topic = topic_name(settings, PROFILE_EVENTS)
    consumer = await _connect(settings)
    try:
        placed = {home: TopicPartition(topic, partition_of(home, settings.partitions)) for home in homes}
        ends = await consumer.end_offsets(list(set(placed.values())))
    finally:
        await consumer.stop()
    return await events_before(settings, {home: (tp.partition, ends[tp]) for home, tp in placed.items()})


async def events_before(settings: Settings, cutovers: Cutovers) -> list[Event]:
    """Every event that came to these homes before their cutovers, once.

    Raises:
        Incomplete: not all of them can be read any more.
    """
    consumer = await _connect(settings)
    try:
        starts = await _starts(consumer, settings, sorted({partition for partition, _ in cutovers.values()}))
        found = await asyncio.to_thread(_archived, settings, cutovers) if settings.archive else []
        found += await _logged(consumer, starts, cutovers)
    except OffsetOutOfRangeError as error:
        raise Incomplete("Kafka has deleted some of the events while they were read; try again") from error
    finally:
        await consumer.stop()
    return list({(event.profile, event.source, event.id): event for event in reversed(found)}.values())


def _archived(settings: Settings, cutovers: Cutovers) -> list[Event]:
    return [
        event
        for home, (partition, offset) in cutovers.items()
        for event in events_of(settings.archive, [home], until={partition: offset})
    ]


async def _logged(consumer: AIOKafkaConsumer, starts: Mapping[TopicPartition, int], cutovers: Cutovers) -> list[Event]:
    ends: dict[TopicPartition, int] = {}
    for tp in starts:
        ends[tp] = max(offset for partition, offset in cutovers.values() if partition == tp.partition)
    waiting = {tp for tp in starts if starts[tp] < ends[tp]}
    consumer.assign(list(waiting))
    for tp in waiting:
        consumer.seek(tp, starts[tp])
    found: list[Event] = []
    while waiting:
        for tp, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
            for at in records:
                record = _decode(at.value)
                if type(record) is Event and not record.home and at.offset < cutovers.get(record.profile, (0, -1))[1]:
                    found.append(record)
            if records[-1].offset + 1 >= ends[tp]:
                waiting.discard(tp)
    return found


async def _starts(
    consumer: AIOKafkaConsumer, settings: Settings, partitions: Iterable[int]
) -> dict[TopicPartition, int]:
    """The offsets at which reading the log begins: behind what is archived."""
    topic = topic_name(settings, PROFILE_EVENTS)
    tps = [TopicPartition(topic, partition) for partition in partitions]
    begins = await consumer.beginning_offsets(tps)
    archived = await asyncio.to_thread(progress, settings.archive) if settings.archive else {}
    starts = {tp: max(begins[tp], archived.get(tp.partition, 0)) for tp in tps}
    gaps = [tp.partition for tp in tps if begins[tp] > archived.get(tp.partition, 0)]
    if gaps:
        raise Incomplete(
            f"the events that Kafka has already deleted from partition {gaps[0]} of {topic} are not in an archive. "
            "Run `rapport archive` from the beginning, and set RAPPORT_ARCHIVE for the workers and the console, too"
        )
    return starts


async def _connect(settings: Settings) -> AIOKafkaConsumer:
    consumer = async_consumer(settings)
    try:
        await consumer.start()
    except BaseException:
        await consumer.stop()
        raise
    return consumer
