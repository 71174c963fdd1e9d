"""Ids of rows: by what a row says, or by its key, so that a second file with the same row repeats it."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from console.files.mapping.table_mapping import BadRow
from streams.history.past import key_of

__all__ = ["Ids", "Twins"]

_FIELDS = frozenset({"userId", "anonymousId", "groupId", "previousId", "event", "name", "category", "timestamp"})
_TREES = frozenset({"properties", "traits", "context"})


class Twins:
    """Which ids stand several times in a file, found by one reading: 8 bytes a row."""

    def __init__(self) -> None:
        self._seen = array("Q")

    def note(self, id: str) -> None:
        """Take in the id of a row."""
        self._seen.append(_number(id))

    def found(self) -> frozenset[int]:
        """Of the ids that were noted those that were more than once."""
        numbers, counts = np.unique(np.frombuffer(self._seen, dtype=np.uint64), return_counts=True)
        return frozenset(numbers[counts > 1].tolist())


class Ids:
    """Names the rows of one reading of a file, from its first row on.

    Several rows that are alike to the last letter are several events: the second and later ones carry a number, as in
    a load of history. Two rows with one key are none: which of them would count?

    Args:
        key: fields that name a row together: a path of an event, or the name of a property. Without, all of a row does.
        twins: ids that stand several times, by `Twins`; None when that is not known, at some 100 bytes a row.
    """

    def __init__(self, key: Sequence[str] = (), twins: Collection[int] | None = None) -> None:
        self._key = {name: _path(name) for name in key}
        self._twins = twins
        self._met: dict[int, int] = {}  # id → how often so far, or the first line with that key

    @property
    def in_order(self) -> bool:
        """Whether the id of a row hangs on the rows before it."""
        return self._twins is None or bool(self._twins)

    def of(self, source: str, event: Mapping[str, Any], encoded: bytes, line: int) -> str:
        """The id of a row.

        Args:
            source: of the event.
            event: that the row becomes.
            encoded: the same as JSON, without messageId.
            line: where it stands.

        Raises:
            BadRow: it lacks a part of its key, or another row has the same.
        """
        name = self._by_key(source, event) if self._key else key_of(source, encoded)
        number = _number(name)
        if self._twins is not None and number not in self._twins:
            return name
        before = self._met.get(number)
        if not self._key:
            self._met[number] = alike = 0 if before is None else before + 1
            return f"{name}-{alike}" if alike else name
        if before is not None:
            raise BadRow(
                f"line {before} has the same {', '.join(self._key)}, so that one of them would be taken for a repeat; "
                f"give a --key that tells them apart, such as --key {','.join(self._key)},COLUMN"
            )
        self._met[number] = line
        return name

    def _by_key(self, source: str, event: Mapping[str, Any]) -> str:
        found = [source, str(event.get("type")), str(event.get("event", ""))]
        for name, path in self._key.items():
            value: Any = event
            for part in path:
                value = value.get(part) if isinstance(value, Mapping) else None
            if value is None or value == "":
                raise BadRow(f"it has no {'.'.join(path)}, which --key {name} says is its key")
            found.append(str(value))
        return blake2b("\0".join(found).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _number(id: str) -> int:
    return int(id[:16], 16)


def _path(name: str) -> tuple[str, ...]:
    first, *rest = name.split(".")
    return (first, *rest) if (rest and first in _TREES) or name in _FIELDS else ("properties", *name.split("."))
