"""A withdrawal of consent in an event that is rejected: what goes on of it, so that the withdrawal counts all the same.

Of an event with a wrong type, id or name the rest is read as far as it goes. One that is no JSON object, or is
past a bound of size or shape, says nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from plan import Plan
from profiles.bounds import NAME
from streams.collector.body import Limits
from streams.collector.json_text import loads
from streams.collector.wire import Envelope, check_shape, stamp
from streams.records.unforeseen import unreadable
from streams.records.withdrawal import WITHDRAWAL, withdrawal_of
from streams.steps.consent import Listener

__all__ = ["withdrawal_in"]


def withdrawal_in(
    raw: bytes, envelope: Envelope, source: str, *, received: float, plan: Plan, listener: Listener, limits: Limits
) -> tuple[bytes, bytes] | None:
    """The record of a withdrawal, (key, value); None if the event withdraws nothing, or nobody knows whose it is.

    Args:
        raw: the rejected event, as sent.
        envelope: what it came in.
        source: the name of its source.
        received: when, seconds.
        plan: what identifies a sender.
        listener: of that plan.
        limits: of an event.
    """
    shared = orjson.dumps(envelope.context) if envelope.context else b""
    if len(raw) > limits.event or not any(mark in raw or mark in shared for mark in listener.marks):
        return None
    try:
        event = loads(raw)
        if type(event) is not dict:
            return None
        check_shape(event, raw)
        event = {name: value for name, value in event.items() if _FITS.get(name, _fits)(value)}
        kind = envelope.type or event.get("type")
        event = withdrawal_of(event, kind if type(kind) is str else "")
        key, value = stamp(
            orjson.dumps(event),
            replace(envelope, type=WITHDRAWAL, flaw=""),
            received=received,
            identities=plan.extract,
            limits=limits,
        )
    except ValueError:
        return None
    except Exception as error:
        unreadable("collect", error)
        return None
    return (key, value) if listener.withdrawn(loads(value), source) else None


def _fits(value: Any) -> bool:
    return True


def _is_object(value: Any) -> bool:
    return type(value) is dict


def _is_id(value: Any) -> bool:
    return type(value) is str or type(value) is int or type(value) is float


def _is_short(value: Any) -> bool:
    return type(value) is str and len(value) <= NAME


def _is_message_id(value: Any) -> bool:
    return type(value) is str and len(value) <= Limits().message_id


_FITS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("userId", "anonymousId", "groupId", "previousId"), _is_id),
    **dict.fromkeys(("context", "integrations", "properties", "traits"), _is_object),
    **dict.fromkeys(("event", "name"), _is_short),
    "messageId": _is_message_id,
}
"""What a member must be for the event to be read with it."""
