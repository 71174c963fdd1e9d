"""Time in what people and other systems read: the one spelling, wherever a time is written."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

__all__ = ["rfc3339"]


@lru_cache(maxsize=1000)  # a batch tells one time again and again
def rfc3339(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC: `rfc3339(0.5) == "1970-01-01T00:00:00.500000Z"`.

    Always six decimals: as exact as the archive's columns and the times that senders give, so that who reads a time
    back has the same one, and times sort as their text does.
    """
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:-6] + "Z"
