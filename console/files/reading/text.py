"""A file as text: compressed or not, in whatever encoding its first bytes say, line by line within bounds."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

from profiles.errors import WrongUse

__all__ = ["LONGEST", "TOO_LONG", "Line", "Lines", "begins_with", "open_text", "readable"]

LONGEST = 1 << 20
"""Characters of a line that are read, and of a row over several lines."""

TOO_LONG = f"the line has over {LONGEST} characters"

_GZIP = b"\x1f\x8b"
_NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or a zip archive: save it as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of Excel: save it as CSV",
    b"PAR1": "a Parquet file: write it as CSV or JSON lines",
    b"%PDF": "a PDF",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: unpack it, or compress it by gzip",
    b"BZh": "compressed by bzip2: unpack it, or compress it by gzip",
    b"\xfd7zXZ": "compressed by xz: unpack it, or compress it by gzip",
}
_MARKS = (  # the longer ones first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_LOOK = 1024  # bytes


class Line(NamedTuple):
    """One line of a file, its end included; of one that is too long the first `LONGEST` + 1 characters."""

    number: int  # from 1
    text: str


class Lines:
    """The lines of a file, some of which may be put back to be read again."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._number = 0
        self._again: deque[Line] = deque()

    def __iter__(self) -> Iterator[Line]:
        return self

    def __next__(self) -> Line:
        if self._again:
            return self._again.popleft()
        text = rest = self._file.readline(LONGEST + 1)
        if not text:
            raise StopIteration
        while len(rest) > LONGEST and not rest.endswith(("\n", "\r")):
            rest = self._file.readline(LONGEST + 1)
        self._number += 1
        return Line(self._number, text if self._number > 1 else text.removeprefix("\ufeff"))

    def put_back(self, lines: Iterable[Line]) -> None:
        """Read these next, in this order."""
        self._again.extendleft(reversed(list(lines)))


@contextmanager
def open_text(path: Path, encoding: str = "") -> Iterator[TextIO]:
    """A file as text with its line ends as they are; bytes that are no text become lone surrogates.

    Args:
        path: of the file; unpacked if its first bytes say that it is packed by gzip, whatever its name says.
        encoding: of the text; "" is what its first bytes say, UTF-8 if they say nothing.

    Raises:
        WrongUse: it is known to hold no text.
        OSError, EOFError, LookupError: it cannot be read.
    """
    with path.open("rb") as plain:
        start = plain.peek(_LOOK)
        with gzip.open(plain) if start.startswith(_GZIP) else plain as binary:
            start = cast("io.BufferedReader", binary).peek(_LOOK)[:_LOOK]
            if kind := next((kind for mark, kind in _NO_TEXT.items() if start.startswith(mark)), None):
                raise WrongUse(f"{path} is {kind}")
            named = encoding or _encoding_of(start)
            with io.TextIOWrapper(cast("BinaryIO", binary), named, errors="surrogateescape", newline="") as text:
                yield text


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turns all that can go wrong while a file is read into one kind of error.

    Raises:
        WrongUse: it cannot be read.
    """
    try:
        yield
    except UnicodeError as error:
        raise WrongUse(f"{path} cannot be read: {error}. Say its --encoding, such as utf-16 or cp1252") from error
    except (OSError, EOFError, LookupError, zlib.error) as error:
        raise WrongUse(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def begins_with(path: Path, encoding: str = "") -> str:
    """The first character of a file that is no space, "" if there is none near its beginning."""
    with open_text(path, encoding) as text:
        return text.read(_LOOK).lstrip("\ufeff \t\r\n")[:1]


def _encoding_of(start: bytes) -> str:
    """By a byte order mark; without one by the zeros that UTF-16 puts beside every Latin letter."""
    if marked := next((name for mark, name in _MARKS if start.startswith(mark)), None):
        return marked
    even, odd = start[0::2].count(0), start[1::2].count(0)
    if max(even, odd) * 4 > len(start):  # half of all bytes are one of a pair's
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8"
