"""The body of a webhook as rows of a table, which a mapping reads as it does those of a file.

What lies within objects is called by its path, what lies in lists by its place: `data.object.amount`, `lines.0.price`.
A mapping that says `rows: line_items` gets a row for each member of that list, with the rest of the body beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console.files.mapping.table_mapping import BadRow

__all__ = ["Rows", "rows_of"]

Rows = tuple[list[str], list[list[str]]]
"""Columns, and of each row the cells."""

_LEVELS = 16
_LISTED = 50  # members of a list that have names of their own
_LONGEST = 500  # characters of a path; what lies deeper than that no mapping names
_CELLS = 500_000  # of one body: an order of 500 lines has some 200,000


def rows_of(body: dict[str, Any], rows: str, alternatives: Mapping[str, Sequence[str]]) -> Rows:
    """A body as a table.

    Args:
        body: of the request.
        rows: path of the list whose members are rows, or of an object that is one; "": the body is one row.
        alternatives: further columns, each of which is the first of some that a row has.

    Raises:
        BadRow: it is more than may be held: rows and columns multiply.
    """
    if not rows:
        found = [dict(_leaves(body, "", 0))]
    else:
        members = _at(body, rows)
        members = [members] if isinstance(members, dict) else members if isinstance(members, list) else []
        common = {name: text for name, text in _leaves(body, "", 0) if not name.startswith(f"{rows}.")}
        _bound(len(members), len(common))
        found = [common | dict(_leaves(member, f"{rows}.", 0)) for member in members if isinstance(member, dict)]
    for row in found:
        for name, several in alternatives.items():
            if (first := next((row[one] for one in several if row.get(one)), None)) is not None:
                row[name] = first
    columns = list(dict.fromkeys(name for row in found for name in row))
    _bound(len(found), len(columns))
    return columns, [[row.get(name, "") for name in columns] for row in found]


def _bound(rows: int, columns: int) -> None:
    if rows * columns > _CELLS:
        raise BadRow(f"{rows} rows of {columns} columns are more than {_CELLS} cells")


def _leaves(value: object, path: str, level: int) -> Iterator[tuple[str, str]]:
    if level > _LEVELS or len(path) > _LONGEST:
        return
    if isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else enumerate(value[:_LISTED])
        for name, inner in inside:
            ending = "." if isinstance(inner, dict | list) else ""
            yield from _leaves(inner, f"{path}{name}{ending}", level + 1)
    elif value is not None:  # as if it were not there, so that another name of the same may stand in
        yield path, _text(value)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _at(body: object, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body
