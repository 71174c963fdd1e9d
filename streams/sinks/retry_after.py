"""`Retry-After`: how long a service asks to be left alone."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from streams.clock import WALL
from streams.sinks.http import Answer

__all__ = ["LONGEST", "wait_of"]

LONGEST = 86_400.0
"""Seconds; who asks for more is called again after that."""


def wait_of(answer: Answer, now: float = 0.0) -> float | None:
    """Seconds that an answer asks to wait; None if it asks for nothing, or for nothing that can be read.

    Args:
        answer: with `Retry-After` as seconds, or as a date.
        now: seconds since the epoch, for a date; the clock's unless given.
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST)
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return min(max(until.timestamp() - (now or WALL.now()), 0.0), LONGEST)
