"""A sample of snapshots with what came of them, which a model can be grown on; the same whatever order they come in,
as long as none is two years past.

Kept are the snapshots of the lowest hashes, of the latest two years, so of everybody and of all seasons alike. A
snapshot whose label of the whole churn horizon is known tells in which
block of the label horizon the first order came; another one tells of the first block alone. What people acted on is
left out, as of all learning. Weights are not needed: who is thinned out is chosen by their silence alone, which is a
feature.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.codec import Array
from models.config import ChurnConfig
from models.durations import WEEK
from models.features.table import COLUMN, NAMES, SCHEMA, WEIGHED
from models.labels.examples import Example, OwnRecord

__all__ = ["FIELDS", "ROWS", "SIZE", "Blocks", "SnapshotSample", "blocks_of"]

SIZE = 60_000
"""Snapshots in the sample: 25 MB of features."""

ROWS = 200_000
"""Rows to learn from: 150 MB while a model is grown."""

_KEPT_FOR = 104 * WEEK  # before the latest label
_SLACK = 1e-6  # blocks: an order at the very end of one is in it
_UNWEIGHED = [COLUMN[name] for name in NAMES if name not in WEIGHED]  # a clock is no cause

FIELDS = {"at": "<f8", "due": "<f8", "waited": "<f8", "stayed": "?", "whole": "?"}
"""What is kept of a snapshot beside its features, and as what."""


class _Seen(NamedTuple):
    who: str
    at: float  # of the snapshot
    due: float  # end of the label
    waited: float  # seconds to the first order; 0: none, or nobody knows when
    stayed: bool
    whole: bool  # of the churn horizon
    x: bytes


class Blocks(NamedTuple):
    """Rows to learn from: one for each snapshot and block of which it is known whether the order came in it."""

    x: Array  # (rows, features + 1), the last column is the block
    y: NDArray[np.bool_]  # the order came in this block
    snapshots: int  # that they are of


def blocks_of(config: ChurnConfig) -> int:
    """How many blocks of the label horizon cover the churn horizon; the last may be shorter."""
    return math.ceil(config.horizon / config.label_horizon - 1e-9)


class SnapshotSample:
    """The bottom-k sample of one definition of churn.

    Args:
        config: whose horizons the examples must be about.
        size: snapshots that are kept.
        rows: that are learned from at most; a snapshot has one in each block that is known.
        who: what stands for a customer, by the profile's id.
    """

    def __init__(
        self, config: ChurnConfig, *, size: int = SIZE, rows: int = ROWS, who: Callable[[str], str] = str
    ) -> None:
        self._config, self._size, self._rows, self._who = config, size, rows, who
        self._held: dict[int, _Seen] = {}
        self._highest: list[int] = []  # a heap of the negated hashes
        self.until = 0.0  # the end of the latest label

    def __len__(self) -> int:
        return len(self._held)

    def add(self, records: Iterable[OwnRecord]) -> None:
        """Take note of training records."""
        for record in records:
            if type(record) is Example and not record.treated and self._is_whole(record):
                self._add(record)
        self._keep_some()

    def _add(self, example: Example) -> None:
        self.until = max(self.until, example.due)
        whole = example.horizon == "full"
        who = self._who(example.profile)
        self._put(_Seen(who, example.at, example.due, example.first, example.y, whole, example.x))

    def _put(self, seen: _Seen) -> None:
        if not self._known(seen, blocks_of(self._config))[0]:
            return  # the label of the first block says more
        mark = blake2b(f"{seen.who}\0{seen.at!r}".encode(), digest_size=8).digest()
        place = int.from_bytes(mark, "little")
        before = self._held.get(place)
        if before is None:
            heappush(self._highest, -place)
        elif before.whole:
            return
        self._held[place] = seen

    def _is_whole(self, example: Example) -> bool:
        whole = self._config.horizon if example.horizon == "full" else self._config.label_horizon
        numbers = (example.at, example.due, example.first)
        return (
            example.schema == SCHEMA
            and len(example.x) == 4 * len(NAMES)
            and all(map(math.isfinite, numbers))
            and abs(example.due - example.at - whole) <= 1.0
        )

    def _keep_some(self) -> None:
        """Let go of what is two years past, and then of the highest hashes, if there are too many."""
        stale = [place for place, seen in self._held.items() if seen.at < self.until - _KEPT_FOR]
        for place in stale:
            del self._held[place]
        if stale:
            self._highest = [-place for place in self._held]
            heapify(self._highest)
        while len(self._held) > self._size:
            del self._held[-heappop(self._highest)]

    def blocks(self) -> Blocks:
        """Rows to learn from, snapshots of the lowest hashes first, as far as they are no more than memory is for."""
        count = blocks_of(self._config)
        taken: list[_Seen] = []
        owners: list[int] = []
        numbers: list[int] = []
        came: list[bool] = []
        for place in sorted(self._held):
            seen = self._held[place]
            known, ordered = self._known(seen, count)
            if known and len(owners) + known <= self._rows:
                owners += [len(taken)] * known
                numbers += range(known)
                came += [False] * (known - 1) + [ordered]
                taken.append(seen)
        packed = b"".join([seen.x for seen in taken])
        features = np.frombuffer(packed, dtype="<f4").reshape(-1, len(NAMES)).copy()
        features[:, _UNWEIGHED] = 0.0
        sound = np.isfinite(features).all(axis=1)
        which = np.array(owners, dtype=np.int64)
        rows = sound[which] if len(which) else np.zeros(0, dtype=bool)
        x = np.empty((int(rows.sum()), len(NAMES) + 1))
        x[:, :-1] = features[which[rows]]
        x[:, -1] = np.array(numbers, dtype=np.float64)[rows]
        return Blocks(x, np.array(came, dtype=bool)[rows], int(sound.sum()))

    def _known(self, seen: _Seen, count: int) -> tuple[int, bool]:
        """Of how many blocks it is known whether the order came in them, and whether it came in the last of these."""
        if not seen.whole or count == 1:
            return 1, seen.stayed
        if not seen.stayed:
            return count, False
        if seen.waited <= 0:
            return 0, False  # nobody knows when
        return min(math.ceil(seen.waited / self._config.label_horizon - _SLACK), count), True

    def columns(self) -> tuple[list[str], dict[str, NDArray[np.generic]], list[bytes]]:
        """Everything: whose each snapshot is, what is known of it by `FIELDS`, its features."""
        seen = [self._held[place] for place in sorted(self._held)]
        fields = {name: np.array([getattr(one, name) for one in seen], dtype=kind) for name, kind in FIELDS.items()}
        return [one.who for one in seen], fields, [one.x for one in seen]

    def put(self, who: Iterable[str], fields: Mapping[str, NDArray[np.generic]], x: Iterable[bytes]) -> None:
        """Add what `columns` of another gave.

        Raises:
            ValueError: a column is longer than another.
        """
        for whose, *known, features in zip(who, *(fields[name].tolist() for name in FIELDS), x, strict=True):
            seen = _Seen._make((whose, *known, features))
            if len(features) != 4 * len(NAMES):
                raise ValueError("a row does not have every feature")
            self.until = max(self.until, seen.due)
            self._put(seen)
        self._keep_some()

    def forget(self, gone: Mapping[str, float]) -> None:
        """Let go of these customers: of what was seen of each up to a time."""
        stale = [place for place, seen in self._held.items() if seen.at <= gone.get(seen.who, -math.inf)]
        for place in stale:
            del self._held[place]
        self._highest = [-place for place in self._held]
        heapify(self._highest)
