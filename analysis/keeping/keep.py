"""Whom to keep: customers who bring most, bought more than once and are still there, with what is at risk."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total
from analysis.parameters import Dimension, Parameters
from analysis.relations.lives import lives
from analysis.relations.ranking import ranked

__all__ = ["KEEP", "Asked"]


class Asked(Parameters):
    """The rule."""

    by: Dimension = Field("region", description="A dimension of customers to break the figures down by.")
    top: float = Field(0.2, gt=0, le=1, description="The share of customers by margin that is looked at.")
    orders: int = Field(2, ge=1, description="Orders, of all times, at least.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer to keep."""
    since, until = base.today - timedelta(days=365), base.today
    orders = base.orders
    within = (orders.day > ibis.date(since)) & (orders.day <= ibis.date(until))
    each = orders.group_by("customer").agg(
        orders=orders.count(), margin=within.ifelse(orders.margin, 0).sum().cast("int64"), recent=within.max()
    )
    each = each.filter(each.recent)
    each = ranked(each, "margin", "place", falling=True)
    each = each.mutate(of=each.count().over(ibis.window()))
    alive = lives(base)
    alive = alive.filter(alive.lost.isnull()).select("customer").distinct()
    kept = each.filter((each.place < each.of * asked.top) & (each.orders >= asked.orders) & (each.margin > 0))
    kept = base.broken_down(kept.semi_join(alive, "customer"))
    people = base.people.select("customer", "risk")
    joined = kept.left_join(people, "customer")
    return joined.select(
        kept.customer, kept.by, kept.orders, kept.margin,
        at_risk=((kept.margin * people.risk).fill_null(0.0) + 0.5).floor().cast("int64"),
        scored=people.risk.notnull(),
    )  # fmt: skip


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    for row in rows:
        if not row["scored"]:
            row["at_risk"] = None
    return sorted(rows, key=lambda row: (-row["margin"], row["by"]))


KEEP = Analysis(
    name="keep",
    without=("grain", "since", "until", "interval", "product", "category", "channel", "campaign"),
    room="keeping",
    title=Text("Whom to keep", "应留住的客户"),
    question=Text("Which customers are worth the effort of keeping?", "哪些客户值得花力气留住？"),
    how=Text(
        "Of customers with an order in the last 365 days, those among the top fifth by margin of that time (ties as a "
        "whole; net where no costs are known), with at least two orders ever, and not lost. At risk is margin times "
        "the risk of leaving, of those who have a score; blank where nobody has one.",
        "最近 365 天内有订单的客户中，该期毛利居前五分之一者（并列一并计入；成本未知时以净额代替），历史订单至少两单，"
        "且未流失。风险金额为毛利乘以有评分者的流失风险；无人有评分时留空。",
    ),
    parameters=Asked,
    needs=(
        Need("purchase", ("amount", "subject")),
        Need("purchase", ("cost",), ("margin",)),
        Need("refund", ("amount", "subject"), ("margin",)),
    ),
    members=_members,
    dimensions=(Column("by", Text("Part", "细分"), "text", "dimension"),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Customers("scored", Text("With a risk", "有风险评分的"), where="scored"),
        Total("orders", Text("Orders", "订单"), "count"),
        Total("margin", Text("Margin of 365 days", "365 天毛利"), "money"),
        Total("at_risk", Text("At risk", "风险金额"), "money"),
    ),
    finish=_finish,
    chart=Chart("bars", x="by", y=("margin", "at_risk")),
)
