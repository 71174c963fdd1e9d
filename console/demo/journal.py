"""Where a simulated customer's events are collected: some happen now, some are due later."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

__all__ = ["Entry", "Journal", "iso"]

Entry = tuple[float, int, int, dict[str, Any]]
"""(time, customer, number, event): sorts by time, and then always the same way."""


def iso(time: float) -> str:
    """RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Journal:
    """The events of one customer, given out in order of time.

    Args:
        scope: what sets this simulation's message ids apart from those of others.
        number: of the customer.
    """

    def __init__(self, scope: str, number: int) -> None:
        self._scope = scope
        self._number = number
        self._entries: list[Entry] = []
        self._count = 0

    def add(self, time: float, source: str, type_: str, who: dict[str, str], name: str = "", **parts: Any) -> None:
        """Note an event.

        Args:
            time: when it happens, seconds.
            source: web, app, support or purchase.
            type_: track, identify, page or screen.
            who: userId, anonymousId or both.
            name: of a tracked event, a page or a screen.
            parts: properties, traits, context; empty ones are left out.
        """
        self._count += 1
        event: dict[str, Any] = {
            "source": source,
            "type": type_,
            "messageId": self._id(),
            **who,
            "timestamp": iso(time),
        }
        if name:
            event["event" if type_ == "track" else "name"] = name
        event.update((part, value) for part, value in parts.items() if value)
        heapq.heappush(self._entries, (time, self._number, self._count, event))

    def until(self, time: float) -> Iterator[Entry]:
        """Take out what happens before a time."""
        while self._entries and self._entries[0][0] < time:
            yield heapq.heappop(self._entries)

    def _id(self) -> str:
        digest = blake2b(f"{self._scope}:{self._number}:{self._count}".encode(), digest_size=12).hexdigest()
        return f"demo-{digest}"
