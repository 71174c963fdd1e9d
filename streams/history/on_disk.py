"""A sequence of structs on disk, written once and gone through as often as need be; memory holds a block of them."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from profiles.errors import Misconfigured

__all__ = ["OnDisk"]

_BLOCK = 512  # items that are read back at a time

Item = TypeVar("Item")

_encode = msgspec.msgpack.Encoder().encode


class OnDisk(Generic[Item]):
    """Items in the order in which they were added; the file goes when nobody holds this any more.

    Args:
        kind: of the items: what msgpack can carry.
    """

    def __init__(self, kind: type[Item]) -> None:
        self._decode = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]
        handle, name = tempfile.mkstemp(prefix="rapport-records-")
        os.close(handle)
        self._path = Path(name)
        self._length = 0
        weakref.finalize(self, _remove, self._path)

    def extend(self, items: Iterable[Item]) -> None:
        """Add some.

        Raises:
            Misconfigured: there is no room on the disk.
        """
        left = iter(items)
        try:
            with self._path.open("ab") as file:
                while block := list(islice(left, _BLOCK)):
                    packed = _encode(block)
                    file.write(len(packed).to_bytes(4, "big"))
                    file.write(packed)
                    self._length += len(block)
        except OSError as error:
            raise Misconfigured(
                f"there is no room for the events ({self._path.parent}: {error.strerror}); make some, or name a folder "
                "of a larger disk in TMPDIR"
            ) from error

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        with self._path.open("rb") as file:
            while length := file.read(4):
                yield from self._decode(file.read(int.from_bytes(length, "big")))


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()
