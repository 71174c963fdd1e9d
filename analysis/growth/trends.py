"""How often something happens, by how many customers, and for how much, over time and by part."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import (
    Analysis,
    Chart,
    Column,
    Count,
    Customers,
    Need,
    Quantile,
    Ratio,
    Row,
    Text,
    Total,
    Words,
)
from analysis.parameters import Parameters

__all__ = ["OTHER", "TRENDS", "Asked"]

OTHER = "other"
"""The part that holds all beyond the largest; nothing is dropped."""


class Asked(Parameters):
    """Of which events, and in how many parts."""

    role: str = Field("visit", description="The role of events; `any` for all that customers do.")
    parts: int = Field(25, ge=1, le=100, description="Parts of a breakdown told apart; the rest is `other`.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each event, orders once each."""
    events = base.orders.mutate(amount="net") if asked.role == "purchase" else base.doing(asked.role)
    events = base.broken_down(base.within(base.chosen(events)))
    table = events.select("customer", "amount", "by", period=base.period_of(events.day))
    if not asked.by:
        return table
    sizes = table.group_by("by").agg(times=table.count())
    largest = sizes.mutate(place=ibis.row_number().over(ibis.window(order_by=[ibis.desc("times"), "by"])))
    joined = table.inner_join(largest, "by")
    return joined.select(
        table.customer, table.amount, table.period, by=ibis.ifelse(largest.place < asked.parts, table.by, OTHER)
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    for row in rows:
        row["complete"] = base.complete(row["period"])
    return rows


TRENDS = Analysis(
    name="trends",
    room="growth",
    title=Text("Trends", "趋势"),
    question=Text("How often does something happen, and for how much?", "某类事件发生了多少次，金额多少？"),
    how=Text(
        "Events of the role in each local period, distinct customers, events per customer, and the sum and the median "
        "of their amounts (of orders net of refunds, each order once). With a breakdown the largest parts are told "
        "apart and the rest is “other”; a customer may be in several parts, so customers do not add up, events and "
        "sums do.",
        "各本地时期内该类事件数、不同客户数、人均次数，以及金额之和与中位数（订单扣除退款，每单一次）。细分时列出最大"
        "的各部分，其余归入“other”；同一客户可在多个部分中，因此客户数不可相加，事件数与金额可以。",
    ),
    parameters=Asked,
    needs=(Need("visit"), Need("purchase", ("amount",), ("sum", "median"))),
    members=_members,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("by", Text("Part", "细分"), "text", "dimension", words=Words((OTHER,))),
    ),
    measures=(
        Count("events", Text("Events", "事件")),
        Customers("customers", Text("Customers", "客户")),
        Ratio("each", Text("Per customer", "人均"), "number", part="events", whole="customers"),
        Total("sum", Text("Sum", "合计"), "money", value="amount"),
        Quantile("median", Text("Median", "中位数"), "money", value="amount"),
    ),
    columns=(Column("complete", Text("Complete", "已完整"), "text", "note"),),
    finish=_finish,
    chart=Chart("lines", x="period", y="events", color="by"),
)
