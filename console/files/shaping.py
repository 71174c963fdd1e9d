"""From rows of a table to the events that they are: several rows may be one event, and one row several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from console.files.mapping import Also, BadRow, LeftOut, Row, TableMapping, compile_item, compile_row
from profiles.errors import WrongUse

__all__ = ["Shaper"]

Cells = Sequence[str]


class Shaper:
    """What a mapping makes of the rows of one table.

    Args:
        mapping: how they become events.
        columns: of the table.

    Raises:
        WrongUse: a column or field does not exist, or the mapping says neither who nor when nor what.
    """

    def __init__(self, mapping: TableMapping, columns: Sequence[str]) -> None:
        self._width = len(columns)
        self._least = max((at for at, name in enumerate(columns, start=1) if name), default=0)
        self._splits = [(_at(columns, name), split) for name, split in mapping.split.items()]
        all_columns = [*columns, *(name for _, split in self._splits for name in split.into)]
        self._left_out = [
            (name, at, {text.casefold() for text in texts})
            for name, texts in mapping.leave_out.items()
            if (at := _at(all_columns, name)) is not None
        ]
        self._event = compile_row(mapping, all_columns)
        self._also = [
            (at, _further(mapping, also, all_columns))
            for also in mapping.also
            if (at := _at(all_columns, also.when)) is not None
        ]
        self._items = mapping.items
        self._of = _at(columns, mapping.items.of) if mapping.items else None
        self._item = compile_item(mapping, mapping.items.map, all_columns) if mapping.items else None

        self._plain = not (mapping.split or mapping.leave_out or mapping.also or mapping.items)

    @property
    def grouped(self) -> bool:
        """Whether several rows may be one event."""
        return self._of is not None

    @property
    def single(self) -> bool:
        """Whether each row is at most one event."""
        return not self._also

    def group(self, cells: Cells) -> str:
        """Of which event a row says that it is a part; "" where rows stand alone, or of the one before."""
        return "" if self._of is None or len(cells) <= self._of else cells[self._of].strip()

    def joins(self, first: Cells, cells: Cells) -> bool:
        """Whether a row belongs to the event that another has begun."""
        if self._of is None or min(len(first), len(cells)) < self._least:
            return False
        return self.group(cells) in ("", self.group(first))

    def events(self, rows: Sequence[Cells], line: int) -> list[dict[str, Any]]:
        """The events of rows that belong together.

        Raises:
            BadRow: they cannot become events; `LeftOut` if they are not meant to.
        """
        if self._plain:
            return [self._event(self._fitted(rows[0]), line)]
        wide = [self._widened(cells) for cells in rows]
        cells = wide[0] if len(wide) == 1 else [next(filter(str.strip, same), "") for same in zip(*wide, strict=True)]
        for name, at, texts in self._left_out:
            if cells[at].strip().casefold() in texts:
                raise LeftOut(f"{name} is {cells[at].strip() or 'empty'}")
        event = self._event(cells, line)
        if self._items and self._item:
            listed = [item for each in wide if (item := self._item(each, line))]
            if listed:
                node = event
                *path, last = self._items.into.split(".")
                for parent in path:
                    node = node.setdefault(parent, {})
                node[last] = listed
        return [event, *(row(cells, line) for at, row in self._also if _holds(cells[at]))]

    def _fitted(self, cells: Cells) -> Cells:
        """With as many cells as there are columns, if only empty ones, or those of columns without a name, are over."""
        size = len(cells)
        if size > self._width and not any(map(str.strip, cells[self._width :])):
            return cells[: self._width]
        return cells if size == self._width or size < self._least else [*cells, *[""] * (self._width - size)]

    def _widened(self, cells: Cells) -> Cells:
        cells = self._fitted(cells)
        if len(cells) != self._width:
            raise BadRow(f"{len(cells)} cells where {self._width} columns are expected")
        if not self._splits:
            return cells
        parts: list[str] = []
        for at, split in self._splits:
            found = cells[at].split(split.by, len(split.into) - 1) if at is not None else []
            parts += [*found, *[""] * (len(split.into) - len(found))]
        return [*cells, *parts]


def _further(mapping: TableMapping, also: Also, columns: Sequence[str]) -> Row:
    changes = {"type": also.type, "event": also.event, "map": also.map, "set": also.set, "also": (), "items": None}
    return compile_row(mapping.model_copy(update=changes), columns)


def _holds(cell: str) -> bool:
    return bool(cell.strip(" 0.,"))


def _at(columns: Sequence[str], name: str) -> int | None:
    """Where a column is; None for one that need not be there, and is not."""
    plain = name.removesuffix("?")
    if name in columns or plain in columns:
        return columns.index(name if name in columns else plain)
    if name.endswith("?"):
        return None
    raise WrongUse(f"there is no column {name!r}; the columns are {', '.join(filter(None, columns))}")
