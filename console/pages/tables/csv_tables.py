"""Tables of pages as CSV, for spreadsheets: what somebody sees on the page, and no more."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import Request, Response

from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.views.analysing.csv_cells import cell

__all__ = ["MOST", "Columns", "at", "cell", "paged", "table", "written"]

MOST = 5000
"""Rows of a table that goes on page by page: as many as can be read in a second or two."""

Row = TypeVar("Row")

Columns = Mapping[str, Callable[[Row], Any]]
"""By the name of a column, what a row has there."""

Ask = Callable[[str | None], Awaitable[tuple[list[Row], str | None]]]
"""Answers some rows from where a cursor says, and the next cursor."""


def table(
    request: Request, entry: Entry, frame: Frame, viewer: Viewer, name: str, rows: Iterable[Row],
    columns: Columns[Row], *, following: str | None = None, about: str = "",
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
        following: the cursor of the rows that come after these, which the answer names as its next.
        about: the id of what the rows are of, where there are many tables of this name; no personal data.
    """
    seen = frame.seen(viewer, list(rows))
    entry.note(request, viewer, "table.csv", about or name, fields=tuple(columns))
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.csv"'}
    if following is not None:
        after = request.url.include_query_params(cursor=following)
        headers["Link"] = f'<{after.path}?{after.query}>; rel="next"'
    # With a mark of UTF-8, without which spreadsheets read names as of another alphabet.
    return Response(f"\ufeff{written(seen, columns)}", media_type="text/csv; charset=utf-8", headers=headers)


async def paged(ask: Ask[Row], cursor: str | None) -> tuple[list[Row], str | None]:
    """The rows of a table from where it begins, 5,000 at most, and where the others begin."""
    rows: list[Row] = []
    while True:
        found, cursor = await ask(cursor)
        rows += found
        if cursor is None or len(rows) >= MOST:
            return rows, cursor


def written(rows: Iterable[Row], columns: Columns[Row]) -> str:
    """The text of a file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(of(row)) for of in columns.values()])
    return text.getvalue()


def at(seconds: float | None) -> str:
    """A time as a cell."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
