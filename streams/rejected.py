"""What `events.rejected` carries: an event that was not accepted, its original bytes kept for a replay."""

from __future__ import annotations

import msgspec

__all__ = ["KEPT", "Rejection"]

KEPT = 512 * 1024
"""Bytes of an event that are kept. Kafka takes messages of 1 MB, and base64 adds a third."""


class Rejection(msgspec.Struct):
    """One event that was not accepted, as JSON; `payload` is base64 there."""

    at: str  # RFC 3339, UTC
    step: str  # where in the flow: collect, decode, check…
    reason: str  # machine-readable: invalid_json, no_identity, unknown_event…
    message: str  # for a person: what is wrong and where
    source: str  # web, app, support, purchase…; "" when it is not known
    topic: str  # where the event is, or would have gone
    partition: int | None  # None: it never reached a topic
    offset: int | None
    payload: bytes  # the event as it was sent, its first KEPT bytes

    def encode(self) -> bytes:
        """The value of the Kafka record."""
        return msgspec.json.encode(self)
