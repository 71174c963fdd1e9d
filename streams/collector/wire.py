"""Segment's wire format: what a request body holds and what becomes of each event in it. Pure; see docs/collector.md.

A request is refused as a whole (`Refused`) when it cannot be cut into its events or is too big. An event that cannot be
accepted, or even read, is refused alone (`Unacceptable`): the rest of its batch goes on.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import orjson

from profiles.bounds import LEVELS, NAME, excess, may_exceed
from profiles.errors import Unacceptable
from profiles.identity.extract import InexactNumber
from profiles.identity.spelling import EXACT
from profiles.times import parse_time
from profiles.types import Identity
from streams.collector.body import Limits, Refused
from streams.collector.json_text import as_utf8, loads, loads_exactly, loads_leniently, mend_surrogates
from streams.collector.salvage import batch_of, members_of

__all__ = [
    "AGREEING", "AHEAD", "TYPES", "Envelope", "basic_key", "check_external_ids", "check_name", "check_shape",
    "fill_empty", "occurred_at", "open_batch", "open_single", "stamp",
]  # fmt: skip

TYPES = ("identify", "track", "page", "screen", "group", "alias")

AGREEING = 2.0
"""Seconds. Clocks closer than this agree, the rest is network time: an imported date stays exactly that date."""

AHEAD = 60.0
"""Seconds. A clock that is ahead by less is nothing to remark: what it says of the future happened just now."""

_STAMP_ROOM = 2048  # bytes that stamping may add to an event: ids and times, never a batch's huge context
_EXTERNAL_IDS = 100
_LIST = "externalIds"  # the one known member of a context that is a list
_IDS = ("userId", "anonymousId", "groupId", "previousId")
_OBJECTS = ("context", "integrations", "properties", "traits")


@dataclass(slots=True)
class Envelope:
    """A request, opened: its events as sent and what they share."""

    events: list[bytes]
    write_key: str = ""
    sent_at: float | None = None
    context: dict[str, Any] = field(default_factory=dict)
    integrations: dict[str, Any] = field(default_factory=dict)
    flaw: str = ""  # what of that is not JSON, for which none of the events can be accepted
    type: str = ""  # of the one event of a single-event endpoint; "" when each event says its own


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw] | None = None
    writeKey: str | None = None  # noqa: N815 - Segment's spelling
    sentAt: object = None  # noqa: N815
    context: msgspec.Raw = msgspec.Raw(b"null")
    integrations: msgspec.Raw = msgspec.Raw(b"null")


class _Single(msgspec.Struct):
    writeKey: str | None = None  # noqa: N815


_Shape = TypeVar("_Shape", _Batch, _Single)

_batch_decoder = msgspec.json.Decoder(_Batch)
_single_decoder = msgspec.json.Decoder(_Single)


def open_batch(body: bytes, limits: Limits) -> Envelope:
    """Split the body of a batch request into its events, each still the bytes that were sent.

    An event that is not JSON is among them: it costs only itself. So is each event of a batch whose context is not
    JSON, with that as its flaw: it may say what the customer does not consent to.

    Raises:
        Refused: 400 when it is not a JSON object with a list of events, 413 when there are too many of them, or too
            much that they share: it is merged into every event.
    """
    batch = _decode(_batch_decoder, as_utf8(body), _salvage_batch)
    if not batch.batch:
        raise Refused(400, "empty_batch", "'batch' is missing or has no events")
    if len(batch.batch) > limits.events:
        raise Refused(413, "too_many_events", f"{len(batch.batch)} events in one request; {limits.events} at most")
    context, wrong = _shared("context", batch.context, limits)
    integrations, also_wrong = _shared("integrations", batch.integrations, limits)
    return Envelope(
        events=[bytes(raw) for raw in batch.batch],
        write_key=batch.writeKey or "",
        sent_at=_readable(batch.sentAt),
        context=context,
        integrations=integrations,
        flaw=wrong or also_wrong,
    )


def open_single(body: bytes, kind: str) -> Envelope:
    """The body of a single-event request, whose path says its type.

    Raises:
        Refused: 400 when it is no object, not even one of which something is not JSON.
    """
    body = mend_surrogates(as_utf8(body))
    return Envelope([body], _decode(_single_decoder, body, _salvage_single).writeKey or "", type=kind)


def _shared(name: str, raw: msgspec.Raw, limits: Limits) -> tuple[dict[str, Any], str]:
    """What a batch says for all its events, and why that is not JSON; null and PHP's empty array are nothing."""
    if len(bytes(raw)) > limits.shared:
        raise Refused(413, "request_too_large", f"'{name}' of the batch is over {limits.shared} bytes")
    try:
        value = loads_leniently(bytes(raw))
    except ValueError as error:
        return {}, f"'{name}' of its batch is not JSON: {error}"
    if type(value) is not dict and value not in (None, [], ""):
        raise Refused(400, "invalid_request", f"'{name}' of the batch is not a JSON object")
    if found := excess(value, levels=LEVELS - 1):  # it goes one level into each event
        raise Refused(400, "invalid_request", f"'{name}' of the batch has {found.message}")
    return value or {}, ""


