"""At which hours of the week something happens."""

from __future__ import annotations

import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Text, Words
from analysis.parameters import Parameters

__all__ = ["CLOCK", "Asked"]

_DAYS = (
    ("Monday", "星期一"), ("Tuesday", "星期二"), ("Wednesday", "星期三"), ("Thursday", "星期四"),
    ("Friday", "星期五"), ("Saturday", "星期六"), ("Sunday", "星期日"),
)  # fmt: skip


class Asked(Parameters):
    """Of which events."""

    role: str = Field("purchase", description="The role of events; `any` for all that customers do.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each event, with its place in the week."""
    events = base.within(base.chosen(base.orders if asked.role == "purchase" else base.doing(asked.role)))
    return events.select("customer", weekday=events.day.day_of_week.index().cast("int64"), hour=events.hour)


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Shares of all, in the order of the plan's week."""
    whole = sum(row["events"] for row in rows)
    for row in rows:
        row["name"] = _DAYS[row["weekday"]][0]
        row["share"] = row["events"] / whole
    return sorted(rows, key=lambda row: ((row["weekday"] - base.frame.week_start) % 7, row["hour"]))


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    if not rows:
        return None
    most = max(rows, key=lambda row: row["events"])
    day, chinese = _DAYS[most["weekday"]]
    return Text(
        f"Most happens on {day}s from {most['hour']}:00 to {most['hour'] + 1}:00.",
        f"{chinese} {most['hour']}:00 至 {most['hour'] + 1}:00 最多。",
    )


CLOCK = Analysis(
    name="clock",
    without=("by",),
    room="growth",
    title=Text("Hours of the week", "一周时段"),
    question=Text("When in the week does something happen?", "某类事件在一周的什么时段发生？"),
    how=Text(
        "Events of the role by local weekday and hour of the plan's zone (orders once each); an hour in which nothing "
        "happened has no row. On the day on which clocks are put back an hour counts twice as long. Weekdays are "
        "numbered from Monday, which is 0.",
        "按计划时区的本地星期与小时统计该类事件（订单每单一次）；无事件的小时没有行。时钟回拨之日有一小时计双倍时长。"
        "星期自星期一起编号，星期一为 0。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("subject",)),),
    members=_members,
    dimensions=(
        Column("weekday", Text("Weekday", "星期"), "count", "dimension"),
        Column("hour", Text("Hour", "小时"), "count", "dimension"),
    ),
    measures=(Count("events", Text("Events", "事件")), Customers("customers", Text("Customers", "客户"))),
    columns=(
        Column("name", Text("Day", "日"), "text", "note", words=Words(tuple(name for name, _ in _DAYS))),
        Column("share", Text("Share", "占比"), "share"),
    ),
    finish=_finish,
    sentence=_sentence,
    chart=Chart("heat", x="hour", y="weekday", color="events"),
)
