"""From rows of a table to the events that they are: several rows may be one event, and one row several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

from console.files.mapping.columns import column_named, columns_of, numbered, numbers_of
from console.files.mapping.compiling import Row, check_translate, compile_item, compile_row
from console.files.mapping.table_mapping import Also, BadRow, LeftOut, TableMapping
from console.files.numbers import Decimal, read_number
from profiles.errors import WrongUse

__all__ = ["Shaper"]

Cells = Sequence[str]

_NOTHING = " 0.,-–—"

_WHO = frozenset({"user_id", "userId", "anonymous_id", "anonymousId", "group_id", "groupId"})
_TIMES = frozenset({"timestamp", "time"})
_ADDRESSES = ("email", "phone")  # a customer is known by them as well
_FIGURES = frozenset({"number", "int", "currency"})


class Shaper:
    """What a mapping makes of the rows of one table.

    Args:
        mapping: how they become events.
        columns: of the table.

    Raises:
        WrongUse: a column or field does not exist, or the mapping says neither who nor when nor what.
    """

    def __init__(self, mapping: TableMapping, columns: Sequence[str]) -> None:
        numbers = numbers_of(mapping.each, columns) if mapping.each else []
        if mapping.each and not numbers:
            raise WrongUse(f"there is no column like {mapping.each!r}, with a number for #")
        if mapping.each and mapping.items:
            raise WrongUse("each and items do not go together: a row is several events, or several rows are one")
        every = [numbered(mapping, number) for number in numbers]
        mapping = every[0] if every else mapping
        check_translate(mapping)
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
            (at, also.event or also.type, _further(mapping, also, all_columns))
            for also in mapping.also
            if (at := _at(all_columns, also.when)) is not None
        ]
        self._each = [(_at(all_columns, one.each), one.each, compile_row(one, all_columns)) for one in every]
        self._items = mapping.items
        self._of = _at(columns, mapping.items.of) if mapping.items else None
        self._item = compile_item(mapping, mapping.items.map, all_columns) if mapping.items else None

        self._decimal = mapping.decimal
        self._who = _columns(mapping, all_columns, _is_who)
        self._agreed = {at: all_columns[at] for at in _columns(mapping, all_columns, _is_agreed)} if self._items else {}
        self._timed = bool(_columns(mapping, all_columns, lambda field, _: field in _TIMES))
        self._plain = not (mapping.split or mapping.leave_out or mapping.also or mapping.items or mapping.each)

    @property
    def grouped(self) -> bool:
        """Whether several rows may be one event."""
        return self._of is not None

    @property
    def single(self) -> bool:
        """Whether each row is at most one event."""
        return not self._also and not self._each

    def group(self, cells: Cells) -> str | None:
        """Of which event a row says that it is a part; "" of that before it, None if it has no such cell."""
        if self._of is None or len(cells) <= self._of:
            return None
        return cells[self._of].strip()

    def is_row(self, cells: Cells, within: Cells) -> bool:
        """Whether the cells of a line would be a row by themselves, where that line stands within a cell of another.

        Args:
            cells: of the line.
            within: those of the row that it stands in. Where no column says a time, nearly every line would be a row:
                then it must also name its customer as that row does.
        """
        if self.grouped and len(cells) == self._width and self.group(cells) in ("", self.group(within)):
            return True
        try:
            good = bool(self.events([cells], 0))
        except BadRow as error:
            return isinstance(error, LeftOut)
        wide = [self._widened(each) for each in (cells, within)]
        return good and (self._timed or all(_look(wide[0][at]) == _look(wide[1][at]) for at in self._who))

    def events(self, rows: Sequence[Cells], line: int, failed: list[str] | None = None) -> list[dict[str, Any]]:
        """The events of rows that belong together.

        Args:
            rows: their cells.
            line: the last that they stand in.
            failed: gets what is wrong with further events, which then takes nothing from the first.

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
        several = [(name, row) for at, name, row in self._each if at is not None and _holds(cells[at])]
        if self._each and not several:
            raise LeftOut(f"no column such as {self._each[0][1]} holds anything")
        event = (several[0][1] if several else self._event)(cells, line)
        if len(wide) > 1:
            self._agree(wide)
        if self._items and self._item:
            listed = [item for each in wide if (item := self._item(each, line))]
            if listed:
                node = event
                *path, last = self._items.into.split(".")
                for parent in path:
                    node = node.setdefault(parent, {})
                node[last] = listed
        several = [*several[1:], *((name, row) for at, name, row in self._also if _holds(cells[at]))]
        return [event, *self._further(several, cells, line, [] if failed is None else failed)]

    def _further(
        self, several: Sequence[tuple[str, Row]], cells: Cells, line: int, failed: list[str]
    ) -> Iterator[dict[str, Any]]:
        for name, row in several:
            try:
                yield row(cells, line)
            except BadRow as error:
                failed.append(f"{name}: {error}")

    def _agree(self, rows: Sequence[Cells]) -> None:
        """Look whether the rows of one event say the same of who, when and how much, as far as they say it.

        Raises:
            BadRow: they do not.
        """
        for at, name in self._agreed.items():
            said = {cells[at].strip().casefold(): cells[at].strip() for cells in rows if cells[at].strip()}
            if len(said) > 1 and len({_value(text, self._decimal) for text in said}) > 1:
                one, other, *_ = said.values()
                raise BadRow(
                    f"its {len(rows)} rows are one event, but {name} is {one!r} in one and {other!r} in another"
                )

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


def _columns(mapping: TableMapping, columns: Sequence[str], wanted: Callable[[str, str], bool]) -> list[int]:
    """The columns that fields of the events are made of, of the fields that are wanted by name and type."""
    parts: tuple[TableMapping | Also, ...] = (mapping, *mapping.also)
    targets = chain.from_iterable((*part.map.items(), *part.set.items()) for part in parts)
    found = (columns_of(field, target, columns) for field, target in targets if wanted(field, target.type))
    return sorted(set(chain.from_iterable(found)))


def _is_who(field: str, _: str) -> bool:
    return field in _WHO or (field.rpartition(".")[2] in _ADDRESSES and not field.startswith("properties."))


def _is_agreed(field: str, kind: str) -> bool:
    """Whether the rows of one event must say the same of a field: else one would count, and the others be lost."""
    return _is_who(field, kind) or field in _TIMES or kind in _FIGURES


def _value(text: str, decimal: Decimal) -> object:
    """What a cell says: 10 and 10.00 say the same."""
    try:
        return read_number(text, decimal)
    except ValueError:
        return text


def _look(text: str) -> tuple[bool, ...]:
    """What ids of one kind have in common: an @, figures, a space, or none."""
    return "@" in text, any(map(str.isdigit, text)), " " in text.strip(), not text.strip()


def _further(mapping: TableMapping, also: Also, columns: Sequence[str]) -> Row:
    changes = {"type": also.type, "event": also.event, "map": also.map, "set": also.set, "also": (), "items": None}
    return compile_row(mapping.model_copy(update=changes), columns)


def _holds(cell: str) -> bool:
    """Whether there is something in a cell: many programs write a dash where there is nothing."""
    return bool(cell.strip(_NOTHING))


def _at(columns: Sequence[str], name: str) -> int | None:
    """Where a column is; None for one that need not be there, and is not."""
    if found := column_named(name, columns):
        return columns.index(found)
    if name.endswith("?"):
        return None
    raise WrongUse(f"there is no column {name!r}; the columns are {', '.join(filter(None, columns))}")
