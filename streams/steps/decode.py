"""Decode: from the bytes of a source topic to a raw event with a name, an id and a time.

Its time may be asked for first (`tell_time`): an event that has to wait for the clock waits as bytes, which take less
than half of what is decoded.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from profiles.errors import Unacceptable
from streams.collector.json_text import loads
from streams.collector.wire import (
    TYPES,
    check_external_ids,
    check_name,
    check_shape,
    fill_empty,
    occurred_at,
    parse_time,
)
from streams.records.position import position_of, recorded_at
from streams.steps.intake import Each, Intake, Item

__all__ = ["decode", "tell_time"]

_MOST_BYTES = 64 * 1024
_ID = 100  # characters of a messageId
_NAMED = frozenset({"track", "page", "screen"})


def decode() -> Each:
    """The step that rejects what is no event at all, and reads name, id and times of the others."""
    return Each("decode", _decode)


def tell_time() -> Each:
    """The step that reads only when an event happened.

    Where that cannot be told it is before all time, so that it waits for nothing: `decode` will say what is wrong.
    """
    return Each("tell_time", _tell_time)


class _Times(msgspec.Struct, gc=False):
    """What of an event tells its time."""

    timestamp: Any = None
    receivedAt: Any = None  # noqa: N815  (as it is sent)


_read_times = msgspec.json.Decoder(_Times).decode


def _tell_time(batch: Intake, item: Item) -> None:
    try:
        held = _read_times(item.record.value or b"")
        _set_times(batch, item, held.timestamp, held.receivedAt)
    except (msgspec.DecodeError, Unacceptable, ValueError, OverflowError, RecursionError):
        item.time = -math.inf


def _decode(batch: Intake, item: Item) -> None:
    record = item.record
    value = record.value
    if not value:
        raise Unacceptable("empty", "the record has no value; send one JSON event per record")
    if len(value) > _MOST_BYTES:
        raise Unacceptable("event_too_large", f"the event has {len(value)} bytes; {_MOST_BYTES} at most")
    try:
        raw = loads(value)
    except ValueError as error:
        raise Unacceptable("invalid_json", f"the record is not JSON: {error}") from None
    if type(raw) is not dict:
        raise Unacceptable("invalid_event", f"the record is a JSON {type(raw).__name__}, not an object")
    check_shape(raw, value)
    check_external_ids(raw)
    fill_empty(raw, value)
    kind = raw.get("type")
    if kind not in TYPES:
        raise Unacceptable("unknown_type", f"`type` is not one of {', '.join(TYPES)}")
    name = check_name(raw)
    item.name = name if kind in _NAMED else ""
    if kind == "track" and not item.name:
        raise Unacceptable("no_event_name", "a track event needs `event`, its name")
    item.raw = raw
    _identify_message(raw, item)
    if not item.received:  # not told before
        _set_times(batch, item, raw.get("timestamp"), raw.get("receivedAt"))


def _set_times(batch: Intake, item: Item, timestamp: object, received_at: object) -> None:
    now = batch.now
    recorded = _recorded(recorded_at(item.record), now)
    received = _received(received_at, recorded)
    received = min(received, now)
    item.time = _time_of(timestamp, recorded, received)
    item.received = received


def _identify_message(raw: dict[str, Any], item: Item) -> None:
    """An event written straight to the topic may lack a messageId: its first position in the log never changes."""
    held = raw.get("messageId")
    if held is None:
        raw["messageId"] = position_of(item.record)
    elif type(held) is not str or not 0 < len(held) <= _ID:
        raise Unacceptable("invalid_message_id", f"messageId must be text of 1 to {_ID} characters")


def _recorded(said: float, now: float) -> float:
    """The time at which Kafka had the event; now, if its producer has said nothing (-1) or nonsense."""
    return said if 0 <= said <= now else now  # nothing has happened yet that will happen


def _time_of(stamp: object, recorded: float, received: float) -> float:
    """The time at which the event happened.

    The collector has corrected `timestamp` already; other producers are taken at their word, but nothing happens after
    Kafka had it.
    """
    if stamp is None:
        return recorded
    try:
        return occurred_at(parse_time(stamp), None, recorded if recorded > received else received)
    except ValueError:
        raise Unacceptable("invalid_timestamp", "`timestamp` is not an RFC 3339 time") from None


def _received(stamp: object, recorded: float) -> float:
    try:
        return recorded if stamp is None else parse_time(stamp)
    except ValueError:
        return recorded
