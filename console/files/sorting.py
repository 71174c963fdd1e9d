"""Files of events in order of time: read as they are where they are in order, else sorted in runs on disk.

Memory holds one run, or one block of each run; it does not grow with the file.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from console.files.rows import FileSpec, Item, read_items
from profiles.errors import Misconfigured
from streams.history.past import Past, key_of

__all__ = ["RUN", "TIES", "History", "Order", "past_of"]

RUN = 64 * 1024 * 1024
"""Bytes of events that are sorted in memory at a time."""

TIES = 10_000
"""Events of one time that are put into order in memory; a file with more of them is sorted as one without order is."""

_BLOCK = 512  # events that are read back at a time

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Past]).decode


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
    """

    path: Path
    spec: FileSpec
    ordered: bool = False
    _runs: list[Path] = field(default_factory=list)

    def prepare(self, folder: Path, run: int = RUN, tell: Callable[[int], object] = lambda _: None) -> None:
        """Sort a file that is not in order into runs.

        Args:
            folder: for the runs, which exists and is nobody else's.
            run: bytes of events in one of them.
            tell: hears how many events have been sorted since it was last told.

        Raises:
            Misconfigured: there is no room.
        """
        if self.ordered:
            return
        held: list[Past] = []
        size = 0
        for past in self._read():
            # A copy: what orjson writes keeps the room that it was written in, some 4 KB.
            held.append(past._replace(event=bytes(memoryview(past.event))))
            size += len(past.event) + 300  # about what its objects take
            if size >= run:
                self._runs.append(_write(sorted(held), folder))
                tell(len(held))
                held, size = [], 0
        self._runs.append(_write(sorted(held), folder))
        tell(len(held))

    def streams(self) -> list[Iterator[Past]]:
        """Its events, as streams that are sorted."""
        return [_read_run(path) for path in self._runs] if not self.ordered else [_ties_sorted(self._read())]

    def _read(self) -> Iterator[Past]:
        return (past_of(item) for item in read_items(self.path, self.spec, "") if not item.problem)


def _ties_sorted(events: Iterable[Past]) -> Iterator[Past]:
    """Events in order of time, those of one time in the order that they have everywhere."""
    alike: list[Past] = []
    for past in events:
        if alike and past.time != alike[0].time:
            yield from alike if len(alike) == 1 else sorted(alike)
            alike = []
        alike.append(past)
    yield from sorted(alike)


def _write(events: Sequence[Past], folder: Path) -> Path:
    """A run on disk: blocks of events, compressed, each behind its length."""
    try:
        path = folder / f"{len(list(folder.iterdir())):06}.run"
        with path.open("wb") as file:
            for start in range(0, len(events), _BLOCK):
                block = zlib.compress(_encode(events[start : start + _BLOCK]), 1)
                file.write(len(block).to_bytes(4, "big"))
                file.write(block)
    except OSError as error:
        raise Misconfigured(
            f"there is no room to sort the events ({folder}: {error.strerror}); make some, or give --data-dir on a "
            "larger disk"
        ) from error
    return path


def _read_run(path: Path) -> Iterator[Past]:
    with path.open("rb") as file:
        while length := file.read(4):
            yield from _decode(zlib.decompress(file.read(int.from_bytes(length, "big"))))
