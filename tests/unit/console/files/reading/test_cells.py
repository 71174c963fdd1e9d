"""Every line of a table is in a row, good or bad; no quote makes one disappear."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.files.reading.cells import Record, Table, open_table, swallows
from console.files.reading.text import LONGEST, Lines
from profiles.errors import WrongUse


def table(text: str, delimiter: str = "", given: tuple[str, ...] = (), wanted: tuple[str, ...] = ("who",)) -> Table:
    """A table of this text."""
    return open_table(Lines(io.StringIO(text, newline="")), delimiter, given, set(wanted))


def told(rows: list[Record]) -> list[object]:
    """Each row's cells, or the line of a bad one."""
    return [row.line if row.problem else row.cells for row in rows]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('1,"he said\n2,b\n3,c\n', [2, ["2", "b"], ["3", "c"]]),
        ('1,"he said\n2,"b"\n3,c\n', [2, ["2", "b"], ["3", "c"]]),
        ('1,"he said\n2,"she said\n3,c', [2, 3, ["3", "c"]]),
        ('1,"two\nlines, and a ""quote"""\n3,c\n', [["1", 'two\nlines, and a "quote"'], ["3", "c"]]),
        ('1,"a"b\n2,b\n', [2, ["2", "b"]]),
        ('1,a "quote"\n', [["1", 'a "quote"']]),
        (",\n , \n\n1,a\n,,\n", [["1", "a"]]),
        (f"1,{'x' * 140_000}\n2,b\n", [["1", "x" * 140_000], ["2", "b"]]),
        (f"1,{'x' * (LONGEST + 5)}\n2,b\n", [2, ["2", "b"]]),
        (f'1,"{"x" * (LONGEST // 2)}\n{"x" * (LONGEST // 2)}"\n2,b\n', [2, ["x" * (LONGEST // 2) + '"'], ["2", "b"]]),
        ("1,a\r2,b\r", [["1", "a"], ["2", "b"]]),
    ],
)
def test_a_bad_row_costs_itself(text: str, rows: list[object]) -> None:
    """What follows is read; rows that hold nothing are none."""
    assert told(list(table(f"who,note\n{text}").rows)) == rows


@pytest.mark.parametrize(
    ("text", "given", "delimiter"),
    [
        ("who;note\n1;a\n", (), ""),
        ("who\tnote\n1\ta\n", (), ""),
        ("sep=;\nwho;note\n1;a\n", (), ""),
        ("\nwho|note\n1|a\n", (), "pipe"),
        ("1;a\n", ("who", "note"), ""),
        ("who note\n 1  a\n", (), "whitespace"),
    ],
)
def test_how_a_table_is_divided_is_found_out(text: str, given: tuple[str, ...], delimiter: str) -> None:
    """By the columns that it must have, or as Excel says it."""
    found = table(text, delimiter, given)

    assert found.columns == ([] if given else ["who", "note"])
    assert told(list(found.rows)) == [["1", "a"]]


@pytest.mark.parametrize("title", ["Report of March\n", "Report,of\n\nMarch,2026\n", '"Report\nof March"\n,,\n'])
def test_a_title_over_the_header_is_passed_over(title: str) -> None:
    """It is known by the columns that the table must have; it stays with the rows that are set aside."""
    found = table(f"{title}who,note\n1,a\n", ",")

    assert (found.columns, found.head) == (["who", "note"], f"{title}who,note")
    assert told(list(found.rows)) == [["1", "a"]]
    assert table("whom,note\n1,a\n", ",").columns == ["whom", "note"]


@pytest.mark.parametrize("mark", [";", "\t", "|"])
def test_the_delimiter_is_found_in_a_header_under_a_title(mark: str) -> None:
    """Whose line has none of it."""
    found = table(f"Report of March, 2026\n\nwho{mark}note\n1{mark}a\n", "")

    assert found.mark == mark
    assert told(list(found.rows)) == [["1", "a"]]


def test_the_head_is_kept_for_the_rows_that_are_set_aside() -> None:
    """With all that stands before them."""
    assert table('sep=;\n"who";note\n1;a\n').head == 'sep=;\n"who";note'


def test_a_header_that_cannot_be_read_refuses_the_file() -> None:
    """Nothing would say what a cell is."""
    with pytest.raises(WrongUse, match="header, line 1, cannot be read: a quote is opened"):
        table('"who,note\n1,a\n')


def test_a_quote_that_closes_too_late_is_noticed() -> None:
    """The lines that it holds would be rows by themselves."""
    late, fine = table('who,note\n1,"he said\n2,b\n3,5"\n4,"some\nwords, more"\n').rows

    def is_row(cells: list[str]) -> bool:
        return cells[0].isdigit()

    assert (swallows(late, ",", is_row), swallows(fine, ",", is_row)) == (True, False)


@given(st.lists(st.text("ab,\"' \r\n", max_size=12), max_size=12))
def test_no_line_is_unaccounted_for(lines: list[str]) -> None:
    """Whatever stands in a table: each line that holds more than commas is in exactly one row."""
    text = "\n".join(lines)

    rows = list(table(text, ",", ("who", "note")).rows)

    found = [line for row in rows for line in row.lines]
    expected = [line for line in Lines(io.StringIO(text, newline="")) if line.text.strip(', \r\n"')]
    assert [line for line in found if line in expected] == expected
    assert len({line.number for line in found}) == len(found)
