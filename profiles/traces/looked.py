"""Products that a customer looked at, by day: the latest few of a set, in few bytes.

A row is a byte that no text has, the day in three bytes that none of is that byte, and the product. Rows are in the
order of their bytes, which is that of days.
"""

from __future__ import annotations

from bisect import insort
from functools import lru_cache

__all__ = ["LOOKS", "join_looked", "looked_of", "note_looked"]

LOOKS = 32
"""How many stay, the latest: of one product on one day there is one."""

_MARK = b"\xff"
_LAST = 2**21 - 1


def note_looked(held: bytes, day: int, product: str) -> bytes:
    """Those with one more."""
    row = _key(day) + product.encode("utf-8", "replace") + _MARK
    if not held:
        return row
    if row in held:
        return held
    last = held.rfind(_MARK, 0, -1)
    if row[:-1] > held[last:-1]:  # as nearly always
        if held.count(_MARK) > LOOKS:
            held = held[held.index(_MARK, 1) :]
        return held + row[1:]
    rows = held[1:-1].split(_MARK)
    insort(rows, row[1:-1])
    return _packed(rows)


@lru_cache(maxsize=4096)
def _key(day: int) -> bytes:
    held = min(max(day, 0), _LAST)
    return _MARK + bytes((held >> 14, held >> 7 & 127, held & 127))


def looked_of(held: bytes) -> list[tuple[int, str]]:
    """(day since 1970, product), the earliest first."""
    rows = held[1:-1].split(_MARK) if held else []
    return [(row[0] << 14 | row[1] << 7 | row[2], row[3:].decode()) for row in rows]


def join_looked(ours: bytes, theirs: bytes) -> bytes:
    """Those of both."""
    if not ours or not theirs or ours == theirs:
        return ours or theirs
    return _packed(sorted({*ours[1:-1].split(_MARK), *theirs[1:-1].split(_MARK)}))


def _packed(rows: list[bytes]) -> bytes:
    return _MARK + _MARK.join(rows[-LOOKS:]) + _MARK
