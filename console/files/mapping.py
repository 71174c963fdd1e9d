"""From the rows of a table to Segment events: which column is what, said once, compiled once."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from console.files.numbers import Decimal, currencies_of, read_integer, read_number
from profiles.errors import RapportError, WrongUse
from profiles.times import parse_time

__all__ = [
    "NO_TIME", "TYPES", "Also", "BadRow", "EventType", "Items", "LeftOut", "Row", "Split", "TableMapping", "Target",
    "check_translate", "column_named", "columns_of", "compile_item", "compile_row", "iso_time", "load_mapping",
    "parse_target", "validated",
]  # fmt: skip

EventType = Literal["identify", "track", "page", "screen", "group", "alias"]
ValueType = Literal["str", "int", "number", "bool", "json", "time", "currency"]
TYPES: tuple[str, ...] = get_args(EventType)

NO_TIME = "it has no timestamp"
"""Why a row without a time cannot become an event."""

_ALIASES = {
    "user_id": "userId", "anonymous_id": "anonymousId", "group_id": "groupId", "previous_id": "previousId",
    "message_id": "messageId", "time": "timestamp",
}  # fmt: skip
_FIELDS = frozenset(
    {"userId", "anonymousId", "groupId", "previousId", "messageId", "timestamp", "event", "name", "category", "type"}
)
_TREES = frozenset({"properties", "traits", "context"})
_HOLE = re.compile(r"\{([^{}]+)\}")
_NAME = re.compile(r"[\w .\-]+")
_NUMBERED = re.compile(r" \(\d+\)$")  # of a column that others are called like
_OR = " | "  # between names that a column may have
_ANY = " (*)"  # at the end of a name: whatever stands in the brackets, such as the time zone
_SEPARATORS = {";": "semicolon", "\t": "tab", "|": "pipe", ",": "comma"}
_DAY_0 = datetime(1899, 12, 30)  # noqa: DTZ001  (as of Excel, whose 1900 had a 29th of February; a zone is added)
_LAST_DAY = 2_958_466
_FAR = 253_402_300_800.0  # seconds, the year 10000
_FIGURES = re.compile(r"(\d{1,2})([./-])(\d{1,2})(?:\2(\d{2}|\d{4})\b(.*))?")
_SERIAL = re.compile(r"[1-9]\d{4}(\.\d+)?")
_MONEY = frozenset(
    "amount cost discount fee paid price refund revenue shipping subtotal tax total unit_price value".split()
)  # properties that are one, also where no currency is said
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


class BadRow(RapportError):
    """A row that cannot become an event; the message says why, without the line number."""


class LeftOut(BadRow):
    """A row that the mapping says is no event."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Target(_Model):
    """Where a field's value comes from: a column, or a template with `{column}` and `{line}` in it."""

    column: str | None = None
    value: str | None = None
    type: ValueType = "str"


class Split(_Model):
    """Columns that are parts of another."""

    by: str = Field(min_length=1, description="What stands between the parts.")
    into: tuple[str, ...] = Field(min_length=1, description="Names of the parts; the last has all that is left.")


class Items(_Model):
    """Rows of a table that are one event together, such as the line items of an order."""

    of: str = Field(description="Column that says to which event a row belongs; an empty cell means to that before it.")
    into: str = Field("properties.products", description="Field of the event that lists them.")
    map: dict[str, Target] = Field({}, description="Field of an item → column.")


class Also(_Model):
    """A further event of the same row, such as the refund of an order."""

    when: str = Field(description="Column that must hold something, and not 0.")
    type: EventType = "track"
    event: str = ""
    map: dict[str, Target] = {}
    set: dict[str, Target] = {}


