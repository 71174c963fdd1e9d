"""What an analysis answers: columns, rows, notes, and from where."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from analysis.declaration import Chart, Column, Row, Text

__all__ = ["Behind", "Result"]


class Result(msgspec.Struct, kw_only=True):
    """The table of an analysis. Rows hold Python values: dates, whole minor units of money, shares as they are."""

    name: str
    asked: dict[str, Any]  # the parameters, with the defaults filled in
    columns: list[Column]
    rows: list[Row]
    notes: list[Text]
    sentence: Text | None
    chart: Chart
    currency: str
    as_of: datetime  # what was received later is not in it
    engine: str
    sql: str
    seconds: float  # that it took


class Behind(msgspec.Struct, kw_only=True):
    """The customers behind one number."""

    name: str
    cell: dict[str, Any]
    measure: str
    customers: list[Row]  # `customer` and what the members know of them
    total: int  # also of those beyond `customers`
    as_of: datetime
