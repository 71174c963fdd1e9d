"""How segments are shown on terminals of several widths."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from console.terminal.segments import render_list


@pytest.mark.parametrize(("width", "table", "courses"), [(120, True, 2), (80, True, 1), (60, False, 1)])
def test_the_list_is_a_table_on_a_terminal_of_80_columns(width: int, table: bool, courses: int) -> None:
    """The course of the risk gives way first; where even that is not enough, each segment is a paragraph."""
    census = {"at": "2026-11-29T18:31:00.000000Z", "share": 0.1, "risk": 0.5, "sizes": [1] * 9, "risks": [0.5] * 9}
    told = {"description": "Ordered again, lately, and may become so", "learned": None, "census": census}
    moves = {"entered": [3, 12], "left": [0, 5]}
    row: dict[str, Any] = {"name": "potential_loyalists", "size": 1234, "moves": moves, **told}
    out = io.StringIO()
    Console(file=out, width=width).print(render_list([row]))

    lines = out.getvalue().splitlines()
    assert lines[0].startswith("segment ")
    assert ("what it is" in lines[0]) == table
    assert max(map(len, lines)) <= width
    assert sum(line.count("▄" * 8) for line in lines) == courses
