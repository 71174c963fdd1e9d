"""A mapping that is proposed for a table, by the names of its columns and what stands in its first rows."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import yaml

from console.files.event_log import COLUMNS
from console.files.exports.ready import fitting
from console.files.mapping.table_times import iso_time
from console.files.numbers import Decimal, currencies_of, read_number
from console.files.reading.cells import DELIMITERS, head, open_table
from console.files.reading.text import Lines, open_text, readable
from console.files.rows import FileSpec, is_json
from plan import EventRule, Plan
from profiles.errors import WrongUse

__all__ = ["guess"]

_ROWS = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_WORDS = {
    **COLUMNS,
    "email": ("email", "e_mail", "email_address", "customer_email", "requester_email", "billing_email", "mail"),
    "phone": ("phone", "phone_number", "telephone", "mobile", "mobile_phone_number"),
    "firstName": ("first_name", "firstname", "given_name"),
    "lastName": ("last_name", "lastname", "surname", "family_name"),
    "name": ("name", "full_name", "customer_name"),
}
_TIMES = ("created", "created_at", "created_date", "updated_at", "paid_at", "day")
_FORMATS = (
    "iso", "excel", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y",
)  # fmt: skip


def guess(file: Path, spec: FileSpec, plan: Plan) -> str:
    """A mapping file as text, with what it is not sure of in comments.

    Args:
        file: a table.
        spec: what is known of it.
        plan: whose event of a purchase the rows may be.

    Raises:
        WrongUse: it cannot be read, is no table, or nothing in it says who and when.
    """
    if is_json(file, spec):
        raise WrongUse(f"{file} holds JSON, which needs no mapping")
    delimiter, columns, rows = _sample(file, spec)
    if ready := fitting(columns):
        return f"# The columns are those of an export that there is a ready mapping of: use --from {ready}\n"
    values = {
        name: [row[at].strip() for row in rows if len(row) > at and row[at].strip()] for at, name in enumerate(columns)
    }
    found = _meanings(values)
    if missing := [what for what in ("who", "when") if not found.keys() & _NEEDED[what]]:
        raise WrongUse(f"none of the columns {', '.join(filter(None, columns))} looks like {' or '.join(missing)}")
    return _written(_Proposal(delimiter, columns, values, found, spec), plan)


_NEEDED = {"who": {"customer", "email", "phone"}, "when": {"time"}}


class _Proposal:
    """What was found out about a table."""

    def __init__(
        self,
        delimiter: str,
        columns: Sequence[str],
        values: dict[str, list[str]],
        found: dict[str, str],
        spec: FileSpec,
    ) -> None:
        self.delimiter = delimiter
        self.columns = spec.columns
        self.values = values
        self.found = found
        self.formats = [name for name in _FORMATS if _reads(iso_time(name, spec.timezone), values[found["time"]])]
        self.rest = [name for name in columns if name and name not in found.values()]

    def decimals(self, column: str) -> list[Decimal]:
        """The decimal marks by which most of a column's amounts can be read; the first is "" if there is no doubt."""
        marks: tuple[Decimal, ...] = ("", "point", "comma")
        read = [sum(_is_amount(cell, mark) for cell in self.values[column]) for mark in marks]
        return [mark for mark, count in zip(marks, read, strict=True) if count == max(read)]


def _is_amount(cell: str, mark: Decimal) -> bool:
    try:
        read_number(cell, mark, money=True)
    except ValueError:
        return False
    return True


def _sample(file: Path, spec: FileSpec) -> tuple[str, list[str], list[list[str]]]:
    with readable(file), open_text(file, spec.encoding) as text:
        lines = Lines(text)
        first = [line.text for line in head(lines)]
        if not first:
            raise WrongUse(f"{file} is empty")
        counts = {name: [text.count(mark) for text in first] for name, mark in DELIMITERS.items()}
        del counts["whitespace"]
        delimiter = spec.delimiter or max(counts, key=lambda name: _usual(counts[name]))
        table = open_table(lines, delimiter, spec.columns, _header(first, DELIMITERS.get(delimiter, delimiter)))
        rows = [record.cells for record in islice(table.rows, _ROWS) if not record.problem]
        return delimiter, list(spec.columns) or table.columns, rows


def _usual(counts: Sequence[int]) -> tuple[int, int]:
    """How many lines have the same number of a mark, and that number; lines over a header have hardly any."""
    return max(((counts.count(count), count) for count in set(counts) if count), default=(0, 0))


def _header(lines: Sequence[str], mark: str) -> set[str]:
    """The names in the first line that has as many cells as most have."""
    if len(mark) != 1:
        return set()
    rows = [next(csv.reader([line], delimiter=mark), []) for line in lines]
    size = _usual([len(row) - 1 for row in rows])[1] + 1
    return {name.strip() for name in next((row for row in rows if len(row) == size), [])} - {""}


