"""What `events.rejected` carries: events that were not accepted, their original bytes kept for a replay; and what a
replay notes about itself, so that the log alone tells what has been put back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from streams.scrub import scrub

__all__ = [
    "IGNORE", "INVALID_WEBHOOK", "KEPT", "NOTE", "UNKNOWN_WEBHOOK", "WEBHOOKS", "Rejection", "ReplayNote", "is_note",
    "told",
]  # fmt: skip

IGNORE = "ignore"
"""The step that takes out what the plan ignores: nothing is wrong with such an event, nor with its source."""

KEPT = 512 * 1024
"""Bytes of an event that are kept. Kafka takes messages of 1 MB, and base64 adds a third."""

UNKNOWN_WEBHOOK, INVALID_WEBHOOK = "unknown_webhook", "invalid_webhook"
"""Reasons: a request of another service whose kind no mapping knows, or which is not what its mapping says."""

WEBHOOKS = (UNKNOWN_WEBHOOK, INVALID_WEBHOOK)
"""Both; `type` of such a rejection is the name of the webhook, `event` the kind of request."""

NOTE = "rapport-replay"
"""Header of a record that is no rejection but a replay's note."""


class Rejection(msgspec.Struct):
    """One event that was not accepted, as JSON; `payload` is base64 there."""

    at: str  # RFC 3339, UTC
    step: str  # where in the flow: collect, decode, check…
    reason: str  # machine-readable: invalid_json, no_identity, unknown_event…
    message: str  # for a person: what is wrong and where; personal data masked
    source: str  # web, app, support, purchase…; "" when it is not known
    topic: str  # where the event is, or would have gone
    partition: int | None  # None: it never reached a topic
    offset: int | None
    payload: bytes  # the event as it was sent, its first KEPT bytes
    position: str = (
        ""  # its first position, `topic-partition-offset`, if this is no longer it: it had been replayed before
    )
    recorded: float = 0.0  # when Kafka first had it, seconds; 0 when it never reached a topic
    type: str = ""  # collect: the type that the request's path said, if the event did not
    truncated: bool = False  # the event was longer than what is kept, so it cannot be replayed
    load: str = ""  # id of the load of history that it came with
    event: str = ""  # the planned event that it was to be
    sender: str = ""  # keyed hash of who sent it, of a public source: `streams.records.sender`
    aside: bool = False  # its sender is put aside: no bytes are kept; the topic it was on, if any, has them for a while
    also: list[int] = []  # offsets of further ones that were put aside, same in all of the above but their position…
    more: int = 0  # …and how many further ones the collector refused, which have no position

    def encode(self) -> bytes:
        """The value of the Kafka record."""
        return msgspec.json.encode(self)


class ReplayNote(msgspec.Struct, kw_only=True):
    """A replay's note of where it is, as JSON, under the header NOTE."""

    run: str  # id of the replay
    at: str  # RFC 3339, UTC
    began: dict[str, dict[int, int]] = {}  # the first note: end of each partition it will write, by topic
    done: list[str] = []  # positions in `events.rejected` whose events are back on their topic
    finished: bool = False

    def encode(self) -> bytes:
        """The value of the Kafka record."""
        return msgspec.json.encode(self)


def is_note(headers: Iterable[tuple[str, bytes]]) -> bool:
    """Whether a record of `events.rejected` is a replay's note."""
    return any(name == NOTE for name, _ in headers)


def told(position: str, rejection: Rejection) -> dict[str, Any]:
    """A rejection as people and tools are told of it, all but the event itself, as JSON types.

    Args:
        position: where it is in `events.rejected`, `PARTITION:OFFSET`.
        rejection: that is told.
    """
    return {
        "position": position,
        "at": rejection.at,
        "source": rejection.source,
        "step": rejection.step,
        "reason": rejection.reason,
        "message": scrub(rejection.message),
        "topic": rejection.topic,
        "partition": rejection.partition,
        "offset": rejection.offset,
        "bytes": len(rejection.payload),
        "truncated": rejection.truncated,
        "load": rejection.load,
        "sender": rejection.sender,
        "put_aside": rejection.aside,
        "events": 1 + len(rejection.also) + rejection.more,
    }
