"""Tables that can be read at any width: what does not fit side by side is written below one another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

__all__ = ["Listing"]

_GAP = 2
_PROSE = 28  # columns that sentences need


class Listing:
    """Rows with headings. Cells keep their line; only the last column may be prose, which is wrapped.

    Where a row does not fit the terminal, its first cell becomes a line and the others stand below it, each with its
    heading.

    Args:
        headings: of the columns.
        rows: their cells, text or `Text`.
        right: the columns of numbers.
        prose: whether the last column holds sentences.
        title: said above.
    """

    def __init__(
        self, headings: Sequence[str], rows: Iterable[Sequence[str | Text]], *, right: Iterable[str] = (),
        prose: bool = False, title: str = "",
    ) -> None:  # fmt: skip
        self._headings = headings
        self._rows = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
        self._right = set(right)
        self._prose = prose
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """A table if it fits, else a paragraph for each row."""
        if self._title:
            yield Text(self._title, "bold")
        if self.least <= options.max_width:
            yield self._table()
        else:
            yield from self._paragraphs()

    @property
    def least(self) -> int:
        """Columns of a terminal on which it is a table."""
        columns = [[Text(heading), *(row[at] for row in self._rows)] for at, heading in enumerate(self._headings)]
        widths = [max(cell.cell_len for cell in column) for column in columns]
        if self._prose:
            widths[-1] = min(widths[-1], _PROSE)
        return sum(widths) + _GAP * (len(widths) - 1)

    def _table(self) -> Table:
        table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
        for at, heading in enumerate(self._headings):
            last = self._prose and at == len(self._headings) - 1
            table.add_column(heading, justify="right" if heading in self._right else "left", no_wrap=not last)
        for row in self._rows:
            table.add_row(*row)
        return table

    def _paragraphs(self) -> RenderResult:
        for first, *others in self._rows:
            yield first if self._headings[0] == "" else Text.assemble((f"{self._headings[0]} ", "dim"), first)
            for heading, cell in zip(self._headings[1:], others, strict=True):
                if cell.plain:
                    told = Text.assemble((f"{heading}: ", "dim"), cell) if heading else cell
                    yield Padding(told, (0, 0, 0, _GAP), expand=False)
