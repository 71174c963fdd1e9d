"""Events of the past in one order, whatever files they came in."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

__all__ = ["Past", "in_one_order", "key_of"]


class Past(NamedTuple):
    """One event. Compares by what it is, never by where it stood: the order of the files does not matter."""

    time: float  # seconds
    source: str
    key: str  # its messageId; of an event without one a digest of it
    event: bytes  # as JSON
    named: bool = True  # whether it has a messageId


def key_of(source: str, event: bytes) -> str:
    """What stands for an event without a messageId: 24 hex digits, the same wherever it is read."""
    return blake2b(b"%b\0%b" % (source.encode(), event), digest_size=12).hexdigest()


def in_one_order(streams: Iterable[Iterable[Past]]) -> Iterator[Past]:
    """All events of streams that are sorted, sorted; every one with a messageId.

    One without is named by its digest. Of several that are alike to the byte each counts, so the second and later ones
    carry a number, too; they stand side by side, so the same events always get the same names.
    """
    last: Past | None = None
    alike = 0
    for past in heapq.merge(*streams):
        if past.named:
            yield past
            continue
        alike = alike + 1 if past == last else 0
        last = past
        name = f"{past.key}-{alike}" if alike else past.key
        yield past._replace(key=name, event=_with_id(past.event, name), named=True)


def _with_id(event: bytes, name: str) -> bytes:
    """An event of JSON with its messageId, without reading it: it has none, and is not empty."""
    return b'{"messageId":"%b",%b' % (name.encode(), event[1:])