class TableMapping(_Model):
    """How the rows of a table become events."""

    type: EventType = "track"
    event: str = Field("", description="Name of a track event, or of a page or screen.")
    map: dict[str, Target] = Field({}, description="Field of the event → column.")
    set: dict[str, Target] = Field({}, description="Field of the event → constant or template.")
    time_format: str = Field(
        "iso", description="iso (any form without doubt), epoch, epoch_ms, excel, or such as %Y%m%d."
    )
    timezone: str = Field("UTC", description="Of times that name none.")
    decimal: Decimal = Field("", description="The decimal mark of numbers, point or comma; in doubt it must be said.")

    translate: dict[str, dict[str, str]] = Field(
        {},
        description="Field or column → what stands in a cell → what it means; * is all else, and empty leaves it out.",
    )
    split: dict[str, Split] = Field({}, description="Column → columns that are parts of it.")
    leave_out: dict[str, tuple[str, ...]] = Field(
        {}, description="Column → what stands in it of rows that are no events."
    )
    items: Items | None = Field(None, description="Rows that are one event together.")
    also: tuple[Also, ...] = Field((), description="Further events of a row.")

    def mentioned(self) -> frozenset[str]:
        """The names of columns that a table must have, as its header has them."""
        parts = {name for split in self.split.values() for name in split.into}
        named = {target.column for target in self.map.values() if target.column} | self.split.keys()
        return frozenset(
            _NUMBERED.sub("", name) for name in named - parts if not name.endswith(("?", _ANY)) and _OR not in name
        )


Row = Callable[[Sequence[str], int], dict[str, Any]]
Spec = TypeVar("Spec", bound=TableMapping)


def parse_target(text: str, *, constant: bool) -> Target:
    """The right-hand side of `--map` or `--set`: `dollars:number`, `{customer}-{line}`, `EUR`."""
    value, colon, kind = text.rpartition(":")
    if not colon or kind not in get_args(ValueType):
        value, kind = text, "str"
    found = {"value" if constant else "column": value, "type": kind}
    return Target.model_validate(found)


def load_mapping(path: Path) -> dict[str, Any]:
    """A mapping file as a dictionary: the command's own options by name, with short targets written out.

    Raises:
        WrongUse: it cannot be read, or is no mapping.
    """
    try:
        loaded = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise WrongUse(f"{path} cannot be read: {error}") from error
    if not isinstance(loaded, dict):
        raise WrongUse(f"{path}: a mapping of options expected, such as `source: purchase`")
    _spell_out(loaded)
    return loaded


def _spell_out(mapping: dict[str, Any]) -> None:
    """Write short targets out, also those of items and of further events."""
    also = mapping.get("also")
    for inner in [mapping.get("items"), *(also if isinstance(also, list) else [])]:
        if isinstance(inner, dict):
            _spell_out(inner)
    for part in ("map", "set"):
        if isinstance(targets := mapping.get(part), dict):
            mapping[part] = {
                str(name): target if isinstance(target, dict) else _short(target, part == "set")
                for name, target in targets.items()
            }


def _short(target: object, constant: bool) -> dict[str, Any]:
    """A target of a file written without braces; YAML has already told numbers from text."""
    if constant and isinstance(target, bool | int | float | list):
        return {"value": json.dumps(target), "type": "json"}
    return parse_target(str(target), constant=constant).model_dump()


def compile_row(mapping: TableMapping, columns: Sequence[str]) -> Row:
    """A function from (cells, line number) to a Segment event. It raises BadRow.

    Raises:
        WrongUse: a column or field does not exist, or the mapping says neither who nor when nor what.
    """
    writers = _writers(mapping, [*mapping.map.items(), *mapping.set.items()], columns)
    given = {_field(name)[0] for name in [*mapping.map, *mapping.set]}
    if not given & {"userId", "anonymousId", "traits", "context"}:
        raise WrongUse("nothing says who a row is about: add such as --map user_id=customer")
    if "timestamp" not in given:
        raise WrongUse("nothing says when a row happened: add such as --map timestamp=date")
    if mapping.type == "track" and not mapping.event and "event" not in given:
        raise WrongUse("nothing says what happened: add such as --event 'Order Completed'")
    fixed: dict[str, Any] = {"type": mapping.type}
    if mapping.event:
        fixed["event" if mapping.type == "track" else "name"] = mapping.event
    width = len(columns)

    def row(cells: Sequence[str], line: int) -> dict[str, Any]:
        if len(cells) != width:
            raise BadRow(f"{len(cells)} cells where {width} columns are expected")
        event = dict(fixed)
        for write in writers:
            write(event, cells, line)
        if "timestamp" not in event:
            raise BadRow(NO_TIME)
        return event

    return row


