"""Tables at any width: no word is broken into columns of a few letters, and nothing is lost."""

from __future__ import annotations

import pytest
from rich.console import Console

from console.terminal.listing import Listing

ROWS = [
    ("value_at_risk", "1,204", "whoever ordered a lot and has not been seen for longer than they usually stay away"),
    ("loyal", "12", "orders every month"),
]


def shown(width: int) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as written:
        console.print(Listing(("segment", "now", "what it is"), ROWS, right=("now",), prose=True, title="Segments"))
    return written.get()


@pytest.mark.parametrize("width", [200, 80, 60, 40, 30])
def test_every_word_is_whole_at_any_width(width: int) -> None:
    told = shown(width)

    assert set(told.split()) >= {word for row in ROWS for cell in row for word in cell.split()}
    assert max(map(len, told.splitlines())) <= width


def test_rows_are_side_by_side_where_they_fit_and_paragraphs_where_not() -> None:
    assert "loyal             12  orders every month" in shown(80)
    assert "segment loyal\n" in shown(40)
    assert "  what it is: orders every month\n" in shown(40)
