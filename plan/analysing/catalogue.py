"""The catalogue of products: a CSV or Parquet file beside the plan that says of each what no event tells."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from plan.errors import PlanError, Problem
from profiles.money import to_minor

__all__ = ["MOST", "Product", "read_catalogue"]

MOST = 200_000
"""Products of a catalogue, at most: every process that has the plan keeps them."""

_TOLD = 20  # problems that are told, at most


class Product(msgspec.Struct, frozen=True):
    """One product. Money is whole minor units of the plan's currency; None is not known."""

    product_id: str
    category: str = ""
    price: int | None = None
    cost: int | None = None
    launched: date | None = None
    tags: tuple[str, ...] = ()
    cycle_days: float | None = None  # from one purchase to the next, usually
    tier: int | None = None  # of several in a category, the higher one is the better


def read_catalogue(path: Path, currency: str) -> tuple[Product, ...]:
    """The products of a file whose name ends in `.csv` or `.parquet`.

    Raises:
        PlanError: it cannot be read, has too many products, or columns or values that are none; tells the lines.
    """
    problems: list[Problem] = []

    def wrong(line: int, column: str, message: str) -> None:
        problems.append(Problem(str(path), line, column, message))

    found: dict[str, Product] = {}
    try:
        for line, row in _rows(path):
            if line == 1:
                _check_columns(row, wrong)
                if problems:
                    break
            if len(found) >= MOST:
                wrong(line, "", f"has more than {MOST:,} products")
                break
            product = _product(row, currency, line, wrong)
            if product is not None and product.product_id in found:
                wrong(line, "product_id", f"'{product.product_id}' is given twice")
            elif product is not None:
                found[product.product_id] = product
            if len(problems) >= _TOLD:
                break
    except (OSError, ValueError, csv.Error) as error:
        wrong(0, "", f"is no catalogue that can be read: {error}")
    if problems:
        raise PlanError(problems)
    return tuple(found.values())


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Rows with the number of their line, from 1 for a first one that only has the names of columns."""
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415  (few have one)

        table = pq.read_table(path)
        yield 1, dict.fromkeys(table.column_names)
        yield from enumerate(table.to_pylist(), 2)
        return
    if path.suffix != ".csv":
        raise ValueError("its name must end in .csv or .parquet")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        yield 1, dict.fromkeys(reader.fieldnames or ())
        for row in reader:
            yield reader.line_num, row


def _check_columns(row: Mapping[str, Any], wrong: Callable[[int, str, str], None]) -> None:
    known = Product.__struct_fields__
    if "product_id" not in row:
        wrong(1, "product_id", "is required")
    for name in row:
        if name not in known:
            wrong(1, str(name), f"is no column of a catalogue; there are {', '.join(known)}")


def _product(
    row: Mapping[str, Any], currency: str, line: int, wrong: Callable[[int, str, str], None]
) -> Product | None:
    if line == 1:
        return None
    if None in row:  # where the reader of CSV puts what stands beyond the last column
        wrong(line, "", "has more values than there are columns: put those with a comma in quotes")
        return None
    values: dict[str, Any] = {}
    for name, value in row.items():
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            values[name] = _READ[name](value, currency)
        except (ValueError, TypeError, ArithmeticError):
            wrong(line, name, f"{value!r} is {_MEANT[name]}")
            return None
    if not values.get("product_id"):
        wrong(line, "product_id", "is missing")
        return None
    return Product(**values)


def _money(value: Any, currency: str) -> int:
    minor = to_minor(float(value), currency)
    if minor is None or minor < 0:
        raise ValueError(value)
    return minor


def _number(value: Any, currency: str) -> float:
    number = float(value)
    if not 0 < number <= 3660:
        raise ValueError(value)
    return number


def _day(value: Any, currency: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value).strip())


def _tags(value: Any, currency: str) -> tuple[str, ...]:
    parts = value.split("|") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part and part.strip())


def _whole(value: Any, currency: str) -> int:
    if float(value) != int(float(value)):
        raise ValueError(value)
    return int(float(value))


_READ: Mapping[str, Callable[[Any, str], Any]] = {
    "product_id": lambda value, currency: str(value).strip(),
    "category": lambda value, currency: str(value).strip(),
    "price": _money,
    "cost": _money,
    "launched": _day,
    "tags": _tags,
    "cycle_days": _number,
    "tier": _whole,
}

_MEANT = {
    "product_id": "no id", "category": "no word", "price": "no amount of money", "cost": "no amount of money",
    "launched": "no day such as 2026-05-04", "tags": "no list of words (separated by | in CSV)",
    "cycle_days": "no number of days above 0", "tier": "no whole number",
}  # fmt: skip
