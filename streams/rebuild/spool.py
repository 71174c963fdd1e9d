"""Records of a rebuild in order of their times, sorted on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from streams.external_sort import ExternalSort

__all__ = ["Spool", "Timed"]

_RUN = 32 * 1024 * 1024  # bytes of records that are sorted in memory at a time
_OBJECTS = 200  # bytes that the objects of one take beside them, about


class Timed(NamedTuple):
    """A record of `profile.events` that has no place in the log any more. Compares by what it is."""

    time: float  # seconds
    partition: int
    value: bytes  # msgpack


class Spool(ExternalSort[Timed]):
    """An external sort in a folder of its own. Use it as a context manager.

    Args:
        run: bytes that are sorted in memory at a time.
    """

    def __init__(self, run: int = _RUN) -> None:
        self._own = tempfile.TemporaryDirectory(prefix="rapport-rebuild-")
        super().__init__(Timed, Path(self._own.name), _size_of, run, "name a folder of a larger disk in TMPDIR")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._own.cleanup()


def _size_of(record: Timed) -> int:
    return len(record.value) + _OBJECTS