def compile_item(mapping: TableMapping, targets: dict[str, Target], columns: Sequence[str]) -> Row:
    """A function from (cells, line number) to one of the items of an event. It raises BadRow.

    Raises:
        WrongUse: a column does not exist.
    """
    writers = _writers(mapping, [(f"properties.{name}", target) for name, target in targets.items()], columns)

    def item(cells: Sequence[str], line: int) -> dict[str, Any]:
        event: dict[str, Any] = {"properties": {}}
        for write in writers:
            write(event, cells, line)
        return dict(event["properties"])

    return item


def column_named(name: str, columns: Iterable[str]) -> str | None:
    """The column that a mapping calls by a name, None if there is none.

    Args:
        name: its own, or `A | B` for the first of two that there is, or `A?` for one that need not be there. `A (*)`
            is the one that is called so but for what stands in the brackets, if there are not several.
        columns: of the table.
    """
    if name in columns:
        return name
    return next(filter(None, (_bracketed(each, columns) for each in name.removesuffix("?").split(_OR))), None)


def _bracketed(name: str, columns: Iterable[str]) -> str | None:
    if name in columns or not name.endswith(_ANY):
        return name if name in columns else None
    found = [column for column in columns if column.startswith(name[:-2]) and column.endswith(")")]
    return found[0] if len(found) == 1 else None


def columns_of(field: str, target: Target, columns: Sequence[str]) -> list[int]:
    """Where the columns are that a field's value is made of; those that need not be there and are not are left out.

    Raises:
        WrongUse: one does not exist.
    """
    index = _Index(columns)
    if target.column is not None:
        at = index.one_of(field, target.column)
        return [] if at is None else [at]
    return [index[name] for name in _HOLE.findall(target.value or "") if name in index]


def _writers(mapping: TableMapping, targets: Sequence[tuple[str, Target]], columns: Sequence[str]) -> list[Writer]:
    """One for each field; numbers last, since the currency beside one is compared with that of the event."""
    index = _Index(columns)
    read_time = iso_time(mapping.time_format, mapping.timezone)
    return [
        _writer(field, target, index, read_time, mapping)
        for field, target in sorted(targets, key=lambda pair: pair[1].type == "number")
    ]


def iso_time(time_format: str, timezone: str) -> Callable[[str], str]:
    """A function from a time as written to RFC 3339 in UTC; it raises ValueError.

    Raises:
        WrongUse: there is no such time zone.
    """
    try:
        zone: tzinfo = UTC if timezone.upper() in {"UTC", "Z"} else ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise WrongUse(f"there is no time zone {timezone!r}; write such as Europe/Berlin") from error

    @lru_cache(maxsize=65_536)  # dates repeat, and strptime is slow
    def read(text: str) -> str:
        return datetime.fromtimestamp(_seconds(text, time_format, zone), UTC).isoformat().replace("+00:00", "Z")

    return read


def _seconds(text: str, time_format: str, zone: tzinfo) -> float:
    if time_format == "iso":
        try:
            return parse_time(text, zone)
        except ValueError as error:
            raise ValueError(f"{error}{_hint(text)}") from error
    if time_format in {"epoch", "epoch_ms"}:
        seconds = float(text) / (1000 if time_format == "epoch_ms" else 1)
        if not 0 <= seconds < _FAR:
            raise ValueError(
                "in this unit it is no year from 1970 to 9999; without --time-format its size tells the unit"
            )
        return seconds
    if time_format == "excel":
        days = float(text)
        if not 1 <= days < _LAST_DAY:
            raise ValueError("no number of a day in a spreadsheet")
        moment = _DAY_0 + timedelta(milliseconds=round(days * 86_400_000))
    else:
        moment = datetime.strptime(text, time_format)  # noqa: DTZ007  (a zone is added below)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp()


