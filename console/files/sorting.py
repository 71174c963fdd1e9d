"""Files of events in order of time: read as they are where they are in order, else sorted on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from console.files.ids import Ids
from console.files.rows import FileSpec, Item, read_items
from streams.external_sort import ExternalSort
from streams.history.past import Past, key_of

__all__ = ["RUN", "TIES", "History", "Order", "past_of"]

RUN = 64 * 1024 * 1024
"""Bytes of events that are sorted in memory at a time."""

TIES = 10_000
"""Events of one time that are put into order in memory; a file with more of them is sorted as one without order is."""


def past_of(item: Item) -> Past:
    """A good row as an event of the past."""
    if item.id:
        return Past(item.time, item.source, item.id, item.event)
    return Past(item.time, item.source, key_of(item.source, item.event), item.event, named=False)


@dataclass(slots=True)
class Order:
    """Notes, row by row, whether a file can be read as it is."""

    kept: bool = True
    last: float = float("-inf")
    ties: int = 0

    def note(self, time: float) -> None:
        """Look at the time of the next event."""
        if time < self.last:
            self.kept = False
        self.ties = self.ties + 1 if time == self.last else 1
        self.kept = self.kept and self.ties <= TIES
        self.last = time


@dataclass(slots=True)
class History:
    """One file of the past.

    Args:
        path: of the file.
        spec: what it holds.
        ordered: its events stand in order of time, as `Order` found.
        earliest: rows that say they happened before are bad; seconds.
    """

    path: Path
    spec: FileSpec
    ordered: bool = False
    earliest: float = 0.0
    _sorted: ExternalSort[Past] | None = None

    def prepare(self, folder: Path, run: int = RUN, tell: Callable[[int], object] = lambda _: None) -> None:
        """Sort a file that is not in order, on disk.

        Args:
            folder: for what is sorted, which exists and is nobody else's.
            run: bytes of events that are sorted at a time.
            tell: hears how many events have been sorted since it was last told.

        Raises:
            Misconfigured: there is no room.
        """
        if self.ordered:
            return
        self._sorted = ExternalSort(Past, folder, _size_of, run, "give --data-dir on a larger disk", tell)
        for past in self._read():
            # A copy: what orjson writes keeps the room that it was written in, some 4 KB.
            self._sorted.add(past._replace(event=bytes(memoryview(past.event))))
        self._sorted.put()

    def in_order(self) -> Iterator[Past]:
        """Its events, sorted; after `prepare`."""
        return _ties_sorted(self._read()) if self._sorted is None else self._sorted.in_order()

    def _read(self) -> Iterator[Past]:
        ids = Ids(self.spec.key) if self.spec.key else None
        items = read_items(self.path, self.spec, ids, earliest=self.earliest)
        return (past_of(item) for item in items if not item.problem)


def _size_of(past: Past) -> int:
    return len(past.event) + 300  # about what its objects take


def _ties_sorted(events: Iterable[Past]) -> Iterator[Past]:
    """Events in order of time, those of one time in the order that they have everywhere."""
    alike: list[Past] = []
    for past in events:
        if alike and past.time != alike[0].time:
            yield from alike if len(alike) == 1 else sorted(alike)
            alike = []
        alike.append(past)
    yield from sorted(alike)
