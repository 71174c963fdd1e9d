"""The rows of a table. What cannot be read with certainty is one bad row, and reading goes on at the next line."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import islice
from typing import NamedTuple

from console.files.reading.text import LONGEST, TOO_LONG, Line, Lines
from profiles.errors import WrongUse

__all__ = ["DELIMITERS", "Record", "Table", "delimiter_of", "head", "open_table", "swallows"]

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "whitespace": " "}
_TRIED = ",;\t|"
_SAID = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # by Excel, in a line of its own before the header

_TITLE = 20  # lines that may stand over a header

_OPEN = "a quote is opened in it that nothing closes"

csv.field_size_limit(LONGEST + 1)  # of this process: the lines are bounded already


class Record(NamedTuple):
    """One row: its cells, or why it has none."""

    line: int  # from 1; of a row over several lines the last
    cells: list[str]
    lines: Sequence[Line]  # as they stand in the file
    problem: str = ""

    @property
    def raw(self) -> str:
        """The row as it stands in the file."""
        return "".join(line.text for line in self.lines).rstrip("\r\n")


class Table(NamedTuple):
    """A table, opened.

    Args:
        columns: names of the columns as the first row says; [] of a file without a header.
        head: what stands before the rows, as it is.
        rows: those that hold anything.
        mark: the character by which it is divided.
    """

    columns: list[str]
    head: str
    rows: Iterator[Record]
    mark: str = ","


def open_table(lines: Lines, delimiter: str, given: Sequence[str], wanted: Set[str]) -> Table:
    """Find out how a table is divided, and read its header.

    Args:
        lines: of the file.
        delimiter: as a `FileSpec` names it; "" is to be found out.
        given: names of the columns of a file without a header.
        wanted: names of columns that the file must have.

    Raises:
        WrongUse: there is no such delimiter, or the header cannot be read.
    """
    head = ""
    if (first := next(lines, None)) and (said := _SAID.fullmatch(first.text)):
        delimiter = delimiter or said[1]
        head, first = first.text, next(lines, None)
    if first is None:
        return Table([], head, iter(()))
    lines.put_back([first])
    mark = DELIMITERS.get(delimiter, delimiter) or _mark_of(lines, given, wanted)
    if len(mark) != 1:
        raise WrongUse(f"{mark!r} is no delimiter; write one of {', '.join(DELIMITERS)} or one character")
    rows = _divided(lines) if mark == " " else _quoted(lines, mark)
    if given:
        return Table([], head, rows, mark)
    header = next(rows, None)
    if header is None:
        return Table([], head, iter(()))
    if header.problem:
        raise WrongUse(f"the header, line {header.line}, cannot be read: {header.problem}")
    if mark != " " and (title := _title(lines, header, mark, wanted)):
        head += "".join(line.text for line in [*header.lines, *title])
        header = next(rows, header)
    return Table([name.strip() for name in header.cells], head + header.raw, rows, mark)


def _title(lines: Lines, header: Record, mark: str, wanted: Set[str]) -> list[Line]:
    """The lines behind a first row, which is no header, and before the one that is; taken if there is one."""
    passed: list[Line] = []
    if not wanted or wanted <= {cell.strip() for cell in header.cells}:
        return passed
    for line in lines:
        if len(line.text) <= LONGEST and wanted <= {
            cell.strip() for cell in next(csv.reader([line.text], delimiter=mark), [])
        }:
            lines.put_back([line])
            return passed or [Line(line.number, "")]
        passed.append(line)
        if len(passed) == _TITLE:
            break
    lines.put_back(passed)
    return []


def head(lines: Lines, count: int = _TITLE + 1) -> list[Line]:
    """The first lines that are not too long; all are still to be read."""
    found = list(islice(lines, count))
    lines.put_back(found)
    return [line for line in found if len(line.text) <= LONGEST]


def _mark_of(lines: Lines, given: Sequence[str], wanted: Set[str]) -> str:
    """The character by which one of the first lines, over which others may stand, has the columns that are wanted."""
    for line in head(lines, 1 if given else _TITLE + 1):
        if mark := delimiter_of(line.text, given, wanted):
            return mark
    return ","


def delimiter_of(line: str, given: Sequence[str], wanted: Set[str]) -> str:
    """The character by which a line has the columns that it must have; "" if none does."""

    def fits(mark: str) -> bool:
        cells = [cell.strip() for cell in next(csv.reader([line], delimiter=mark), [])]
        return len(cells) == len(given) if given else bool(wanted) and wanted <= set(cells)

    if len(line) > LONGEST:
        return ""
    return next((mark for mark in _TRIED if fits(mark)), "")


def _divided(lines: Lines) -> Iterator[Record]:
    """By whitespace, without quotes."""
    for line in lines:
        if len(line.text) > LONGEST:
            yield Record(line.number, [], [line], TOO_LONG)
        elif cells := line.text.split():
            yield Record(line.number, cells, [line])


class _Taken:
    """Lines for the reader of CSV, which remembers those of the row that is being read."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.lines: list[Line] = []
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.lines.append(line)
        self._size += len(line.text)
        if self._size > LONGEST:
            raise csv.Error(TOO_LONG if len(self.lines) == 1 else _OPEN)
        return line.text

    def begin(self) -> None:
        """The next line begins a row."""
        self.lines = []
        self._size = 0


def _quoted(lines: Lines, delimiter: str) -> Iterator[Record]:
    """As CSV, strictly: a quote that is not closed would swallow the rows behind it."""
    taken = _Taken(lines)
    reader = csv.reader(taken, delimiter=delimiter, strict=True)
    while True:
        taken.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            first, *rest = taken.lines
            lines.put_back(rest)
            yield Record(first.number, [], [first], _why(error, len(rest)))
            continue
        if cells and (cells[0].strip() or any(map(str.strip, cells))):
            yield Record(taken.lines[-1].number, cells, taken.lines)


def _why(error: csv.Error, more: int) -> str:
    said = str(error)
    if said in (TOO_LONG, _OPEN):
        return said
    if more or "unexpected end" in said:
        return _OPEN
    if "expected after" in said:
        return "a quoted cell goes on behind its closing quote; a quote inside of quotes is written twice"
    return f"it is no row of a table: {said}"


def swallows(record: Record, mark: str, is_row: Callable[[list[str]], bool]) -> bool:
    """Whether a line within a row over several lines would be a row by itself: then a quote may close too late."""
    return any(is_row(next(csv.reader([line.text], delimiter=mark), [])) for line in record.lines[1:])
