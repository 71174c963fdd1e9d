"""Days of use: on which of the latest 128 days somebody worked with the product, in at most 20 bytes.

It is a set, cut off so far before its latest day. So the order of events does not show, and a merge is a union.
"""

from __future__ import annotations

from profiles.types import Event

__all__ = ["DAY", "KEPT", "NO_DAY", "USE", "day_of", "days_of", "is_use", "join_days", "note_day"]

DAY = 86400.0
"""Seconds. Days are those of UTC, counted from 1970."""

KEPT = 128
"""Days that are kept, up to the latest."""

NO_DAY = b""
"""Of who never worked with the product."""

USE = frozenset({"visit", "view", "search", "login", "signup", "feature_use", "cart", "checkout"})
"""The roles of what people do with a product; what they pay, ask or answer does not say that they work with it."""

_ALL = (1 << KEPT) - 1


def is_use(event: Event) -> bool:
    """Whether an event says that somebody worked with the product."""
    return event.role in USE


def day_of(time: float) -> int:
    """The day of a time."""
    return max(int(time // DAY), 0)


def note_day(days: bytes, time: float) -> bytes:
    """The days with that of a time."""
    return join_days(days, _packed(day_of(time), 1))


def join_days(ours: bytes, theirs: bytes) -> bytes:
    """The days of both."""
    if not ours or not theirs or ours == theirs:
        return ours or theirs
    (mine, my_days), (other, other_days) = days_of(ours), days_of(theirs)
    latest = max(mine, other)
    return _packed(latest, (my_days << min(latest - mine, KEPT)) | (other_days << min(latest - other, KEPT)))


def days_of(days: bytes) -> tuple[int, int]:
    """The latest day, and a bit for each day: the lowest is the latest, the next the one before. (0, 0) without any."""
    return (int.from_bytes(days[:4], "big"), int.from_bytes(days[4:], "big")) if days else (0, 0)


def _packed(latest: int, bits: int) -> bytes:
    bits &= _ALL
    return latest.to_bytes(4, "big") + bits.to_bytes((bits.bit_length() + 7) // 8, "big")