def _hint(text: str) -> str:
    """What to do about a time that leaves doubt."""
    if found := _FIGURES.match(text):
        first, mark, second = int(found[1]), found[2], int(found[3])
        year = "%Y" if found[4] is None or len(found[4]) == 4 else "%y"
        forms = [f"%d{mark}%m{mark}{year}"] if second <= 12 else []
        forms += [f"%m{mark}%d{mark}{year}"] if first <= 12 else []
        said = " or ".join(f"--time-format '{form}{' ...' if found[5] else ''}'" for form in forms)
        return f"; say which is the month: {said}" if said else ""
    if _SERIAL.fullmatch(text):
        return "; the day of a spreadsheet? Then say --time-format excel"
    return ""


Writer = Callable[[dict[str, Any], Sequence[str], int], None]


def _writer(
    field: str, target: Target, index: _Index, read_time: Callable[[str], str], mapping: TableMapping
) -> Writer:
    """Puts one field into an event; an empty cell leaves it out."""
    path = _field(field)
    kind = "time" if path == ("timestamp",) else target.type
    decimal = mapping.decimal
    money = path[0] == "properties" and (path[-1] in _MONEY or _says_currency(mapping))
    cell = _cell(field, target, index)
    if kind == "time" and (zone := index.zone_of(target.column or "")):
        read_time = iso_time(mapping.time_format, zone)
    names = (field, *_names(target.column))
    meanings = next((found for name in names if (found := mapping.translate.get(name))), None)
    if meanings:
        cell = _translated(cell, meanings)

    def write(event: dict[str, Any], cells: Sequence[str], line: int) -> None:
        text = cell(cells, line)
        if not text:
            return
        value: Any
        try:
            if kind == "number":
                value, currency = read_number(text, decimal, money=money)
                if currency:
                    _check_money(event, path, currency)
            else:
                value = read_time(text) if kind == "time" else _convert(text, kind, decimal)
        except ValueError as error:
            raise BadRow(f"{field}: {text!r} is no {kind} ({error})") from error
        node = event
        for parent in path[:-1]:
            node = node.setdefault(parent, {})
        node[path[-1]] = value

    return write


def _says_currency(mapping: TableMapping) -> bool:
    return any(name.rpartition(".")[2] == "currency" for name in (*mapping.map, *mapping.set))


def _names(column: str | None) -> list[str]:
    """How a mapping may call the column of a target: `A | B?`, A, B."""
    return [] if column is None else [column, *column.removesuffix("?").split(_OR)]


def check_translate(mapping: TableMapping) -> None:
    """Look whether what is translated is the value of a field.

    Raises:
        WrongUse: it is not, so that nothing would be.
    """
    parts: list[TableMapping | Also] = [mapping, *mapping.also]
    targets = [pair for part in parts for pair in (*part.map.items(), *part.set.items())]
    if mapping.items:
        targets += [(f"properties.{name}", target) for name, target in mapping.items.map.items()]
    known = {name for field, target in targets for name in (field, *_names(target.column))}
    for name in mapping.translate:
        if name not in known:
            raise WrongUse(f"translate: {name!r} is neither a field that is mapped nor a column of one")


def _check_money(event: dict[str, Any], path: tuple[str, ...], named: str) -> None:
    """Whether the currency beside a number is that of its event, which is written before its numbers.

    Raises:
        ValueError: it is another, or the event says none.
    """
    if path[0] != "properties":
        return
    node, stated = event, None
    for parent in path[:-1]:
        node = node.get(parent) or {}
        stated = node.get("currency", stated)
    may = currencies_of(named)
    if stated is None:
        one = min(may) if len(may) == 1 else "CODE"
        raise ValueError(f"in {named}, and nothing says its currency: add --set properties.currency={one}")
    if str(stated).strip().upper() not in may:
        raise ValueError(f"in {named}, and the currency of the event is {stated}")


def _translated(
    cell: Callable[[Sequence[str], int], str], meanings: dict[str, str]
) -> Callable[[Sequence[str], int], str]:  # fmt: skip
    """What a cell means: by its text, in upper or lower case, else by `*`, else as it is."""
    folded = {text.casefold(): meaning for text, meaning in meanings.items()}
    rest = folded.get("*")

    def translated(cells: Sequence[str], line: int) -> str:
        text = cell(cells, line)
        return folded.get(text.casefold(), text if rest is None or not text else rest)

    return translated


