"""Reading topics from the outside, for the command line: everything of a period that is there now, then done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from profiles.errors import Misconfigured
from streams.kafka.client import blocking_consumer
from streams.settings import Settings

__all__ = ["Progress", "committed", "ends_of", "read_one", "read_topic", "reading"]

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Told now and then how many records have been read, and of how many."""

_QUIET = 3  # empty polls after which a broker that promised more is not waited for
_POLL_MS = 1000


@contextmanager
def reading(settings: Settings, group: str | None = None) -> Iterator[KafkaConsumer]:
    """A consumer. It takes no part in a group; one that is named is only asked for its offsets.

    Raises:
        Misconfigured: Kafka does not answer.
    """
    consumer = None
    try:
        consumer = blocking_consumer(settings, group=group, max_poll_records=5000, fetch_max_bytes=32 * 1024 * 1024)
        yield consumer
    except (KafkaError, OSError) as error:
        raise Misconfigured(
            f"Kafka does not answer at {settings.kafka} ({type(error).__name__}); start it, or set RAPPORT_KAFKA"
        ) from error
    finally:
        if consumer is not None:
            consumer.close()


def read_topic(
    consumer: KafkaConsumer,
    topic: str,
    *,
    since: float | None = None,
    starts: Mapping[int, int] | None = None,
    progress: Progress | None = None,
) -> Iterator[Any]:
    """Every record that a topic holds now, partition by partition in order; those written meanwhile are left out.

    Args:
        consumer: of `reading`.
        topic: its real name.
        since: leave out what Kafka got before this time, seconds.
        starts: the first offset to read, by partition; the beginning for those not named.
        progress: told how far it is.

    Raises:
        Misconfigured: there is no such topic.
    """
    partitions = _partitions(consumer, topic)
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    places = consumer.beginning_offsets(partitions)
    if since is not None:
        places = _later(places, _at(consumer, partitions, since), ends)
    if starts is not None:
        places = {tp: max(places[tp], starts.get(tp.partition, 0)) for tp in partitions}
    for tp in partitions:
        consumer.seek(tp, places[tp])
    total = sum(max(ends[tp] - places[tp], 0) for tp in partitions)
    waiting = {tp for tp in partitions if places[tp] < ends[tp]}
    consumer.resume(*waiting)
    consumer.pause(*[tp for tp in partitions if tp not in waiting])
    read = quiet = 0
    while waiting and quiet < _QUIET:
        fetched = consumer.poll(timeout_ms=_POLL_MS)
        quiet = 0 if fetched else quiet + 1
        for tp, records in fetched.items():
            for record in records:
                if record.offset < ends[tp] and (since is None or record.timestamp >= since * 1000):
                    yield record
            read += len(records)
        for tp in [tp for tp in waiting if consumer.position(tp) >= ends[tp]]:
            waiting.discard(tp)
            consumer.pause(tp)
        if progress is not None:
            progress(min(read, total), total)


def read_one(consumer: KafkaConsumer, topic: str, partition: int, offset: int) -> Any | None:
    """The record at a place; None if it is not, or no longer, there."""
    tp = TopicPartition(topic, partition)
    if tp not in _partitions(consumer, topic):
        return None
    consumer.assign([tp])
    if not consumer.beginning_offsets([tp])[tp] <= offset < consumer.end_offsets([tp])[tp]:
        return None
    consumer.resume(tp)
    consumer.seek(tp, offset)
    for _ in range(_QUIET):
        for records in consumer.poll(timeout_ms=_POLL_MS, max_records=1).values():
            return records[0] if records[0].offset == offset else None
    return None


def ends_of(consumer: KafkaConsumer, topic: str) -> dict[int, int]:
    """The end of each partition of a topic."""
    return {tp.partition: end for tp, end in consumer.end_offsets(_partitions(consumer, topic)).items()}


def committed(settings: Settings, topic: str) -> dict[int, int]:
    """How far the workers are in a topic: the offset that each partition continues at, where they have begun.

    Raises:
        Misconfigured: Kafka does not answer.
    """
    with reading(settings, settings.worker_group) as consumer:
        found = {tp.partition: consumer.committed(tp) for tp in _partitions(consumer, topic)}
    return {partition: offset for partition, offset in found.items() if offset is not None}


def _partitions(consumer: KafkaConsumer, topic: str) -> list[TopicPartition]:
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise Misconfigured(f"Kafka has no topic {topic}; `rapport doctor` checks the topics")
    return [TopicPartition(topic, number) for number in sorted(numbers)]


def _at(consumer: KafkaConsumer, partitions: list[TopicPartition], time: float) -> dict[TopicPartition, Any]:
    found: dict[TopicPartition, Any] = consumer.offsets_for_times({tp: int(time * 1000) for tp in partitions})
    return found


def _later(
    starts: Mapping[TopicPartition, int], found: Mapping[TopicPartition, Any], ends: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    return {tp: max(start, found[tp].offset) if found.get(tp) is not None else ends[tp] for tp, start in starts.items()}
