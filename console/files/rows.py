"""The rows of a file as events: JSON of Segment events, or a table with a mapping. Each row is told, good or bad."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson
from pydantic import Field

from console.files.delivery import MAX_EVENT
from console.files.grouping import Group, together
from console.files.ids import Ids
from console.files.mapping.table_mapping import NO_TIME, TYPES, BadRow, LeftOut, TableMapping
from console.files.reading.cells import Record, Table, open_table, swallows
from console.files.reading.objects import Found, in_array, in_lines
from console.files.reading.text import Lines, begins_with, open_text, readable
from console.files.shaping import Shaper
from models.durations import DAY
from profiles.errors import WrongUse
from profiles.times import parse_time, rfc3339

__all__ = ["FileSpec", "Item", "fingerprint", "head_of", "is_json", "read_items"]

_ID_ROOM = 64  # bytes of the messageId that an event without one is given later
_WHO = ("userId", "anonymousId", "previousId", "groupId", "traits", "context")


class FileSpec(TableMapping):
    """What a file holds. The fields are the options of `rapport send` and the keys of a mapping file."""

    source: str = Field("", description="Source of events that name none in a `source` field.")
    format: Literal["jsonl", "table"] | None = Field(None, description="By name and content of the file unless given.")
    delimiter: str = Field("", description="comma, tab, semicolon, pipe, whitespace or one character; else found out.")
    columns: tuple[str, ...] = Field((), description="Names of the columns, when the first line is no header.")
    encoding: str = Field("", description="Of the text; what its first bytes say unless given, else UTF-8.")
    key: tuple[str, ...] = Field((), description="Fields of an event that name it together, such as order_id.")


@dataclass(slots=True)
class Item:
    """One row: the event that it becomes, or why it cannot."""

    line: int  # from 1; of a row over several lines the last
    source: str = ""
    event: bytes = b""
    problem: str = ""
    meant: bool = False  # the mapping says that it is no event
    raw: str = ""  # as it was, only of a bad row
    time: float = 0.0  # when it happened, seconds
    id: str = ""  # its messageId
    row: int = 0  # from 1; several may stand in one line
    named: bool = True  # the id is its own, or of its key


class _Reading(NamedTuple):
    """How rows become items."""

    spec: FileSpec
    ids: Ids | None
    after: int
    earliest: float


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


def read_items(
    path: Path, spec: FileSpec, ids: Ids | None = None, *, after: int = 0, earliest: float = DAY
) -> Iterator[Item]:
    """Every row of a file after a certain one, in order. Empty rows are passed over.

    Args:
        path: of the file.
        spec: what it holds.
        ids: makes the messageIds of rows that have none. With None such a row gets none.
        after: how many rows are not wanted.
        earliest: seconds, of the plan. A row that says it happened before is bad: a file tells of the past, and
            what it says must not count as of now, as it does of a browser whose clock was never set.

    Raises:
        WrongUse: the file cannot be read, or the spec does not fit it.
    """
    reading = _Reading(spec, ids, after, max(earliest, DAY))
    json = is_json(path, spec)
    with readable(path), open_text(path, spec.encoding) as file:
        if not json:
            yield from _table(Lines(file), reading)
        elif begins_with(path, spec.encoding) == "[":
            yield from _objects(in_array(file), reading)
        else:
            yield from _objects(in_lines(Lines(file)), reading)


def head_of(path: Path, spec: FileSpec) -> str:
    """What stands before the rows of a table, "" of JSON; for a file of rows that can be sent again."""
    if is_json(path, spec):
        return ""
    with open_text(path, spec.encoding) as file:
        return _opened(Lines(file), spec).head


def is_json(path: Path, spec: FileSpec) -> bool:
    """Whether a file holds JSON, as is said, or by its name, or, where nothing says how a table is mapped, its content.

    Raises:
        WrongUse: it cannot be read, or holds no text.
    """
    if spec.format:
        return spec.format == "jsonl"
    name = path.name.lower().removesuffix(".bad").removesuffix(".gz")
    if name.endswith((".jsonl", ".ndjson", ".json")) and not spec.delimiter:
        return True
    with readable(path):
        return not spec.map and begins_with(path, spec.encoding) in {"{", "["}


def _objects(found: Iterator[Found], reading: _Reading) -> Iterator[Item]:
    for row, (line, value, raw, problem) in enumerate(found, start=1):
        if row <= reading.after and not _counts(reading):
            continue
        item = Item(line, problem=problem, raw=raw, row=row)
        if not problem:
            try:
                item = _item(_checked(value), line, reading)
                item.row = row
            except BadRow as error:
                item.problem = str(error)
        if row > reading.after:
            yield item


def _counts(reading: _Reading) -> bool:
    return reading.ids is not None and reading.ids.in_order


def _checked(event: Any) -> dict[str, Any]:
    """An event of a file of events, without the times of its earlier travels, by which it would be corrected again."""
    if not isinstance(event, dict):
        raise BadRow("not a JSON object")
    if event.get("type") not in TYPES:
        lists = [name for name, value in event.items() if isinstance(value, list) and value]
        hint = f"; are the events those of {lists[0]!r}? Then send that list" if lists and "type" not in event else ""
        raise BadRow(f"type is {event.get('type')!r}; one of {', '.join(TYPES)} expected{hint}")
    time = event.get("timestamp") or event.get("originalTimestamp")
    if time is None:
        raise BadRow(NO_TIME)
    event["timestamp"] = time
    for name in ("originalTimestamp", "sentAt", "receivedAt"):
        event.pop(name, None)
    return event


def _opened(lines: Lines, spec: FileSpec) -> Table:
    return open_table(lines, spec.delimiter, spec.columns, spec.mentioned())


def _table(lines: Lines, reading: _Reading) -> Iterator[Item]:
    spec = reading.spec
    if not spec.map:
        raise WrongUse(
            "a table needs a mapping of its columns: add --map user_id=COLUMN --map timestamp=COLUMN, --mapping FILE "
            "or --from SERVICE; --guess proposes one. JSON has names ending in .jsonl (or say --format jsonl)"
        )
    table = _opened(lines, spec)
    shaper = Shaper(spec, list(spec.columns) or table.columns)
    row = 0
    apart: set[int] = set()  # events whose rows were read
    alone = (Group("", [record]) for record in table.rows)
    for name, records in together(table.rows, shaper, table.mark) if shaper.grouped else alone:
        problem = _unread(records)
        if name:
            if hash(name) in apart and not problem:
                problem = f"rows of {name} stand apart: sort the file, so that they are together"
            apart.add(hash(name))
        if shaper.single and row < reading.after and not _counts(reading):
            row += 1
            continue
        for item in _items_of(records, problem, shaper, table.mark, reading):
            row += 1
            item.row = row
            if row > reading.after:
                yield item


def _items_of(records: list[Record], problem: str, shaper: Shaper, mark: str, reading: _Reading) -> list[Item]:
    line, meant = records[-1].line, False
    if not problem:
        try:
            failed: list[str] = []
            events = shaper.events([record.cells for record in records], line, failed)
            for record in records:
                if len(record.lines) > 1:
                    _refuse(record, shaper, mark)
            good = [_item(events[0], line, reading)]
            for event in events[1:]:
                try:
                    good.append(_item(event, line, reading))
                except BadRow as error:
                    failed.append(f"{event.get('event') or event['type']}: {error}")
            return [*good, *(Item(line, problem=each, raw=_raw(records)) for each in failed)]
        except BadRow as error:
            problem, meant = str(error), isinstance(error, LeftOut)
    return [Item(line, problem=problem, meant=meant, raw=_raw(records))]


def _raw(records: list[Record]) -> str:
    return "\n".join(record.raw for record in records)


def _unread(records: list[Record]) -> str:
    """What is wrong with the first of these rows that cannot be read: an event is no event without it."""
    bad = next((record for record in records if record.problem), None)
    if bad is None or len(records) == 1:
        return bad.problem if bad else ""
    return f"{bad.problem} (line {bad.line}; so these {len(records)} rows, which are one event, are no event)"


def _refuse(record: Record, shaper: Shaper, mark: str) -> None:
    """Refuse a row over several lines that holds others.

    Raises:
        BadRow: it does.
    """
    if swallows(record, mark, lambda cells: shaper.is_row(cells, record.cells)):
        opened = record.lines[0].number
        raise BadRow(f"a quote opened in line {opened} holds what looks like rows; is it closed where it should be?")


def _item(event: dict[str, Any], line: int, reading: _Reading) -> Item:
    source = str(event.pop("source", None) or reading.spec.source)
    if not source:
        raise BadRow("it has no source: add --source, such as --source web")
    if not any(event.get(name) for name in _WHO):
        raise BadRow("it says nothing about who it is from: no userId, no anonymousId")
    try:
        time = parse_time(event["timestamp"])
    except (ValueError, OverflowError) as error:
        raise BadRow(f"timestamp: {str(event['timestamp'])[:60]!r} is {error}") from error
    if time < DAY:
        raise BadRow(f"timestamp: {rfc3339(time)[:19]} stands for no time")
    if time < reading.earliest:
        said, earliest = rfc3339(time)[:10], rfc3339(reading.earliest)[:10]
        raise BadRow(f"timestamp: {said} is before {earliest}; if it is right, set `earliest` in the plan")
    own = event.pop("messageId", None)
    encoded = _encoded(event)
    named = bool(reading.spec.key or own)
    if reading.ids and (reading.spec.key or not own):
        own = reading.ids.of(source, event, encoded, line)
    if own:
        encoded = b'{"messageId":%b,%b' % (orjson.dumps(own), encoded[1:])
    if len(encoded) + (0 if own else _ID_ROOM) > MAX_EVENT:
        raise BadRow(f"the event has {len(encoded)} bytes; {MAX_EVENT} at most")
    return Item(line, source, encoded, time=time, id=str(own or ""), named=named)


def _encoded(event: dict[str, Any]) -> bytes:
    try:  # sorted: an event has the same id in whatever order a mapping names its fields
        return orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:  # text that is no text in this encoding
        raise BadRow(
            f"it cannot be written as JSON ({error}); is --encoding right? Such as cp1252 for a file of Windows"
        ) from error
