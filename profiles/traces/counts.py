"""Counts in few bytes: how often by hour and weekday, and in which months.

Counts of what happens with nearly every event are changed in place. A count stops at the largest number that its bytes
hold, so that adding up still commutes and associates; of months the latest stay.
"""

from __future__ import annotations

__all__ = ["HOURS", "MONTHS", "add_hours", "hours_of", "join_months", "months_of", "note_hour", "note_month"]

MONTHS = 24
"""Months that are kept, the latest."""

HOURS = 3 * (24 + 7)
"""Bytes of counts by hour and weekday: three of each, the lowest first."""

_LARGEST = (1 << 24) - 1
_FULL = 255


def note_hour(counts: bytearray, hour: int, weekday: int) -> None:
    """Count one more at a time."""
    low = 3 * hour
    if counts[low] < _FULL:
        counts[low] += 1
    else:
        _carry(counts, low)
    low = 72 + 3 * weekday
    if counts[low] < _FULL:
        counts[low] += 1
    else:
        _carry(counts, low)


def _carry(counts: bytearray, low: int) -> None:
    count = min(int.from_bytes(counts[low : low + 3], "little") + 1, _LARGEST)
    counts[low : low + 3] = count.to_bytes(3, "little")


def hours_of(counts: bytes | bytearray) -> tuple[list[int], list[int]]:
    """How often by hour (24) and by weekday (7, from Monday)."""
    found = [int.from_bytes(counts[low : low + 3], "little") for low in range(0, HOURS, 3)]
    return found[:24], found[24:]


def add_hours(ours: bytes | bytearray, theirs: bytes | bytearray) -> bytearray:
    """The counts of both."""
    if not ours or not theirs:
        return bytearray(ours or theirs)
    (my_hours, my_days), (their_hours, their_days) = hours_of(ours), hours_of(theirs)
    counts = zip(my_hours + my_days, their_hours + their_days, strict=True)
    return bytearray(b"".join(min(a + b, _LARGEST).to_bytes(3, "little") for a, b in counts))


def note_month(held: bytes, month: bytes) -> bytes:
    """The months with one more."""
    last = held[-2:]
    if month > last:  # as nearly always
        return (held + month)[-2 * MONTHS :]
    return held if month == last else join_months(held, month)


def months_of(held: bytes) -> list[int]:
    """The months since the year 0, ascending."""
    return _numbers(held)


def join_months(ours: bytes, theirs: bytes) -> bytes:
    """The months of both."""
    return _packed(sorted({*_numbers(ours), *_numbers(theirs)})[-MONTHS:])


def _numbers(packed: bytes | bytearray) -> list[int]:
    return [int.from_bytes(packed[at : at + 2], "big") for at in range(0, len(packed), 2)]


def _packed(numbers: list[int]) -> bytes:
    return b"".join(number.to_bytes(2, "big") for number in numbers)
