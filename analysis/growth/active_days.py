"""On how many days customers are active: few of them often, or many of them once."""

from __future__ import annotations

from typing import ClassVar

import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text
from analysis.parameters import Interval, Parameters
from analysis.shares import of_whole, share_columns

__all__ = ["ACTIVE_DAYS", "Asked"]


class Asked(Parameters):
    """What counts as active, and what is counted."""

    length: ClassVar[int] = 28

    interval: Interval = Field("day", description="What is counted: days, weeks, months or quarters with activity.")
    role: str = Field("visit", description="The role of events that count; `any` for all that customers do.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer of the period, with the number of their active days."""
    events = base.within(base.chosen(base.doing(asked.role)))
    days = events.select("customer", period=base.period_of(events.day)).distinct()
    return days.group_by("customer").agg(days=days.count())


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    whole = sum(row["customers"] for row in rows)
    left = whole
    for row in rows:
        row.update(of_whole(row["customers"], whole, base.frame) | of_whole(left, whole, base.frame, "at_least"))
        left -= row["customers"]
    return rows


ACTIVE_DAYS = Analysis(
    name="active_days",
    without=("by",),
    room="growth",
    title=Text("Active days", "活跃天数"),
    question=Text("On how many days is a customer active?", "客户在多少天里活跃？"),
    how=Text(
        "Customers by the number of local days of the period on which they had an event of the role (weeks or months "
        "if the interval says so). Shares are of those who were active at all; the last column is the share with as "
        "many days or more.",
        "按时期内有该类事件的本地天数（或所选的周、月）统计客户。占比以至少活跃过一次者为分母；末列为达到该天数或更多"
        "者的比例。",
    ),
    parameters=Asked,
    needs=(Need("visit"),),
    members=_members,
    dimensions=(Column("days", Text("Active days", "活跃天数"), "count", "dimension"),),
    measures=(Customers("customers", Text("Customers", "客户")),),
    columns=(
        *share_columns(Text("Share", "占比")),
        *share_columns(Text("As many or more", "达到或更多"), "at_least"),
    ),
    finish=_finish,
    chart=Chart("bars", x="days", y="share"),
)
