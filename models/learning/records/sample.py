"""A sample of customers that stays the same whatever the order in which they are seen: those of the lowest hashes.

Models of orders are fitted to it. Each is kept by a digest of the profile's id with the newest order summary. Who has
not been seen for long is let go: gone are also those who asked to be forgotten.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from hashlib import blake2b
from heapq import heapify, heappop, heappush

import numpy as np

from models.churn.model import Orders
from models.codec import Array, decode, encode
from models.durations import WEEK
from models.labels.examples import OrderSummary
from profiles.errors import Misconfigured

__all__ = ["SIZE", "Sample"]

SIZE = 2000
"""Customers in the sample."""

_BUCKETS = 128  # parts of the state; a batch of order summaries changes a few
_ROW = struct.Struct("<Qdddddd")
_NOBODY = encode(b"")

_Seen = tuple[float, float, float, float, float, float]


class Sample:
    """The bottom-k sample."""

    def __init__(self) -> None:
        self._held: dict[int, _Seen] = {}
        self._highest: list[int] = []  # a heap of the negated hashes; it may hold some that are gone
        self._encoded: dict[int, bytes] = {}  # by bucket, until it changes

    def add(self, summary: OrderSummary) -> None:
        """Take note of a customer."""
        place = int.from_bytes(blake2b(summary.profile.encode(), digest_size=8).digest(), "little")
        before = self._held.get(place)
        if before is None:
            if len(self._held) >= SIZE:
                if place > self._top():
                    return
                highest = -heappop(self._highest)
                del self._held[highest]
                self._encoded.pop(highest % _BUCKETS, None)
            heappush(self._highest, -place)
        elif summary.at < before[3]:
            return
        self._held[place] = (
            summary.orders, summary.first, summary.last, summary.at, summary.fast, summary.slow,
        )  # fmt: skip
        self._encoded.pop(place % _BUCKETS, None)

    def forget(self, before: float) -> None:
        """Let go of who was not seen since."""
        stale = [place for place, seen in self._held.items() if seen[3] < before]
        for place in stale:
            del self._held[place]
            self._encoded.pop(place % _BUCKETS, None)
        if stale:
            self._highest = [-place for place in self._held]
            heapify(self._highest)

    def orders(self) -> Orders:
        """What is known of their orders."""
        seen = np.array([self._held[place] for place in sorted(self._held)]).reshape(-1, 6)
        orders, first, last, at, fast, slow = seen.T
        repeats = np.maximum(orders - 1.0, 0.0)
        return Orders(repeats, _weeks(np.minimum(last, at) - first), _weeks(at - first), fast, slow)

    def __len__(self) -> int:
        return len(self._held)

    def _top(self) -> int:
        return -self._highest[0]

    def parts(self) -> dict[str, bytes]:
        """Everything as JSON, in parts of which few change at a time."""
        dirty = [bucket for bucket in range(_BUCKETS) if bucket not in self._encoded]
        rows: dict[int, list[bytes]] = {bucket: [] for bucket in dirty}
        if dirty:
            for place in sorted(self._held):
                if (bucket := place % _BUCKETS) in rows:
                    rows[bucket].append(_ROW.pack(place, *self._held[place]))
        self._encoded |= {bucket: encode(b"".join(held)) for bucket, held in rows.items()}
        return {f"{bucket:03}": self._encoded[bucket] for bucket in range(_BUCKETS) if self._encoded[bucket] != _NOBODY}

    @classmethod
    def from_parts(cls, parts: Mapping[str, bytes]) -> Sample:
        """The sample whose `parts` these are.

        Raises:
            Misconfigured: they are not whole.
        """
        sample = cls()
        for part in parts.values():
            rows = decode(part, bytes, "the sample of customers")
            if len(rows) % _ROW.size:
                raise Misconfigured("the sample of customers is damaged: it ends within a customer")
            for place, *seen in _ROW.iter_unpack(rows):
                sample._held[place] = (seen[0], seen[1], seen[2], seen[3], seen[4], seen[5])
        sample._highest = [-place for place in sample._held]
        heapify(sample._highest)
        return sample


def _weeks(seconds: Array) -> Array:
    return np.maximum(seconds, 0.0) / WEEK
