"""An external sort: items in order, however many there are.

Memory holds one run while they come and a block of each run while they are read again; the rest is on disk.
"""

from __future__ import annotations

import heapq
import os
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from profiles.errors import Misconfigured

__all__ = ["ExternalSort"]

_TOGETHER = 64  # runs that are read at a time
_BLOCK = 512  # items that are read back at a time

Sortable = TypeVar("Sortable", bound=tuple[Any, ...])

_encode = msgspec.msgpack.Encoder().encode


class ExternalSort(Generic[Sortable]):
    """Takes items in any order, and gives them back sorted.

    Args:
        kind: of the items: a named tuple that msgpack can carry.
        folder: for the runs; it exists, and its owner removes it.
        size: bytes that an item takes in memory, about.
        run: bytes that are sorted in memory at a time.
        remedy: what to do when there is no room on the disk, as in "set TMPDIR".
        tell: hears how many items more have been sorted.
    """

    def __init__(
        self,
        kind: type[Sortable],
        folder: Path,
        size: Callable[[Sortable], int],
        run: int,
        remedy: str,
        tell: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._decode = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
        self._folder = folder
        self._size_of = size
        self._run = run
        self._remedy = remedy
        self._tell = tell
        self._runs: list[Path] = []
        self._held: list[Sortable] = []
        self._size = 0
        self.count = 0

    def add(self, item: Sortable) -> None:
        """Take one.

        Raises:
            Misconfigured: there is no room on the disk.
        """
        self.count += 1
        self._held.append(item)
        self._size += self._size_of(item)
        if self._size >= self._run:
            self.put()

    def put(self) -> None:
        """Write what is held in memory as a run, so that memory is free for others.

        Raises:
            Misconfigured: there is no room on the disk.
        """
        if self._held:
            self._runs.append(self._write(sorted(self._held)))
            self._tell(len(self._held))
            self._held, self._size = [], 0

    def in_order(self) -> Iterator[Sortable]:
        """All of them, once.

        Raises:
            Misconfigured: there is no room on the disk.
        """
        self.put()
        while len(self._runs) > _TOGETHER:
            some, self._runs = self._runs[:_TOGETHER], self._runs[_TOGETHER:]
            self._runs.append(self._write(heapq.merge(*map(self._read, some))))
            for path in some:
                path.unlink()
        return heapq.merge(*map(self._read, self._runs))

    def _write(self, items: Iterable[Sortable]) -> Path:
        """A run on disk: blocks of items, compressed, each behind its length."""
        left = iter(items)
        try:
            handle, name = tempfile.mkstemp(".run", dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                while block := list(islice(left, _BLOCK)):
                    packed = zlib.compress(_encode(block), 1)
                    file.write(len(packed).to_bytes(4, "big"))
                    file.write(packed)
        except OSError as error:
            raise Misconfigured(
                f"there is no room to sort the events ({self._folder}: {error.strerror}); make some, or {self._remedy}"
            ) from error
        return Path(name)

    def _read(self, path: Path) -> Iterator[Sortable]:
        with path.open("rb") as file:
            while length := file.read(4):
                yield from self._decode(zlib.decompress(file.read(int.from_bytes(length, "big"))))
