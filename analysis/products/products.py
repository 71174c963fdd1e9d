"""Products: what is sold of each product or category, to how many, and what of it is kept."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Ratio, Row, Text, Total
from analysis.parameters import OverTime

__all__ = ["PRODUCTS", "Level", "sold"]

Level = Literal["product", "category"]


class Asked(OverTime):
    """Of products or of categories, over the whole period or by its parts."""

    level: Level = Field("product", description="Products or categories.")


def sold(base: Base, level: Level) -> ir.Table:
    """One row for each product (or category) of each order of any time under the filters by event: `what`, and of the
    order what `base.broken_down` and `base.within` take."""
    rows = base.chosen(base.lines)
    rows = rows.mutate(what=rows[level].fill_null(""))
    keys = ["customer", "day", "us", "log_partition", "log_offset", "channel", "utm_campaign", "what"]
    keys += [] if level == "category" else ["category"]
    return rows.group_by(keys).agg(
        items=rows.quantity.sum(), **{name: rows[name].sum() for name in ("revenue", "refunded", "net")}
    )


def _members(base: Base, asked: Asked) -> ir.Table:
    rows = base.broken_down(base.within(sold(base, asked.level)))
    since, _ = asked.period(base.frame)
    return rows.mutate(period=base.period_of(rows.day) if asked.over_time else ibis.date(since))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Each one's share of the net of its part; by net, the highest first."""
    totals: dict[tuple[object, str], int] = {}
    for row in rows:
        part = row["period"], row["by"]
        totals[part] = totals.get(part, 0) + row["net"]
    for row in rows:
        total = totals[row["period"], row["by"]]
        row["share"] = row["net"] / total if total > 0 else None
    return sorted(rows, key=lambda row: (row["period"], row["by"], -row["net"], row["what"]))


PRODUCTS = Analysis(
    name="products",
    room="products",
    title=Text("Products", "商品"),
    question=Text("What is sold, where, and how much of it is kept?", "卖出了什么、卖到哪里、留下了多少？"),
    how=Text(
        "Of the orders of the period, by product or category: items, orders with it, customers who bought it, revenue, "
        "refunds at any time (of the products that a refund lists, else of all of its order), and net, which is "
        "revenue "
        "less refunds. The amount of an order is divided among its products by price times quantity (by quantity, if a "
        "price is missing), so items and money add up; an order of several categories counts in each, so orders and "
        "customers do not. What names no product has no name here.",
        "按商品或品类统计此期间的订单：件数、含该商品的订单、购买客户、收入、任何时候的退款（退款列明的商品，否则按整个"
        "订单分摊），以及净额（收入减退款）。订单金额按单价乘数量分摊给各商品（缺少单价时按数量），因此件数和金额可以"
        "相加；含多个品类的订单在每个品类中各计一次，因此订单数和客户数不可相加。未说明商品的列在空名下。",
    ),
    parameters=Asked,
    needs=(
        Need("purchase", ("amount", "items", "subject")),
        Need("refund", ("amount", "subject"), ("refunded", "net")),
    ),
    members=_members,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("by", Text("Of", "细分"), "text", "dimension"),
        Column("what", Text("Product", "商品"), "text", "dimension"),
    ),
    measures=(
        Total("items", Text("Items", "件数")),
        Count("orders", Text("Orders", "订单")),
        Customers("customers", Text("Buyers", "购买客户")),
        Total("revenue", Text("Revenue", "收入"), "money"),
        Total("refunded", Text("Refunded", "退款"), "money"),
        Total("net", Text("Net", "净额"), "money"),
        Ratio("back", Text("Refunded, share", "退款比例"), "share", part="refunded", whole="revenue"),
    ),
    columns=(Column("share", Text("Share of net", "占净额的比例"), "share", "note"),),
    finish=_finish,
    chart=Chart("bars", x="what", y="net", color="by"),
)
