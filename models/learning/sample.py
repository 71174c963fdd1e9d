"""A sample of customers that stays the same whatever the order in which they are seen: those of the lowest hashes.

BG/NBD is fitted to it. Each is kept by a digest of the profile's id with the newest (orders, first, last, at). Who has
not been seen for long is let go: gone are also those who asked to be forgotten.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Mapping
from hashlib import blake2b
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from models.durations import WEEK
from models.labels.examples import OrderSummary
from profiles.errors import Misconfigured

__all__ = ["SIZE", "Sample"]

SIZE = 2000
"""Customers in the sample."""

_BUCKETS = 128  # parts of the state; a batch of order summaries changes a few
_ROW = struct.Struct("<Qdddd")

_Seen = tuple[float, float, float, float]


class Sample:
    """The bottom-k sample."""

    def __init__(self) -> None:
        self._held: dict[int, _Seen] = {}
        self._highest: list[int] = []  # a heap of the negated hashes; it may hold some that are gone
        self._encoded: dict[int, str] = {}  # by bucket, until it changes

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
        self._held[place] = (summary.orders, summary.first, summary.last, summary.at)
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

    def histories(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Repeat orders, age at the last order and age, in weeks: what `bgnbd.fit` takes."""
        seen = np.array([self._held[place] for place in sorted(self._held)]).reshape(-1, 4)
        orders, first, last, at = seen.T
        return np.maximum(orders - 1.0, 0.0), _weeks(np.minimum(last, at) - first), _weeks(at - first)

    def __len__(self) -> int:
        return len(self._held)

    def _top(self) -> int:
        return -self._highest[0]

    def parts(self) -> dict[str, str]:
        """Everything, in parts of which few change at a time."""
        dirty = [bucket for bucket in range(_BUCKETS) if bucket not in self._encoded]
        rows: dict[int, list[bytes]] = {bucket: [] for bucket in dirty}
        if dirty:
            for place in sorted(self._held):
                if (bucket := place % _BUCKETS) in rows:
                    rows[bucket].append(_ROW.pack(place, *self._held[place]))
        self._encoded |= {bucket: base64.b64encode(b"".join(held)).decode() for bucket, held in rows.items()}
        return {f"{bucket:03}": self._encoded[bucket] for bucket in range(_BUCKETS) if self._encoded[bucket]}

    @classmethod
    def from_parts(cls, parts: Mapping[str, str]) -> Sample:
        """The sample whose `parts` these are.

        Raises:
            Misconfigured: they are not whole.
        """
        sample = cls()
        try:
            for part in parts.values():
                for place, *seen in _ROW.iter_unpack(base64.b64decode(part)):
                    sample._held[place] = (seen[0], seen[1], seen[2], seen[3])
        except (TypeError, ValueError, struct.error) as error:
            raise Misconfigured(f"the sample of customers is damaged: {error!r}") from error
        sample._highest = [-place for place in sample._held]
        heapify(sample._highest)
        return sample


def _weeks(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(seconds, 0.0) / WEEK
