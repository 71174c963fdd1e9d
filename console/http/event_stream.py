"""Server-sent events, as all our streams send them: a line ends in one character.

Where it ends in two, the network may cut a stream between them. A parser that looks at each piece by itself, as that of
our pages does, then takes the second one for an empty line: the message ends in its middle, and half a page is shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from sse_starlette import EventSourceResponse, ServerSentEvent

__all__ = ["Event", "event_stream"]

_LINE_END = "\n"
_HEARTBEAT = 15  # seconds between two: shorter than the idle time after which proxies close a connection


class Event(ServerSentEvent):
    """One message; `encode()` is what is sent."""

    DEFAULT_SEPARATOR = _LINE_END


def event_stream(events: AsyncIterator[Event | bytes], headers: Mapping[str, str] | None = None) -> EventSourceResponse:
    """Answers messages until they end, with a comment between them every 15 s.

    Args:
        events: messages, or what their `encode()` answered.
        headers: besides those of every stream.
    """
    return EventSourceResponse(
        events, ping=_HEARTBEAT, sep=_LINE_END, headers={**(headers or {}), "X-Accel-Buffering": "no"}
    )
