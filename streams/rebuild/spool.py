"""An external sort: records of a rebuild in order of their times, however many there are.

Memory holds one run while they come and a block of each run while they are read again; the rest is on disk.
"""

from __future__ import annotations

import heapq
import tempfile
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import msgspec

from profiles.errors import Misconfigured

__all__ = ["Spool", "Timed"]

_RUN = 32 * 1024 * 1024  # bytes of records that are sorted in memory at a time
_OBJECTS = 200  # bytes that the objects of one take beside them, about
_TOGETHER = 64  # runs that are read at a time
_BLOCK = 512  # records that are read back at a time


class Timed(NamedTuple):
    """A record of `profile.events` that has no place in the log any more. Compares by what it is."""

    time: float  # seconds
    partition: int
    value: bytes  # msgpack


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Timed]).decode


class Spool:
    """Takes records in any order, and gives them back in that of their times. Use it as a context manager.

    Args:
        run: bytes that are sorted in memory at a time.
    """

    def __init__(self, run: int = _RUN) -> None:
        self._run = run
        self._folder = tempfile.TemporaryDirectory(prefix="rapport-rebuild-")
        self._made = 0
        self._runs: list[Path] = []
        self._held: list[Timed] = []
        self._size = 0
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def add(self, record: Timed) -> None:
        """Take one.

        Raises:
            Misconfigured: there is no room on the disk.
        """
        self.count += 1
        self._held.append(record)
        self._size += len(record.value) + _OBJECTS
        if self._size >= self._run:
            self._put()

    def in_order(self) -> Iterator[Timed]:
        """All of them, once.

        Raises:
            Misconfigured: there is no room on the disk.
        """
        self._put()
        while len(self._runs) > _TOGETHER:
            some, self._runs = self._runs[:_TOGETHER], self._runs[_TOGETHER:]
            self._runs.append(self._write(heapq.merge(*map(_read, some))))
            for path in some:
                path.unlink()
        return heapq.merge(*map(_read, self._runs))

    def _put(self) -> None:
        if self._held:
            self._runs.append(self._write(iter(sorted(self._held))))
            self._held, self._size = [], 0

    def _write(self, records: Iterator[Timed]) -> Path:
        self._made += 1
        path = Path(self._folder.name) / f"{self._made:06}.run"
        try:
            with path.open("wb") as file:
                while block := list(islice(records, _BLOCK)):
                    packed = zlib.compress(_encode(block), 1)
                    file.write(len(packed).to_bytes(4, "big"))
                    file.write(packed)
        except OSError as error:
            raise Misconfigured(
                f"there is no room to sort the events ({path.parent}: {error.strerror}); make some, or name a folder "
                "of a larger disk in TMPDIR"
            ) from error
        return path


def _read(path: Path) -> Iterator[Timed]:
    with path.open("rb") as file:
        while length := file.read(4):
            yield from _decode(zlib.decompress(file.read(int.from_bytes(length, "big"))))
