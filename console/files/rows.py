"""Reads a file of events, line by line: JSON lines of Segment events, or a table with a mapping."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, Literal, TextIO, cast

import orjson
from pydantic import Field

from console.files.delivery import MAX_EVENT
from console.files.mapping import NO_TIME, TYPES, BadRow, Row, TableMapping, compile_row
from profiles.bounds import excess, may_exceed
from profiles.errors import WrongUse
from profiles.times import parse_time

__all__ = ["DELIMITERS", "FileSpec", "Item", "fingerprint", "header_of", "read_items"]

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "whitespace": " "}
_LONGEST = 1 << 20  # characters of a line
_ID_ROOM = 64  # bytes of the messageId that an event without one is given later
_WHO = ("userId", "anonymousId", "previousId", "groupId", "traits", "context")


class FileSpec(TableMapping):
    """What a file holds. The fields are the options of `rapport send` and the keys of a mapping file."""

    source: str = Field("", description="Source of events that name none in a `source` field.")
    format: Literal["jsonl", "table"] | None = Field(None, description="By the file's name unless given.")
    delimiter: str = Field("", description="comma, tab, semicolon, pipe, whitespace or one character.")
    columns: tuple[str, ...] = Field((), description="Names of the columns, when the first line is no header.")
    encoding: str = Field("utf-8-sig", description="Of the text.")


@dataclass(slots=True)
class Item:
    """One row: the event that it becomes, or why it cannot."""

    line: int  # from 1; of a row over several lines the last
    source: str = ""
    event: bytes = b""
    problem: str = ""
    raw: str = ""  # as it was, only of a bad row
    time: float = 0.0  # when it happened, seconds
    id: str = ""  # its messageId


def fingerprint(path: Path) -> str:
    """16 hex digits that stand for the bytes of a file.

    Raises:
        WrongUse: it cannot be read.
    """
    digest = blake2b(digest_size=8)
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def read_items(path: Path, spec: FileSpec, mark: str, *, after: int = 0) -> Iterator[Item]:
    """Every row of a file after a line number, in order. Empty lines are passed over.

    Args:
        path: of the file; read through gzip when its name ends in .gz.
        spec: what it holds.
        mark: the file's fingerprint; with the line number it makes the messageId of a row that has none. With "" such
            a row gets none.
        after: the last line that is not wanted.

    Raises:
        WrongUse: the file cannot be read, or the spec does not fit it.
    """
    try:
        with _text(path, spec.encoding) as file:
            yield from (_jsonl if _is_jsonl(path, spec) else _table)(file, spec, mark, after)
    except (OSError, EOFError, LookupError) as error:
        raise WrongUse(f"{path} cannot be read: {error}") from error
    except csv.Error as error:
        raise WrongUse(f"{path} is not a table with this delimiter: {error}") from error


def header_of(path: Path, spec: FileSpec) -> str:
    """The first line of a table with a header, "" of what has none; for a file of rows that can be sent again."""
    if _is_jsonl(path, spec) or spec.columns:
        return ""
    with _text(path, spec.encoding) as file:
        return file.readline().rstrip("\r\n")


def _is_jsonl(path: Path, spec: FileSpec) -> bool:
    if spec.format:
        return spec.format == "jsonl"
    name = path.name.removesuffix(".gz").lower()
    return name.endswith((".jsonl", ".ndjson", ".json")) and not spec.delimiter


def _jsonl(file: TextIO, spec: FileSpec, mark: str, after: int) -> Iterator[Item]:
    for line, raw in enumerate(_lines(file), start=1):
        if line <= after or not raw.strip():
            continue
        try:
            yield _item(_checked(_loaded(raw)), line, spec, mark)
        except (BadRow, ValueError) as error:
            yield Item(line, problem=str(error), raw=raw.rstrip("\r\n"))


def _loaded(line: str) -> Any:
    if len(line) > _LONGEST:
        raise BadRow(_TOO_LONG)
    raw = line.encode("utf-8", "surrogateescape")
    event = orjson.loads(raw)
    if may_exceed(raw) and (found := excess(event)):
        raise BadRow(f"the event has {found.message}")
    return event


def _checked(event: Any) -> dict[str, Any]:
    """An event of a file of events, without the times of its earlier travels, by which it would be corrected again."""
    if not isinstance(event, dict):
        raise BadRow("not a JSON object")
    if event.get("type") not in TYPES:
        raise BadRow(f"type is {event.get('type')!r}; one of {', '.join(TYPES)} expected")
    time = event.get("timestamp") or event.get("originalTimestamp")
    if time is None:
        raise BadRow(NO_TIME)
    event["timestamp"] = time
    for name in ("originalTimestamp", "sentAt", "receivedAt"):
        event.pop(name, None)
    return event


def _table(file: TextIO, spec: FileSpec, mark: str, after: int) -> Iterator[Item]:
    if not spec.map:
        raise WrongUse(
            "a table needs a mapping of its columns: add --map user_id=COLUMN --map timestamp=COLUMN, or --mapping "
            "FILE; JSON lines have names ending in .jsonl (or say --format jsonl)"
        )
    rows = _cells(file, spec)
    columns = list(spec.columns) or [name.strip() for name in next(rows, (0, [""]))[1]]
    convert = compile_row(spec, columns)
    for line, cells in rows:
        if line > after:
            yield _row(convert, cells, line, spec, mark)


def _row(convert: Row, cells: Sequence[str], line: int, spec: FileSpec, mark: str) -> Item:
    try:
        return _item(convert(cells, line), line, spec, mark)
    except BadRow as error:
        return Item(line, problem=str(error), raw=_joined(cells, spec))


def _item(event: dict[str, Any], line: int, spec: FileSpec, mark: str) -> Item:
    source = event.pop("source", None) or spec.source
    if not source:
        raise BadRow("it has no source: add --source, such as --source web")
    if not any(event.get(name) for name in _WHO):
        raise BadRow("it says nothing about who it is from: no userId, no anonymousId")
    if not event.get("messageId"):
        event.pop("messageId", None)
        if mark:
            event["messageId"] = f"{mark}-{line}"
    try:
        time = parse_time(event["timestamp"])
    except (ValueError, OverflowError) as error:
        raise BadRow(f"timestamp: {error}") from error
    try:
        encoded = orjson.dumps(event)
    except TypeError as error:  # text that is no text in this encoding
        raise BadRow(f"it cannot be written as JSON ({error}); is --encoding right?") from error
    if len(encoded) + (0 if "messageId" in event else _ID_ROOM) > MAX_EVENT:
        raise BadRow(f"the event has {len(encoded)} bytes; {MAX_EVENT} at most")
    return Item(line, str(source), encoded, time=time, id=str(event.get("messageId", "")))


def _cells(file: TextIO, spec: FileSpec) -> Iterator[tuple[int, list[str]]]:
    delimiter = DELIMITERS.get(spec.delimiter, spec.delimiter or ",")
    if delimiter == " ":
        for line, raw in enumerate(_bounded(file), start=1):
            if cells := raw.split():
                yield line, cells
        return
    if len(delimiter) != 1:
        raise WrongUse(f"{delimiter!r} is no delimiter; write one of {', '.join(DELIMITERS)} or one character")
    reader = csv.reader(_bounded(file), delimiter=delimiter)
    for cells in reader:
        if cells:
            yield reader.line_num, cells


_TOO_LONG = f"the line has over {_LONGEST} characters"


def _lines(file: TextIO) -> Iterator[str]:
    """The lines of a file; of one that is too long for any event only its beginning, one character past the limit."""
    while line := file.readline(_LONGEST + 1):
        rest = line
        while len(rest) > _LONGEST and not rest.endswith(("\n", "\r")):
            rest = file.readline(_LONGEST + 1)
        yield line


def _bounded(file: TextIO) -> Iterator[str]:
    for line in _lines(file):
        if len(line) > _LONGEST:
            raise csv.Error(_TOO_LONG)
        yield line


def _joined(cells: Sequence[str], spec: FileSpec) -> str:
    delimiter = DELIMITERS.get(spec.delimiter, spec.delimiter or ",")
    if delimiter == " ":
        return " ".join(cells)
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(cells)
    return line.getvalue()


@contextmanager
def _text(path: Path, encoding: str) -> Iterator[TextIO]:
    """Bytes that are no text become lone surrogates, so that only their own row is bad."""
    with (
        gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as binary,
        io.TextIOWrapper(cast("BinaryIO", binary), encoding, errors="surrogateescape", newline="") as text,
    ):
        yield text
