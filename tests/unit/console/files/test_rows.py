"""Every row of a file is an event or a problem with its line number; nothing is passed over in silence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from console.files.bad_rows import BadRows
from console.files.ids import Ids
from console.files.rows import FileSpec, Item, fingerprint, head_of, is_json, read_items
from profiles.errors import Misconfigured

MAP = {"user_id": {"column": "who"}, "timestamp": {"column": "when"}}
TABLE: dict[str, Any] = {"source": "web", "event": "Product Viewed", "map": MAP}


def read(path: Path, after: int = 0, **spec: Any) -> list[Item]:
    """All items of a file."""
    return list(read_items(path, FileSpec.model_validate(spec), Ids(), after=after))


def write(path: Path, content: bytes) -> Path:
    """A file."""
    path.write_bytes(content)
    return path


def test_events_keep_their_own_ids_and_source(tmp_path: Path) -> None:
    """A missing id is made from what the event says, so that a repeat has the same one."""
    lines = (
        b'{"type":"track","event":"X","userId":"1","timestamp":"2026-01-01T00:00:00Z","source":"app"}\n\n'
        b'{"type":"page","anonymousId":"a","timestamp":1767225600,"messageId":"m1","sentAt":"2020-01-01T00:00:00Z"}\n'
    )

    first, second = read(write(tmp_path / "e.jsonl", lines), source="web")

    assert (first.line, first.source, first.named) == (1, "app", False)
    assert orjson.loads(first.event)["messageId"] == first.id
    assert len(first.id) == 24
    assert (second.line, second.source, orjson.loads(second.event)["messageId"]) == (3, "web", "m1")
    assert b"sentAt" not in second.event
    assert b'"source"' not in first.event


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "unexpected end"),
        (b"[]", "not a JSON object"),
        (b'{"type":"trck","userId":"1"}', "type is 'trck'"),
        (b'{"events":[{"type":"page"}]}', "are the events those of 'events'"),
        (b'{"type":"page","userId":"1"}', "no timestamp"),
        (b'{"type":"page","userId":"1","timestamp":"yesterday"}', "timestamp: 'yesterday' is not a time"),
        (b'{"type":"page","userId":"1","timestamp":0.5}', "1970-01-01T00:00:00 stands for no time"),
        (b'{"type":"page","userId":"1","timestamp":"0001-01-01T00:00:00Z"}', "stands for no time"),
        (b'{"type":"page","timestamp":"2026-01-01"}', "no userId"),
        (b'{"type":"page","userId":"\xff","timestamp":"2026-01-01"}', ""),
        (b'{"type":"page","userId":"' + b"x" * 33_000 + b'","timestamp":"2026-01-01"}', "32768 at most"),
        (b'{"type":"page","userId":"1","a":' + b"[" * 33 + b"]" * 33 + b"}", "32 levels"),
        (b'{"type":"page","userId":"1","' + b"k" * 501 + b'":1}', "a key of 501 characters"),
        (b'{"type":"page","userId":"1","a":"' + b"x" * (3 << 20), "the line has over 1048576 characters"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, words: str) -> None:
    """The lines around it are not touched."""
    good = b'{"type":"page","userId":"1","timestamp":"2026-01-01"}\n'

    items = read(write(tmp_path / "e.ndjson", good + line + b"\n" + good), source="web")

    assert [bool(item.problem) for item in items] == [False, True, False]
    assert items[1].line == 2
    assert words in items[1].problem


def test_a_table_in_quotes_with_a_header(tmp_path: Path) -> None:
    """CSV as spreadsheets write it, byte order mark and all."""
    content = b'\xef\xbb\xbfwho,when,note\r\n7,2026-01-01,"two\r\nlines"\r\n8,2026-01-02,\r\n'

    items = read(write(tmp_path / "t.csv", content), **TABLE)

    assert [(item.line, orjson.loads(item.event)["userId"]) for item in items] == [(3, "7"), (4, "8")]


def test_a_quote_that_closes_too_late(tmp_path: Path) -> None:
    """What it holds would be rows by themselves: all of it is one bad row, and none of its lines is lost."""
    content = (
        'who,when,note\n1,2026-01-01,"he said\n2,2026-01-02,b\n3,2026-01-03,5"\n4,2026-01-04,"some\nwords, more"\n'
    )

    late, fine = read(write(tmp_path / "t.csv", content.encode()), **TABLE)

    assert (late.line, late.raw) == (4, '1,2026-01-01,"he said\n2,2026-01-02,b\n3,2026-01-03,5"')
    assert "a quote opened in line 2 holds what looks like rows" in late.problem
    assert (fine.line, fine.problem) == (6, "")


@pytest.mark.parametrize(
    ("who", "note", "bad"),
    [
        ("a@x.org", "Hello,\nworld, x", False),
        ("7", "Dear all,\nthanks, y", False),
        ("7", "an inch\n8,b\n9,c", True),
        ("a@x.org", "an inch\nb@x.org,b", True),
    ],
)
def test_a_cell_over_lines_where_no_column_says_a_time(tmp_path: Path, who: str, note: str, bad: bool) -> None:
    """Nearly every line of a letter would be a row there: one must also name a customer as the row around it does."""
    given = {"map": {"user_id": {"column": "who"}}, "set": {"timestamp": {"value": "2026-01-01"}}}

    (item,) = read(write(tmp_path / "t.csv", f'who,note\n{who},"{note}"\n'.encode()), **TABLE | given)

    assert bool(item.problem) is bad


def test_what_is_set_aside_can_be_sent_again(tmp_path: Path) -> None:
    """By the same command: its head, its rows as they stand, and its encoding; JSON is known by its name."""
    path = write(tmp_path / "t.csv", 'sep=;\nwho;when\n"Zoë; x";never\n'.encode("cp1252"))
    spec = FileSpec.model_validate(TABLE | {"encoding": "cp1252"})

    with BadRows(path, spec, aside=True) as bad:
        for item in read_items(path, spec):
            bad.note(item)

    assert (tmp_path / "t.csv.bad").read_bytes() == path.read_bytes()
    assert is_json(write(tmp_path / "e.jsonl.bad", b""), FileSpec())
    assert is_json(write(tmp_path / "events.txt", b" \n[{}]"), FileSpec())


def test_whitespace_between_columns_without_a_header(tmp_path: Path) -> None:
    """The names are given instead."""
    content = b"  7   2026-01-01\r\n 8 2026-01-02\r\n"

    items = read(write(tmp_path / "t.txt", content), **TABLE, delimiter="whitespace", columns=("who", "when"))

    assert [item.line for item in items] == [1, 2]
    assert not any(item.problem for item in items)


def test_reading_goes_on_after_a_row(tmp_path: Path) -> None:
    """With the same ids as in one go, compressed or not."""
    content = b"who,when\n" + b"".join(b"%d,2026-01-01\n" % who for who in range(5))
    everything = read(write(tmp_path / "t.csv", content), **TABLE)

    rest = read(write(tmp_path / "t.csv.gz", gzip.compress(content)), after=2, **TABLE)

    assert rest == [item for item in everything if item.line > 3]


def test_a_bad_row_can_be_set_aside(tmp_path: Path) -> None:
    """It is kept as it was, under the file's header."""
    path = write(tmp_path / "t.csv", b'who,when\n"a, b",never\n')

    (item,) = read(path, **TABLE)

    assert item.raw == '"a, b",never'
    assert head_of(path, FileSpec.model_validate(TABLE)) == "who,when"


