"""On which days of the month something happens, such as after pay day."""

from __future__ import annotations

from datetime import date, timedelta

import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Text
from analysis.parameters import Parameters

__all__ = ["MONTH_DAYS", "Asked"]


class Asked(Parameters):
    """Of which events."""

    role: str = Field("purchase", description="The role of events, such as `payment`; several separated by `|`.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each event, orders once each."""
    events = base.within(base.chosen(base.orders if asked.role == "purchase" else base.doing(asked.role)))
    return events.select("customer", month_day=events.day.day().cast("int64"))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Events for each time that the day occurred, and against the mean of all days."""
    since, until = asked.period(base.frame)
    end = min(until, base.today + timedelta(days=1))
    days: list[date] = [since + timedelta(days=number) for number in range((end - since).days)]
    whole = sum(row["events"] for row in rows)
    for row in rows:
        times = sum(day.day == row["month_day"] for day in days)
        row["each"] = row["events"] / times
        row["index"] = row["each"] / (whole / len(days))
    return rows


MONTH_DAYS = Analysis(
    name="month_days",
    without=("by",),
    room="growth",
    title=Text("Days of the month", "每月日期"),
    question=Text("On which days of the month does something happen?", "某类事件发生在每月的哪几天？"),
    how=Text(
        "Events of the role by the local day of the month (orders once each), and for each time that this day was in "
        "the period: the 31st is in seven months of a year. The index is that over the mean of all days; 1 is as "
        "usual.",
        "按本地日期（几号）统计该类事件（订单每单一次），并除以该日期在时期内出现的次数：31 号一年只有七次。指数为其与"
        "全部日期均值之比，1 为平常。",
    ),
    parameters=Asked,
    needs=(Need("purchase|payment", ("subject",)),),
    members=_members,
    dimensions=(Column("month_day", Text("Day of the month", "几号"), "count", "dimension"),),
    measures=(Count("events", Text("Events", "事件")), Customers("customers", Text("Customers", "客户"))),
    columns=(
        Column("each", Text("Each time", "每次"), "number"),
        Column("index", Text("Index", "指数"), "factor"),
    ),
    finish=_finish,
    chart=Chart("bars", x="month_day", y="index"),
)
