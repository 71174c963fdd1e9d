"""Tables of pages as CSV, for spreadsheets: what somebody sees on the page, and no more."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request, Response

from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.views.document import Money

__all__ = ["MOST", "Columns", "at", "table", "written"]

MOST = 5000
"""Rows of a table that goes on page by page: as many as can be read in a second or two."""

Row = TypeVar("Row")

Columns = Mapping[str, Callable[[Row], Any]]
"""By the name of a column, what a row has there."""

_FORMULA = re.compile(r"[\s\ufeff\x00]*[=+\-@|%＝＋－＠]|[\t\r\n\x00]")  # those of full width as well
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")


def table(
    request: Request, entry: Entry, frame: Frame, viewer: Viewer, name: str, rows: Iterable[Row],
    columns: Columns[Row], *, more: bool = False,
) -> Response:  # fmt: skip
    """A table as a file, and that somebody took it as a row of the audit trail.

    Args:
        request: that asks for it.
        entry: writes it down.
        frame: knows what the viewer may see of each row.
        viewer: who asks.
        name: of the file.
        rows: of the table, documents or tuples of them, unmasked.
        columns: what is in it.
        more: whether there are rows beyond these.
    """
    seen = frame.seen(viewer, list(rows))
    entry.note(request, viewer, "table.csv", name, fields=tuple(columns))
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    if more:
        headers["X-More-Rows"] = "true"
    # With a mark of UTF-8, without which spreadsheets read names as of another alphabet.
    return Response(f"\ufeff{written(seen, columns)}", media_type="text/csv; charset=utf-8", headers=headers)


def written(rows: Iterable[Row], columns: Columns[Row]) -> str:
    """The text of a file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(of(row)) for of in columns.values()])
    return text.getvalue()


def at(seconds: float | None) -> str:
    """A time as a cell."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _cell(value: Any) -> str:
    """What stands in a cell. A text that a spreadsheet would take for a formula begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return _plain(value)
    if isinstance(value, list | tuple):
        return _cell(", ".join(_plain(one) for one in value))
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _plain(value: Any) -> str:
    return f"{value.amount} {value.currency}" if isinstance(value, Money) else str(value)
