"""From the rows of a table to Segment events: a mapping, compiled once to a function of a row."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from console.files.mapping.columns import HOLE, Index, column_named, names_of
from console.files.mapping.table_mapping import ANY, NO_TIME, Also, BadRow, TableMapping, Target
from console.files.mapping.table_times import iso_time
from console.files.numbers import Decimal, currencies_of, read_integer, read_number
from profiles.errors import WrongUse
from profiles.money import CURRENCIES, exponent

__all__ = ["Row", "check_translate", "compile_item", "compile_row"]

_ALIASES = {
    "user_id": "userId", "anonymous_id": "anonymousId", "group_id": "groupId", "previous_id": "previousId",
    "message_id": "messageId", "time": "timestamp",
}  # fmt: skip
_FIELDS = frozenset(
    {"userId", "anonymousId", "groupId", "previousId", "messageId", "timestamp", "event", "name", "category", "type"}
)
_TREES = frozenset({"properties", "traits", "context"})
_NAME = re.compile(r"[\w .\-]+")
_MONEY = frozenset(
    "amount cost discount fee paid price refund revenue shipping subtotal tax total unit_price value".split()
)  # properties that are one, also where no currency is said
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})

Row = Callable[[Sequence[str], int], dict[str, Any]]
Writer = Callable[[dict[str, Any], Sequence[str], int], None]


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


def _writers(mapping: TableMapping, targets: Sequence[tuple[str, Target]], columns: Sequence[str]) -> list[Writer]:
    """One for each field; numbers last, since the currency beside one is compared with that of the event."""
    index = Index(columns)
    read_time = iso_time(mapping.time_format, mapping.timezone)
    return [
        _writer(field, target, index, read_time, mapping)
        for field, target in sorted(targets, key=lambda pair: pair[1].type in ("number", "minor"))
    ]


def _writer(field: str, target: Target, index: Index, read_time: Callable[[str], str], mapping: TableMapping) -> Writer:
    """Puts one field into an event; an empty cell leaves it out."""
    path = _field(field)
    kind = "time" if path == ("timestamp",) else target.type
    decimal = mapping.decimal
    money = path[0] == "properties" and (path[-1] in _MONEY or _says_currency(mapping))
    cell = _cell(field, target, index)
    if kind == "time" and (zone := index.zone_of(target.column or "")):
        read_time = _in_zone(zone, field, mapping)
    names = (field, *names_of(target.column))
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
            elif kind == "minor":
                value = _major(event, path, read_integer(text, decimal), mapping.minor)
            else:
                value = read_time(text) if kind == "time" else _convert(text, kind, decimal)
        except (ValueError, OverflowError) as error:
            raise BadRow(f"{field}: {text!r} is no {kind} ({error})") from error
        node = event
        for parent in path[:-1]:
            node = node.setdefault(parent, {})
        node[path[-1]] = value

    return write


def _in_zone(zone: str, field: str, mapping: TableMapping) -> Callable[[str], str]:
    """A function from a time to RFC 3339, by the zone in the name of its column, else by the one that is said.

    Raises:
        WrongUse: that zone may be of several places, such as IST, and none is said.
    """
    try:
        return iso_time(mapping.time_format, zone)
    except WrongUse as error:
        if mapping.timezone == "UTC":
            raise WrongUse(f"{field}: {error}, by --timezone") from error
        return iso_time(mapping.time_format, mapping.timezone)


def _says_currency(mapping: TableMapping) -> bool:
    return any(name.rpartition(".")[2] == "currency" for name in (*mapping.map, *mapping.set))


def check_translate(mapping: TableMapping) -> None:
    """Look whether what is translated is the value of a field.

    Raises:
        WrongUse: it is not, so that nothing would be.
    """
    parts: list[TableMapping | Also] = [mapping, *mapping.also]
    targets = [pair for part in parts for pair in (*part.map.items(), *part.set.items())]
    if mapping.items:
        targets += [(f"properties.{name}", target) for name, target in mapping.items.map.items()]
    known = {name for field, target in targets for name in (field, *names_of(target.column))}
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


def _major(event: dict[str, Any], path: tuple[str, ...], amount: int, others: Mapping[str, int]) -> float:
    """An amount in minor units of the event's currency, which is written before, in its major ones.

    Raises:
        ValueError: the event says no currency that is known.
    """
    node, currency = event, None
    for parent in path[:-1]:
        node = node.get(parent) or {}
        currency = node.get("currency", currency)
    if not isinstance(currency, str) or currency not in CURRENCIES:
        raise ValueError("nothing says its currency")
    decimals: int = others.get(currency, exponent(currency))
    return float(amount / 10**decimals)


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


def _cell(field: str, target: Target, index: Index) -> Callable[[Sequence[str], int], str]:
    if (target.column is None) == (target.value is None):
        raise WrongUse(f"{field}: give either a column or a value")
    if target.column is not None:
        at = index.one_of(field, target.column)
        return (lambda cells, _: cells[at].strip()) if at is not None else (lambda cells, _: "")
    template = target.value or ""
    for name in filter(lambda name: name.endswith(ANY), HOLE.findall(template)):
        found = column_named(name, index)
        template = template.replace(f"{{{name}}}", f"{{{found}}}" if found else "")
    for name in HOLE.findall(template):
        if name != "line" and _NAME.fullmatch(name):  # what is no name is JSON
            index.of(field, name)
    holes = set(HOLE.findall(template)) & ({"line"} | set(index))
    if not holes:
        return lambda cells, _: template

    def fill(cells: Sequence[str], line: int) -> str:
        return HOLE.sub(lambda hole: str(line) if hole[1] == "line" else cells[index[hole[1]]].strip()
                         if hole[1] in index else hole[0], template)  # fmt: skip

    return fill


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
