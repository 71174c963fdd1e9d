"""Rows of a table that are one event, such as the line items of an order, by what they say and where they stand."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

from console.files.reading.cells import Record
from console.files.shaping import Shaper

__all__ = ["Group", "together"]

_LARGEST = 100_000  # cells of rows that are one event, which is no larger than an event may be


class Group(NamedTuple):
    """Rows that are one event."""

    name: str  # as they say; "" if they do not
    records: list[Record]


def together(rows: Iterator[Record], shaper: Shaper, mark: str) -> Iterator[Group]:
    """All rows, in their order, in groups.

    A row that cannot be read is still of the event that it names. One that does not even show that may be of the event
    before it and of the one behind it: none of them is whole without it.

    Args:
        rows: of the table.
        shaper: knows what a row says of its event.
        mark: the character by which the table is divided.
    """
    group: list[Record] = []
    name, size, hidden = "", 0, False
    for record in rows:
        its = _named(record, shaper, mark)
        size += len(record.cells) or len(record.lines[0].text) // 100
        joins = its == name if its and name else not its and bool(name or (group and group[0].problem))
        if its is None and not record.problem:  # a line of another kind, such as one of totals
            joins = False
        elif hidden:
            joins = not record.problem
        if group and not (joins and size < _LARGEST):
            yield Group(name, group)
            group, size, name = [], 0, ""
        group.append(record)
        name = its or name
        hidden = its is None and bool(record.problem)
    if group:
        yield Group(name, group)


def _named(record: Record, shaper: Shaper, mark: str) -> str | None:
    """Of which event a row is; "" of that before it, None if it does not show that."""
    if not record.problem:
        return shaper.group(record.cells)
    try:
        cells = next(csv.reader([record.lines[0].text], delimiter=mark), [])
    except csv.Error:
        return None
    return shaper.group(cells[:-1])  # the last may be all that is behind a quote