def _meanings(values: dict[str, list[str]]) -> dict[str, str]:
    """What is meant → the column, by its name, and if that says nothing by what stands in it."""
    found: dict[str, str] = {}
    plain = {
        re.sub(r"[^a-z0-9]+", "_", re.sub(r"\(.*?\)", "", name.lower())).strip("_"): name for name in values if name
    }
    for meaning, words in _WORDS.items():
        named = [plain[word] for word in (*words, *(_TIMES if meaning == "time" else ())) if word in plain]
        if free := [name for name in named if name not in found.values()]:
            found[meaning] = free[0]
    for meaning, holds in (("email", _EMAIL.fullmatch), ("time", iso_time("iso", "UTC"))):
        if meaning not in found:
            for name, cells in values.items():
                if name and name not in found.values() and cells and _reads_all(holds, cells):
                    found[meaning] = name
                    break
    return found


def _reads_all(holds: Callable[[str], object], cells: Sequence[str]) -> bool:
    try:
        return all(holds(cell) for cell in cells)
    except ValueError:
        return False


def _reads(read: Callable[[str], object], cells: Sequence[str]) -> bool:
    """Whether nearly all cells can be read: a total at the end of a table is no reason against it."""
    good = 0
    for cell in cells:
        try:
            read(cell)
        except ValueError:
            continue
        good += 1
    return good > 0.9 * len(cells) or (good > 0 and good >= len(cells) - 1)


def _written(proposal: _Proposal, plan: Plan) -> str:
    found = proposal.found
    notes: list[str] = []
    rule = _purchase(plan) if "revenue" in found else None
    mapping: dict[str, object] = {"source": rule.sources[0] if rule else _believed(plan)}
    mapping |= {"event": rule.name} if rule else {"type": "identify"}
    fields, sets = _fields(proposal, rule, plan, notes)
    mapping |= {"map": fields} | ({"set": sets} if sets else {})
    if rule and rule.spec.facts.subject and "order" in found:
        mapping["key"] = rule.spec.facts.subject[0]
    if proposal.delimiter != "comma":
        mapping["delimiter"] = proposal.delimiter
    if proposal.columns:
        mapping["columns"] = list(proposal.columns)
    if not proposal.formats:
        notes.append(f"no form of time was found that reads {found['time']}: say time_format")
    elif proposal.formats[0] != "iso":
        mapping["time_format"] = proposal.formats[0]
        if others := [form for form in proposal.formats[1:] if form.startswith("%")]:
            notes.append(f"the time may as well be {' or '.join(others)}: look whether day or month comes first")
    if rule and (marks := proposal.decimals(found["revenue"]))[0]:
        mapping["decimal"] = marks[0]
        if len(marks) > 1:
            notes.append("its numbers may as well have a decimal comma: look")
    if proposal.rest:
        notes.append(f"left: {', '.join(proposal.rest)}")
    comments = ["A guess. Look at it, then: rapport send FILE --mapping THIS --check", *notes]
    return "".join(f"# {text}\n" for text in comments) + yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True)


def _fields(
    proposal: _Proposal, rule: EventRule | None, plan: Plan, notes: list[str]
) -> tuple[dict[str, str], dict[str, str]]:
    found = proposal.found
    sets: dict[str, str] = {}
    traits = "context.traits" if rule else "traits"
    fields = {"user_id": found["customer"]} if "customer" in found else {}
    fields |= {
        f"{traits}.{name}": found[name] for name in ("email", "phone", "firstName", "lastName", "name") if name in found
    }
    fields["timestamp"] = found["time"]
    if rule:
        facts = rule.spec.facts
        if facts.subject and "order" in found:
            fields[f"properties.{facts.subject[0]}"] = found["order"]
        elif facts.subject:
            sets[f"properties.{facts.subject[0]}"] = "{" + next(iter(fields.values())) + "}-{" + found["time"] + "}"
            notes.append("no column looks like the number of an order, so that it is made of customer and time")
        if facts.amount:
            fields[f"properties.{facts.amount[0]}"] = f"{found['revenue']}:number"
        if (column := found.get("currency")) and _reads_all(currencies_of, proposal.values[column]):
            fields["properties.currency"] = f"{column}:currency"
        else:
            sets["properties.currency"] = plan.currency
            notes.append(f"the currency is taken to be {plan.currency}")
    return fields, sets


def _believed(plan: Plan) -> str:
    """A source whose traits are believed, if the plan has one."""
    return next((name for name, source in plan.sources.items() if not source.public), next(iter(plan.sources)))


def _purchase(plan: Plan) -> EventRule | None:
    return next((rule for rule in plan.rules if rule.role == "purchase" and rule.type == "track"), None)
