"""A file of the past, for the commands that look at one without servers: events as JSON lines, or a purchase log."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from console.files.ids import Ids, Twins
from console.files.reading.cells import DELIMITERS, open_table
from console.files.reading.text import Lines, open_text, readable
from console.files.rows import FileSpec, is_json, read_items
from plan import EventRule, Plan
from profiles.errors import Misconfigured, WrongUse
from profiles.types import Event
from streams.offline import Reading, Row, read_log

__all__ = ["COLUMNS", "names_of", "read_history", "recognised", "share"]

COLUMNS = {
    "customer": ("customer_id", "customerid", "customer", "user_id", "userid", "user", "client_id", "client"),
    "time": ("date", "timestamp", "time", "datetime", "order_date", "invoicedate", "invoice_date", "created_at"),
    "quantity": ("quantity", "items", "number_of_cds", "number_of_items", "units", "qty"),
    "revenue": ("revenue", "amount", "dollar_value", "total", "value", "price", "spend", "monetary_value"),
    "order": ("order_id", "orderid", "order", "invoice", "invoiceno", "invoice_id", "transaction_id"),
    "currency": ("currency",),
}
"""What a column of a purchase log may be called."""


def read_history(
    file: Path, spec: FileSpec, plan: Plan, advance: Callable[[int], object] = lambda _: None
) -> Reading:  # fmt: skip
    """All that a file says, by the steps of ingest, in the order of event time.

    Args:
        file: JSON lines of events, or a table; one without a mapping must be a purchase log with well-known columns.
        spec: what the file holds, as for `rapport send`.
        plan: what is accepted, and what it means.
        advance: told how many rows have been read since the last call.

    Raises:
        WrongUse: it cannot be read, or its columns are not known.
        Misconfigured: nothing in it is acceptable.
    """
    spec = spec if spec.map or is_json(file, spec) else recognised(file, spec, plan)
    bad, first_bad = 0, ""
    ids = Ids(spec.key, None if is_json(file, spec) else _twins(file, spec, plan.earliest))

    def rows() -> Iterator[Row]:
        nonlocal bad, first_bad
        for item in read_items(file, spec, ids, earliest=plan.earliest):
            if item.meant:
                continue
            if item.problem:
                bad += 1
                first_bad = first_bad or f"line {item.line}: {item.problem}"
            else:
                yield item.source, item.event, item.line

    reading = read_log(rows(), plan, time.time(), advance)
    if bad:
        reading.rejected["bad_row"] = bad
        reading.examples["bad_row"] = first_bad
    if not reading.records:
        why = "; ".join(f"{reason}: {text}" for reason, text in list(reading.examples.items())[:3])
        raise Misconfigured(f"nothing in {file} can be used. {why or 'It holds no events.'}")
    return reading


def _twins(file: Path, spec: FileSpec, earliest: float) -> frozenset[int]:
    """The ids that several rows of a table have, so that the others need not be remembered."""
    twins = Twins()
    for item in read_items(file, spec, Ids(spec.key, frozenset()), earliest=earliest):
        if not item.problem:
            twins.note(item.id)
    return twins.found()


def recognised(file: Path, spec: FileSpec, plan: Plan) -> FileSpec:
    """The mapping of a purchase log by the names of its columns, to the plan's event of a purchase.

    Raises:
        WrongUse: the columns are not known, or the plan has no event of a purchase.
    """
    delimiter, names, values = _first_rows(file, spec)
    found = {}
    for meaning, words in COLUMNS.items():
        named = [name for word in words for name in names if name.lower().replace(" ", "_") == word]
        if named:
            found[meaning] = named[0]
    if missing := [meaning for meaning in ("customer", "time") if meaning not in found]:
        raise WrongUse(
            f"{file} is no purchase log with well-known columns: none of {', '.join(names)} is the "
            f"{' or the '.join(missing)}. Columns such as customer_id,date,quantity,revenue are known; for others say "
            "which is which, as for `rapport send`: --event, --map user_id=COLUMN, --map timestamp=COLUMN, or "
            "--mapping FILE"
        )
    rule = _purchase(plan)
    written: dict[str, Any] = {
        "source": rule.sources[0],
        "type": "track",
        "event": rule.name,
        "delimiter": delimiter,
        "map": {"user_id": {"column": found["customer"]}, "timestamp": {"column": found["time"]}},
        "set": {},
    }
    if "time_format" not in spec.model_fields_set:
        at = names.index(found["time"])
        written["time_format"] = _time_format(values[at].strip() if at < len(values) else "")
    facts = rule.spec.facts
    if facts.subject:
        _put(written, facts.subject[0], found.get("order"), "log-{line}")
    if facts.amount and "revenue" in found:
        _put(written, facts.amount[0], found["revenue"], "", "number")
        _put(written, "currency", found.get("currency"), plan.currency)
    if "quantity" in found and (path := next((path for path in facts.quantity if "[" not in path), None)):
        _put(written, path, found["quantity"], "", "number")
    return FileSpec.model_validate(spec.model_dump(exclude_unset=True) | written)


def _put(written: dict[str, Any], path: str, column: str | None, constant: str, kind: str = "str") -> None:
    if column:
        written["map"][f"properties.{path}"] = {"column": column, "type": kind}
    else:
        written["set"][f"properties.{path}"] = {"value": constant}


def _purchase(plan: Plan) -> EventRule:
    for rule in plan.rules:
        if rule.role == "purchase" and rule.type == "track":
            return rule
    raise WrongUse(f"the plan {plan.name!r} has no track event of role purchase, so it cannot take a purchase log")


def _first_rows(file: Path, spec: FileSpec) -> tuple[str, list[str], list[str]]:
    """The delimiter of a table, its header (or columns as they were given), and its first row."""
    with readable(file), open_text(file, spec.encoding) as text:
        lines = Lines(text)
        first = next(lines, None)
        if first is None:
            raise WrongUse(f"{file} is empty")
        lines.put_back([first])
        delimiter = spec.delimiter or _delimiter(first.text.rstrip())
        table = open_table(lines, delimiter, spec.columns, set())
        return delimiter, list(spec.columns) or table.columns, next((row.cells for row in table.rows), [])


def _delimiter(line: str) -> str:
    return next((name for name, character in DELIMITERS.items() if character in line), "whitespace")


def _time_format(value: str) -> str:
    """By a value: a date such as 19970101, seconds or milliseconds since the epoch, else ISO 8601."""
    if re.fullmatch(r"(19|20)\d{6}", value):
        return "%Y%m%d"
    if re.fullmatch(r"\d{9,10}(\.\d+)?", value):
        return "epoch"
    return "epoch_ms" if re.fullmatch(r"\d{12,13}", value) else "iso"


def names_of(reading: Reading) -> dict[str, str]:
    """The strongest identity that each profile is by itself, as it was sent."""
    return {
        record.profile: record.identities[0][1]
        for record in reading.records
        if isinstance(record, Event) and record.identities
    }


def share(text: str) -> Callable[[str], bool]:
    """Who is in a share of the customers such as 1/3: ids that are numbers by their remainder, others by a hash.

    Raises:
        WrongUse: it is no such share.
    """
    found = re.fullmatch(r"1/([1-9]\d{0,5})", text.strip())
    if found is None:
        raise WrongUse(f"--sample {text!r}: write such as 1/3, for one customer in three")
    parts = int(found[1])

    def inside(name: str) -> bool:
        number = int(name) if name.isascii() and name.isdigit() else zlib.crc32(name.encode())
        return number % parts == 0

    return inside
