"""How unequal customers are in what they spend, order or visit."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.shares import of_whole, share_columns
from profiles.money import exponent

__all__ = ["SPREAD", "Asked"]

_EDGES = tuple(step * 10**power for power in range(11) for step in (1, 2, 5))
"""Lower edges of the bins, which are about equally wide on a logarithmic scale."""


class Asked(Parameters):
    """Of what."""

    what: Literal["spend", "orders", "visits"] = Field("spend", description="Net, orders, or visits of a customer.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer of the period: the value, its bin, and its part in the figures of the whole."""
    events = base.within(base.chosen(base.of("visit") if asked.what == "visits" else base.orders))
    value = events.net.sum() if asked.what == "spend" else events.count()
    each = events.group_by("customer").agg(value=value.cast("int64"))
    bins = [(each.value >= edge, ibis.literal(edge, "int64")) for edge in reversed(_EDGES)]
    each = each.mutate(bin=ibis.cases(*bins, (each.value == 0, ibis.literal(0, "int64")), else_=-1))
    order = ibis.window(order_by=["value", "customer"])
    each = each.mutate(place=ibis.row_number().over(order) + 1, of=each.count().over(ibis.window()))
    of, place = each.of, each.place
    middle = (place == ((of + 1) / 2).floor()).ifelse(1, 0) + (place == (of / 2).floor() + 1).ifelse(1, 0)
    return each.mutate(
        middle=each.value * middle,
        ninth=(place == (of * 9 / 10).ceil()).ifelse(each.value, 0),
        top=(place > of - (of / 10).ceil()).ifelse(each.value, 0),
        weighted=each.value.cast("float64") * place,
        negative=(each.value < 0).ifelse(1, 0),
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """The bins, and after them a row of all customers."""
    n = sum(row["customers"] for row in rows)
    if not n:
        return rows
    sums = {
        name: sum(row[name] for row in rows) for name in ("value", "middle", "ninth", "top", "weighted", "negative")
    }
    total = sums["value"]
    unit = 10 ** exponent(base.frame.currency) if asked.what == "spend" else 1
    for row in rows:
        row.update(of_whole(row["customers"], n, base.frame))
        row["name"] = "< 0" if row["bin"] < 0 else f"{row['bin'] / unit:g}"
    enough = n >= base.frame.smallest
    fair = enough and total > 0 and not sums["negative"]
    whole: Row = {
        "bin": None, "customers": n, "value": total, "name": "all", **of_whole(n, n, base.frame),
        "mean": total / n if enough else None,
        "median": sums["middle"] / 2 if enough else None,
        "p90": sums["ninth"] if enough else None,
        "top_share": sums["top"] / total if fair else None,
        "gini": 2 * sums["weighted"] / (n * total) - (n + 1) / n if fair else None,
    }  # fmt: skip
    return [*rows, whole]


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    if not rows or rows[-1].get("top_share") is None:
        return None
    share = rows[-1]["top_share"]
    return Text(f"The top tenth has {share:.1%} of it.", f"前十分之一的客户占 {share:.1%}。")


SPREAD = Analysis(
    name="spread",
    without=("by",),
    room="growth",
    title=Text("Spread", "分布"),
    question=Text("How unequal are customers?", "客户之间差异有多大？"),
    how=Text(
        "Net spend (each order less its refunds), orders or visits of each customer who had any in the period, in bins "
        "of 1, 2, 5, 10, 20, …; money in minor units. The row of all has the median, the value that nine of ten do not "
        "exceed, the share of the tenth with most, and the Gini coefficient (0 is all alike). Gini and share are not "
        "given where a value is below 0.",
        "时期内每位有记录客户的净消费（每单扣除其退款）、订单数或访问数，按 1、2、5、10、20……分箱；金额为最小货币单位"
        "。合计行给出中位数、九成客户不超过的值、最高十分之一的占比与基尼系数（0 为完全相同）。存在负值时不给出基尼系"
        "数与占比。",
    ),
    parameters=Asked,
    needs=(
        Need("purchase", ("amount", "subject")),
        Need("refund", ("amount", "subject"), ("spend",)),
        Need("visit", (), ("visits",)),
    ),
    members=_members,
    once=True,
    dimensions=(Column("bin", Text("From", "起"), "count", "dimension"),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Total("value", Text("Sum", "合计"), "count"),
        *[
            Total(name, Text(name, name), "points", hidden=True)
            for name in ("middle", "ninth", "top", "weighted", "negative")
        ],
    ),
    columns=(
        Column("name", Text("Bin", "分箱"), "text", "note", words=Words(("all",))),
        *share_columns(Text("Share", "占比")),
        Column("mean", Text("Mean", "均值"), "number", part="value", whole="customers"),
        Column("median", Text("Median", "中位数"), "number", whole="customers"),
        Column("p90", Text("90 % have at most", "九成不超过"), "number", whole="customers"),
        Column("top_share", Text("Share of the top tenth", "前十分之一占比"), "share", whole="customers"),
        Column("gini", Text("Gini", "基尼系数"), "number", whole="customers"),
    ),
    finish=_finish,
    sentence=_sentence,
    chart=Chart("bars", x="name", y="customers"),
)
