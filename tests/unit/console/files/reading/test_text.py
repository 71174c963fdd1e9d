"""A file is read as the text that it is: packed or not, in the encoding that its first bytes say."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from console.files.reading.text import LONGEST, Lines, begins_with, open_text, readable
from profiles.errors import WrongUse

TEXT = "who,when\r\nZoë,2026-01-01\n名,2026-01-02"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-16-le"),  # without a mark
        TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
    ],
)
def test_the_encoding_is_found_out(tmp_path: Path, content: bytes, *, packed: bool) -> None:
    """By a byte order mark, or the zeros of UTF-16; a packed file needs no name that says so."""
    path = tmp_path / "t.csv"
    path.write_bytes(gzip.compress(content) if packed else content)

    with open_text(path) as file:
        lines = list(Lines(file))

    assert [line.number for line in lines] == [1, 2, 3]
    assert "".join(line.text for line in lines) == TEXT
    assert begins_with(path) == "w"


def test_an_encoding_that_is_given_counts(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 stay as they are otherwise, so that only their own row is bad."""
    path = tmp_path / "t.csv"
    path.write_bytes("Zoë\n".encode("cp1252"))

    with open_text(path, "cp1252") as file:
        assert next(Lines(file)).text == "Zoë\n"
    with open_text(path) as file:
        assert next(Lines(file)).text == "Zo\udceb\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04...", "save it as CSV"), (b"PAR1...", "Parquet"),
     (gzip.compress(b"x" * 99, mtime=0)[:-9], "cannot be read"),
     (gzip.compress(b"x" * 99, mtime=0)[:20] + b"y" * 20, "cannot be read")],
)  # fmt: skip
def test_what_is_no_text_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    """With what it is, and what to do."""
    path = tmp_path / "t.csv"
    path.write_bytes(content)

    with pytest.raises(WrongUse, match=words), readable(path), open_text(path) as file:
        file.read()


def test_a_long_line_is_cut_and_lines_can_be_put_back() -> None:
    """Its number is that of the line, however often it is read."""
    lines = Lines(io.StringIO("x" * (3 * LONGEST) + "\nb\nc\n", newline=""))

    first, second = next(lines), next(lines)
    assert (first.number, len(first.text)) == (1, LONGEST + 1)
    lines.put_back([second])

    assert [(line.number, line.text) for line in lines] == [(2, "b\n"), (3, "c\n")]
