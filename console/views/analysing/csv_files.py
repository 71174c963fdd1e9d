"""Tables of analyses as CSV: figures as they are, money in whole minor units, nothing that a spreadsheet computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from console.views.analysing.analysis_documents import Listed, spelled
from console.views.analysing.csv_cells import cell

if TYPE_CHECKING:
    from analysis.result import Result

__all__ = ["listed_csv", "table_csv"]


def table_csv(result: Result) -> str:
    """A result with the names of its columns as the first line."""
    names = [column.name for column in result.columns]
    return written(names, ([spelled(row.get(name)) for name in names] for row in result.rows))


def listed_csv(rows: Sequence[Listed]) -> str:
    """A list of customers."""
    figures = list(rows[0].figures) if rows else []
    lines = ([row.profile, row.label, *(row.figures.get(name) for name in figures)] for row in rows)
    return written(["profile", "label", *figures], lines)


def written(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """The text of a file."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()