def _cell(field: str, target: Target, index: _Index) -> Callable[[Sequence[str], int], str]:
    if (target.column is None) == (target.value is None):
        raise WrongUse(f"{field}: give either a column or a value")
    if target.column is not None:
        at = index.one_of(field, target.column)
        return (lambda cells, _: cells[at].strip()) if at is not None else (lambda cells, _: "")
    template = target.value or ""
    for name in filter(lambda name: name.endswith(_ANY), _HOLE.findall(template)):
        found = column_named(name, index)
        template = template.replace(f"{{{name}}}", f"{{{found}}}" if found else "")
    for name in _HOLE.findall(template):
        if name != "line" and _NAME.fullmatch(name):  # what is no name is JSON
            index.of(field, name)
    holes = set(_HOLE.findall(template)) & ({"line"} | set(index))
    if not holes:
        return lambda cells, _: template

    def fill(cells: Sequence[str], line: int) -> str:
        return _HOLE.sub(lambda hole: str(line) if hole[1] == "line" else cells[index[hole[1]]].strip()
                         if hole[1] in index else hole[0], template)  # fmt: skip

    return fill


class _Index(dict[str, int]):
    """Which column is where. Of several with one name each is called by its number: `Phone (2)`; those without are not.

    Args:
        columns: their names, as the header has them.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self._several = {name for name, count in Counter(columns).items() if name and count > 1}
        met: Counter[str] = Counter()
        super().__init__()
        for at, name in enumerate(columns):
            met[name] += 1
            if name:
                self.setdefault(f"{name} ({met[name]})" if name in self._several else name, at)

    def one_of(self, field: str, column: str) -> int | None:
        """Where the column of a field is; of `A | B` the first that there is, and None if `A?` is not.

        Raises:
            WrongUse: there is none of that name, or several.
        """
        if found := column_named(column, self):
            return self[found]
        if column.endswith("?"):
            return None
        return self.of(field, column)

    def zone_of(self, column: str) -> str:
        """The time zone in the name of the column that a mapping calls `A (*)`, "" if it calls it otherwise."""
        name, _, zone = (column_named(column, self) or "").removesuffix(")").rpartition(" (")
        return zone if f"{name}{_ANY}" in column.removesuffix("?").split(_OR) else ""

    def of(self, field: str, column: str) -> int:
        """Where the column of a field is.

        Raises:
            WrongUse: there is none of that name, or several.
        """
        if column in self._several:
            raise WrongUse(f"{field}: several columns are called {column!r}; say {column} (1), {column} (2) and so on")
        if column not in self:
            joined = next((mark for mark in _SEPARATORS if len(self) == 1 and mark in next(iter(self))), None)
            known = _SEPARATORS[joined] if joined else ""
            hint = f". Is it divided by {known}s? Then say --delimiter {known}" if joined else ""
            raise WrongUse(f"{field}: there is no column {column!r}; the columns are {', '.join(self)}{hint}")
        return self[column]


def _field(name: str) -> tuple[str, ...]:
    first, *rest = name.split(".")
    if not rest and (known := _ALIASES.get(first, first)) in _FIELDS:
        return (known,)
    if first in _TREES and rest and all(rest):
        return (first, *rest)
    raise WrongUse(
        f"{name!r} is no field of an event; write user_id, anonymous_id, timestamp, event, properties.…, traits.… "
        f"or context.…{f' (properties.{name}?)' if not rest else ''}"
    )


def _convert(text: str, kind: str, decimal: Decimal) -> Any:
    if kind == "str":
        return text
    if kind == "int":
        return read_integer(text, decimal)
    if kind == "currency":
        if len(codes := currencies_of(text)) != 1:
            raise ValueError(f"it may be {', '.join(sorted(codes)) or 'none that is known'}")
        return min(codes)
    if kind == "bool":
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError("write true or false")
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def validated(model: type[Spec], options: dict[str, Any], where: str) -> Spec:
    """The options as a checked model.

    Raises:
        WrongUse: naming each option that is wrong.
    """
    try:
        return model.model_validate(options)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in error.errors())
        raise WrongUse(f"{where}: {problems}") from error
