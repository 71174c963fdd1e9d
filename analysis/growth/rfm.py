"""How lately, how often and for how much customers bought: fifths of the base, equal values in equal fifths."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total
from analysis.parameters import Parameters
from analysis.relations.ranking import ranked
from analysis.shares import of_whole, share_columns

__all__ = ["RFM"]


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each customer with an order in the period, and their fifths."""
    orders = base.within(base.chosen(base.orders))
    each = orders.group_by("customer").agg(last=orders.day.max(), orders=orders.count(), net=orders.net.sum())
    each = each.mutate(net=each.net.cast("int64"))
    for name in ("last", "orders", "net"):
        each = ranked(each, name, f"below_{name}")
    return each.mutate(
        recency=_fifth(each, "last"),
        frequency=_fifth(each, "orders"),
        # Who brought nothing or less is in the lowest, however many they are.
        monetary=ibis.ifelse(each.net < 0, 1, _fifth(each, "net")),
        days=ibis.date(base.today).delta(each["last"], unit="day"),
    )


def _fifth(table: ir.Table, name: str) -> ir.IntegerValue:
    """The fifth of a value by its mid-rank: five times the customers below and half of the equal ones, over all."""
    below = table[f"below_{name}"]
    equal = table.count().over(ibis.window(group_by=name))
    of = table.count().over(ibis.window())
    # ceil(5 · (below + (equal + 1) / 2) / of), in whole numbers
    return ((5 * (2 * below + equal + 1) + 2 * of - 1) / (2 * of)).floor().cast("int64")


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    whole = sum(row["customers"] for row in rows)
    for row in rows:
        row.update(of_whole(row["customers"], whole, base.frame))
    return rows


RFM = Analysis(
    name="rfm",
    without=("by",),
    room="growth",
    title=Text("Recency, frequency, money", "近度、频度、金额"),
    question=Text("Who bought lately, often and for much?", "谁最近买、常买、买得多？"),
    how=Text(
        "Customers with an order in the period, by fifths (5 is best) of the last purchase day, of the number of "
        "orders and of net. A fifth is ceil(5 · (below + (equal + 1) / 2) / n): equal values are in the same fifth, "
        "so fifths need not be equally large, and those with a single order are not spread over three. Negative net "
        "is in the first. The edges are exact here; on the page of one customer they follow the stream.",
        "时期内有订单的客户，按最近购买日、订单数与净额分为五档（5 为最佳）。档位为 ceil(5 ·（低于者 +（等值者 + 1）/ "
        "2）/ n)：等值者同档，因此各档人数不必相等，仅下过一单者不会分入三档。负净额归入第一档。此处边界为精确值；单个"
        "客户页面上的边界随数据流更新。",
    ),
    needs=(Need("purchase", ("amount", "subject")), Need("refund", ("amount", "subject"), ("net",))),
    members=_members,
    once=True,
    dimensions=(
        Column("recency", Text("Recency", "近度"), "count", "dimension"),
        Column("frequency", Text("Frequency", "频度"), "count", "dimension"),
        Column("monetary", Text("Money", "金额"), "count", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Total("orders", Text("Orders", "订单"), "count"),
        Total("net", Text("Net", "净额"), "money"),
    ),
    columns=share_columns(Text("Share", "占比")),
    finish=_finish,
    chart=Chart("heat", x="frequency", y="recency", color="customers"),
)