def test_a_table_without_a_mapping_is_refused(tmp_path: Path) -> None:
    """The message says what to add."""
    with pytest.raises(Misconfigured, match="--map user_id=COLUMN"):
        read(write(tmp_path / "t.csv", b"who\n1\n"), source="web")


@pytest.mark.parametrize("delimiter", ["comma", "whitespace"])
def test_a_line_that_is_none_of_a_table(tmp_path: Path, delimiter: str) -> None:
    """Such as one of a file that is no text: it is one bad row, and not read into memory to find that out."""
    mark = b"," if delimiter == "comma" else b" "
    good = b"7" + mark + b"2026-01-01\n"
    table = write(tmp_path / "t.csv", b"who" + mark + b"when\n" + b"x" * (2 << 20) + b"\n" + good)

    bad, fine = read(table, **TABLE, delimiter=delimiter)

    assert bad.problem.startswith("the line has over")
    assert len(bad.raw) < 1_100_000
    assert (fine.line, fine.problem) == (3, "")


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    """For the fingerprint as for reading."""
    with pytest.raises(Misconfigured, match="cannot be read"):
        fingerprint(tmp_path / "none.csv")
    with pytest.raises(Misconfigured, match="cannot be read"):
        read(tmp_path / "none.csv", **TABLE)
