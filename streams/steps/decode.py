"""Decode: from the bytes of a source topic to a raw event with a name, an id and a time.

Its time may be asked for first (`tell_time`): an event that has to wait for the clock waits as bytes, which take less
than half of what is decoded.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from profiles.errors import Unacceptable
from profiles.times import EARLIEST, parse_time, rfc3339
from streams.collector.json_text import loads
from streams.collector.wire import AHEAD, TYPES, check_external_ids, check_name, check_shape, fill_empty
from streams.records.position import position_of, recorded_at
from streams.records.unforeseen import unreadable
from streams.records.withdrawal import WITHDRAWAL
from streams.steps.intake import Each, Intake, Item

__all__ = ["decode", "tell_time"]

_MOST_BYTES = 64 * 1024
_ID = 100  # characters of a messageId
_NAMED = frozenset({"track", "page", "screen"})
_INSTEAD = "so the event counts as of its receipt"


def decode(earliest: float = EARLIEST) -> Each:
    """The step that rejects what is no event at all, and reads name, id and times of the others.

    Args:
        earliest: seconds; an event that says it happened before counts as of its receipt.
    """
    remarks = _Remarks(earliest)
    return Each("decode", lambda batch, item: _decode(batch, item, remarks))


def tell_time(earliest: float = EARLIEST) -> Each:
    """The step that reads only when an event happened.

    What is no event is before all time, so that it waits for nothing: `decode` will say what is wrong.
    """
    remarks = _Remarks(earliest)
    return Each("tell_time", lambda batch, item: _tell_time(batch, item, remarks))


class _Remarks:
    """What is told of a time that cannot be right."""

    def __init__(self, earliest: float) -> None:
        self.earliest = earliest
        self.unreadable = f"timestamp: cannot be read as a time, {_INSTEAD}"
        self.early = f"timestamp: is before {rfc3339(earliest)[:10]}, the plan's `earliest`, {_INSTEAD}"
        self.late = f"timestamp: is after its receipt, {_INSTEAD}"


class _Times(msgspec.Struct, gc=False):
    """What of an event tells its time."""

    timestamp: Any = None
    receivedAt: Any = None  # noqa: N815  (as it is sent)


_read_times = msgspec.json.Decoder(_Times).decode


def _tell_time(batch: Intake, item: Item, remarks: _Remarks) -> None:
    try:
        held = _read_times(item.record.value or b"")
    except (msgspec.DecodeError, ValueError, RecursionError):
        item.time = -math.inf
    else:
        try:
            _set_times(batch, item, held.timestamp, held.receivedAt, remarks)
        except Exception as error:  # here nothing is rejected: `decode` will meet it, too
            unreadable("tell_time", error)
            item.time, item.received = -math.inf, 0.0


def _decode(batch: Intake, item: Item, remarks: _Remarks) -> None:
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
        if kind == WITHDRAWAL:
            raise Unacceptable(WITHDRAWAL, "the collector rejected the event")
        raise Unacceptable("unknown_type", f"`type` is not one of {', '.join(TYPES)}")
    name = check_name(raw)
    item.name = name if kind in _NAMED else ""
    if kind == "track" and not item.name:
        raise Unacceptable("no_event_name", "a track event needs `event`, its name")
    item.raw = raw
    _identify_message(raw, item)
    if not item.received:  # not told before
        _set_times(batch, item, raw.get("timestamp"), raw.get("receivedAt"), remarks)


def _set_times(batch: Intake, item: Item, timestamp: object, received_at: object, remarks: _Remarks) -> None:
    """When an event happened and when it was received.

    The collector has corrected `timestamp` already, and other producers are taken at their word. A time that cannot be
    read or cannot be right is no reason to lose the event, as no plan can mend it: the receipt counts, with a remark.
    Nothing happens after Kafka had it: one event in the year 2099 would make a customer look active for ever.
    """
    now = batch.now
    recorded = _recorded(recorded_at(item.record), now)
    item.received = received = min(_received(received_at, recorded, remarks.earliest), now)
    if timestamp is None:
        item.time = recorded
        return
    latest = recorded if recorded > received else received
    try:
        time = parse_time(timestamp)
    except ValueError:
        item.time, item.violations = received, [remarks.unreadable]
        return
    if time < remarks.earliest:
        item.time, item.violations = received, [remarks.early]
    elif time <= latest:
        item.time = time
    elif time <= latest + AHEAD:
        item.time = latest
    else:
        item.time, item.violations = received, [remarks.late]


def _identify_message(raw: dict[str, Any], item: Item) -> None:
    """An event written straight to the topic may lack a messageId: its first position in the log never changes."""
    held = raw.get("messageId")
    if held is None:
        raw["messageId"] = position_of(item.record)
    elif type(held) is not str or not 0 < len(held) <= _ID:
        raise Unacceptable("invalid_message_id", f"messageId must be text of 1 to {_ID} characters")


def _recorded(said: float, now: float) -> float:
    """The time at which Kafka had the event; now, if its producer has said nothing (-1) or nonsense."""
    return said if 0 < said <= now else now  # nothing has happened yet that will happen


def _received(stamp: object, recorded: float, earliest: float) -> float:
    if stamp is None:
        return recorded
    try:
        received = parse_time(stamp)
    except ValueError:
        return recorded
    return received if received >= earliest else recorded