def _decode(decoder: msgspec.json.Decoder[_Shape], body: bytes, salvage: Callable[[bytes], _Shape | None]) -> _Shape:
    """What a request holds; `salvage` reads the one that is not JSON as a whole, because an event in it is not."""
    try:
        try:
            return decoder.decode(body)
        except _UNREADABLE as error:
            _raise_if_misshapen(error)
        body = mend_surrogates(body)
        try:
            return decoder.decode(body)
        except _UNREADABLE as error:
            _raise_if_misshapen(error)
            if (shape := salvage(body)) is None:
                raise
            return shape
    except msgspec.ValidationError as error:
        raise Refused(400, "invalid_request", f"the request has the wrong shape: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(400, "invalid_json", f"the request is not JSON: {error}") from None
    except RecursionError:
        raise Refused(400, "invalid_json", "the request is nested too deeply") from None


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def _raise_if_misshapen(error: Exception) -> None:
    """JSON of the wrong shape, which no mending makes right."""
    if isinstance(error, msgspec.ValidationError):
        raise error


def _salvage_batch(body: bytes) -> _Batch | None:
    if (found := batch_of(body)) is None:
        return None
    members, entries = found
    return _Batch(
        [msgspec.Raw(entry) for entry in entries],
        _salvage_key(members),
        _value(members, "sentAt"),
        msgspec.Raw(members.get("context", b"null")),
        msgspec.Raw(members.get("integrations", b"null")),
    )


def _salvage_single(body: bytes) -> _Single | None:
    members = members_of(body)
    return None if members is None else _Single(_salvage_key(members))


def _salvage_key(members: dict[str, bytes]) -> str | None:
    return msgspec.json.decode(members.get("writeKey", b"null"), type=str | None)


def _value(members: dict[str, bytes], name: str) -> Any:
    """The value of a member; None if it is not JSON."""
    try:
        return loads(members.get(name, b"null"))
    except ValueError:
        return None


def stamp(
    raw: bytes,
    envelope: Envelope,
    *,
    received: float,
    identities: Callable[[dict[str, Any]], list[Identity]],
    limits: Limits,
    ip: str = "",
    browser: bool = False,
) -> tuple[bytes, bytes]:
    """One event as it goes to Kafka: (key, value). The key is the sender's strongest identity.

    Args:
        raw: the event as sent.
        envelope: what it came in.
        received: when, seconds.
        identities: the plan's extractor (`profiles.identity.extract.compile_extractor`).
        limits: `event` and `message_id` are checked here.
        ip: the sender's address; noted as `context.ip` for browsers and where `context.direct` asks for it.
        browser: sent through one of the browser's paths.

    Raises:
        Unacceptable: the event can never be accepted as it is.
    """
    if envelope.flaw:
        raise Unacceptable("invalid_json", envelope.flaw)
    if len(raw) > limits.event:
        raise Unacceptable("event_too_large", f"the event has {len(raw)} bytes; {limits.event} at most")
    event = _read(raw)
    try:
        return _stamped(event, envelope, received, identities, limits, ip, browser)
    except InexactNumber:
        return _stamped(_read(raw, loads_exactly), envelope, received, identities, limits, ip, browser)


def _stamped(
    event: dict[str, Any],
    envelope: Envelope,
    received: float,
    identities: Callable[[dict[str, Any]], list[Identity]],
    limits: Limits,
    ip: str,
    browser: bool,
) -> tuple[bytes, bytes]:
    if envelope.type:
        event["type"] = envelope.type
    elif event.get("type") not in TYPES:
        raise Unacceptable("unknown_type", f"`type` is not one of {', '.join(TYPES)}")
    check_name(event)
    event.pop("writeKey", None)
    _share(event, envelope)
    check_external_ids(event)
    context = event.get("context")
    if ip and (browser or (context is not None and context.get("direct") is True)):
        context = event.setdefault("context", {})
        context.setdefault("ip", ip)
    for name in _IDS:
        if name in event:
            event[name] = _text_id(name, event[name])
    event["messageId"] = _message_id(event.get("messageId"), limits)
    found = identities(event)
    if not found:
        raise Unacceptable("no_identity", "none of the plan's identities is in the event, or only blocked values")
    _set_times(event, envelope.sent_at, received)
    value = orjson.dumps(event, option=orjson.OPT_UTC_Z)
    if len(value) > limits.event + _STAMP_ROOM:
        message = f"the event has {len(value)} bytes with the batch's context and integrations"
        raise Unacceptable("event_too_large", f"{message}; {limits.event} at most")
    return found[0][1].encode(), value


def check_shape(event: dict[str, Any], raw: bytes) -> None:
    """That an event keeps the bounds of `profiles.bounds`, before anything else is done with it.

    Raises:
        Unacceptable: it passes one of them; the reason says which.
    """
    if may_exceed(raw) and (found := excess(event)):
        raise Unacceptable(found.reason, f"the event has {found.message}")


def check_name(event: dict[str, Any]) -> str:
    """The name of an event, a page or a screen; "" for one without.

    Raises:
        Unacceptable: it is too long.
    """
    name = event.get("event" if event["type"] == "track" else "name")
    if type(name) is not str:
        return ""
    if len(name) > NAME:
        raise Unacceptable("name_too_long", f"the event's name has {len(name)} characters; {NAME} at most")
    return name


def check_external_ids(event: dict[str, Any]) -> None:
    """That `context.externalIds` is no flood: telling identities apart takes time that grows with their square.

    Raises:
        Unacceptable: there are too many.
    """
    context = event.get("context")
    held = context.get(_LIST) if type(context) is dict else None
    if type(held) is list and len(held) > _EXTERNAL_IDS:
        message = f"context.externalIds has {len(held)} entries; {_EXTERNAL_IDS} at most"
        raise Unacceptable("too_many_identities", message)


def occurred_at(original: float | None, sent: float | None, received: float) -> float:
    """When an event happened, seconds, by Segment's formula: received − (sent − original).

    Both `original` and `sent` are the sender's clock, so a wrong clock cancels out. Without `sent`, or with one before
    the event, the sender's time is taken as it is; without `original` the event happened when it was received. A time
    after the receipt by AHEAD at most is the receipt. One further off stays: ingest will remark that it cannot be.
    """
    if original is None:
        return received
    if sent is not None and abs(received - sent) > AGREEING and sent >= original - AGREEING:
        original += received - sent
    if received < original <= received + AHEAD:
        return received
    return min(max(original, _EARLIEST), _LATEST)


def basic_key(authorization: str) -> str:
    """The write key in an `Authorization: Basic` header, "" when there is none. A missing colon is tolerated."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


_EARLIEST = datetime(1, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def _read(raw: bytes, loads: Callable[[bytes], Any] = loads) -> dict[str, Any]:
    """The event with JSON null taken as absent, at the top level only: a trait set to null removes it."""
    try:
        event = loads(raw)
    except ValueError as error:
        raise Unacceptable("invalid_json", f"the event is not JSON: {error}") from None
    if type(event) is not dict:
        raise Unacceptable("not_an_object", "the event is not a JSON object")
    check_shape(event, raw)
    event = {name: value for name, value in event.items() if value is not None}
    for name in _OBJECTS:
        if name in event and type(value := event[name]) is not dict:
            if value not in ([], ""):
                raise Unacceptable("not_an_object", f"'{name}' is not a JSON object")
            event[name] = {}
    fill_empty(event, raw)
    return event


def fill_empty(event: dict[str, Any], raw: bytes) -> None:
    """Make `[]` an object where one belongs, in an event and its context: PHP writes its empty maps so."""
    if b"[" in raw and b"[]" in raw:  # in few; one character is looked for much faster than two
        _fill(event, _OBJECTS)
        if type(context := event.get("context")) is dict:
            _fill(context, [name for name in context if name != _LIST])


def _fill(holder: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if holder.get(name) == []:
            holder[name] = {}


def _share(event: dict[str, Any], envelope: Envelope) -> None:
    """Merge in what the batch says for all its events; what the event itself says wins."""
    if envelope.context:
        event["context"] = {**envelope.context, **event.get("context", {})}
    if envelope.integrations:
        event["integrations"] = {**envelope.integrations, **event.get("integrations", {})}


def _text_id(name: str, value: object) -> str:
    if type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    if type(value) is float:
        if abs(value) >= EXACT:
            raise InexactNumber
        return str(int(value)) if value.is_integer() else repr(value)
    raise Unacceptable("invalid_id", f"'{name}' is {_kind(value)}; a string or a number expected")


def _message_id(value: object, limits: Limits) -> str:
    text = _text_id("messageId", value) if value is not None else ""
    if len(text) > limits.message_id:
        raise Unacceptable("invalid_message_id", f"messageId has {len(text)} characters; {limits.message_id} at most")
    return text or str(uuid.uuid4())


def _set_times(event: dict[str, Any], batch_sent_at: float | None, received: float) -> None:
    """The four times, as datetimes: orjson writes them a good deal faster than Python does.

    A time that cannot be read stays in `timestamp` as it is: ingest counts the event as of its receipt, and remarks it.
    """
    own_sent = event.pop("sentAt", None)
    sent = batch_sent_at if own_sent is None else _readable(own_sent)
    by_client = "timestamp" in event
    said = event.get("timestamp" if by_client else "originalTimestamp")
    original = _readable(said)
    event["receivedAt"] = datetime.fromtimestamp(received, UTC)
    if sent is not None:
        event["sentAt"] = datetime.fromtimestamp(sent, UTC)
    if original is None and said is not None:
        event["timestamp"] = said
        return
    if original is not None:
        event["originalTimestamp"] = datetime.fromtimestamp(original, UTC)
        if sent is None and not by_client:
            original = None  # as RudderStack: a `timestamp` stands alone, an `originalTimestamp` needs a sentAt
    event["timestamp"] = datetime.fromtimestamp(occurred_at(original, sent, received), UTC)


def _readable(value: object) -> float | None:
    """A time, None when it is missing or cannot be read."""
    try:
        return None if value is None else parse_time(value)
    except ValueError:
        return None


def _kind(value: object) -> str:
    """What a value is. Never the value itself: it may be personal."""
    return {str: "text", bool: "a boolean", int: "a number", float: "a number", list: "an array"}.get(
        type(value), "an object"
    )
