"""Where and when a raw event first entered the log: a replay puts it there again, and must change neither.

An event without a messageId has its first position as its id, and one without a timestamp happened when Kafka first had
it. A replayed record carries both in its headers.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka.structs import ConsumerRecord

__all__ = ["POSITION", "REJECTED_AT", "TIME", "header_of", "position_of", "recorded_at", "replay_headers"]

POSITION = "rapport-position"
"""Header of a replayed record: its first position, `topic-partition-offset`."""

TIME = "rapport-time"
"""Header of a replayed record: when Kafka first had it, milliseconds since the epoch."""

REJECTED_AT = "rapport-rejected"
"""Header of a replayed record: the position of its rejection in `events.rejected`, `partition:offset`."""

_LONGEST = 300  # characters of a position: a topic has 249 at most


def position_of(record: ConsumerRecord) -> str:
    """Its first position."""
    if record.headers:
        position = header_of(record.headers, POSITION)
        if position and len(position) <= _LONGEST:
            return position
    return f"{record.topic}-{record.partition}-{record.offset}"


def recorded_at(record: ConsumerRecord) -> float:
    """When Kafka first had it, seconds."""
    if record.headers:
        time = header_of(record.headers, TIME)
        if time.isascii() and time.isdigit() and len(time) <= len("9999999999999"):
            return float(min(int(time), record.timestamp)) / 1000.0
    return float(record.timestamp) / 1000.0


def header_of(headers: Iterable[tuple[str, bytes]], name: str) -> str:
    """The value of a header; "" if it is not there or no text."""
    for key, value in headers:
        if key == name:
            try:
                return (value or b"").decode()
            except UnicodeDecodeError:
                return ""
    return ""


def replay_headers(position: str, recorded: float, rejected_at: str) -> list[tuple[str, bytes]]:
    """The headers of a replayed record."""
    return [
        (POSITION, position.encode()),
        (TIME, str(round(recorded * 1000)).encode()),
        (REJECTED_AT, rejected_at.encode()),
    ]
