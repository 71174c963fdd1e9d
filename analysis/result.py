"""What an analysis answers: columns, rows, notes, and from where."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec

from analysis.declaration import Chart, Column, Row, Text

__all__ = ["MARGIN", "Behind", "Result"]

MARGIN = Column("margin_12m", Text("Margin of 12 months", "近 12 个月毛利"), "money")
"""What lists are ordered by; null of who ordered nothing in that time."""


class Result(msgspec.Struct, kw_only=True):
    """The table of an analysis. Rows hold Python values: dates, whole minor units of money, shares as they are."""

    name: str
    asked: dict[str, Any]  # the parameters, with the defaults filled in
    columns: list[Column]
    rows: list[Row]
    notes: list[Text]
    restated: list[date]  # first days of the periods asked for that events came for after they had been closed
    sentence: Text | None
    chart: Chart
    currency: str
    as_of: datetime  # what was received later is not in it
    open_from: date  # first local day of the period that holds `as_of`, and has not ended
    link: int  # offset of the newest merge or split that it knows of; -1: none
    engine: str
    sql: str
    seconds: float  # that it took


class Behind(msgspec.Struct, kw_only=True):
    """The customers behind one number."""

    name: str
    cell: dict[str, Any]
    measure: str
    customers: list[Row]  # `customer`, their `margin_12m`, by which they are ordered, and what the members know of them
    total: int  # also of those beyond `customers`
    quoted: str = ""  # which of what the members know is text of the customer's own
    as_of: datetime
