"""The next product: what is bought within months after a product more often than after any order."""

from __future__ import annotations

from math import exp, log, sqrt

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total
from analysis.parameters import Parameters
from analysis.products.basket import LEAST
from analysis.products.products import Level
from analysis.ratios import normal_p, quantile_of_normal
from analysis.statistics import adjusted

__all__ = ["NEXT", "Asked", "followed"]


class Asked(Parameters):
    """Of products or categories, and within how long."""

    level: Level = Field("product", description="Products or categories.")
    days: int = Field(90, ge=1, le=366, description="Days after an order within which another one counts.")
    every: bool = Field(False, description="Also pairs that do not follow each other beyond chance.")


def followed(base: Base, asked: Asked) -> ir.Table:
    """A row for each buyer of `a` who bought `b` later; for each buyer of `a` (`b` is ""); for each customer with `b`
    after an order (`a` is ""), weighing the share of their orders that it followed; and for each customer (both "")."""
    within = int(asked.days * 86_400e6)
    every = base.chosen(base.lines).filter(lambda t: t[asked.level] != "")
    order = ["customer", "log_partition", "log_offset"]
    every = every.select(*order, "us", "day", what=every[asked.level]).distinct()
    past = base.frame.now_us - within
    first = ibis.window(group_by=["customer", "what"], order_by=["us", "log_partition", "log_offset"])
    firsts = every.mutate(_rank=ibis.row_number().over(first)).filter(lambda t: t._rank == 0)
    firsts = base.within(firsts).filter(lambda t: t.us <= past)
    later = every.select("customer", b="what", later="us")
    none, one = ibis.literal(""), ibis.literal(1.0)

    joined = firsts.inner_join(later, "customer")
    followed = joined.select(customer=firsts.customer, a=firsts.what, us=firsts.us, b=later.b, later=later.later)
    followed = followed.filter(
        (followed.later > followed.us) & (followed.later - followed.us <= within) & (followed.a != followed.b)
    )
    followed = followed.select("customer", "a", "b").distinct()
    often = followed.group_by("a", "b").agg(times=lambda t: t.count()).filter(lambda t: t.times >= LEAST)
    followed = followed.semi_join(often, ["a", "b"])

    orders = base.within(every).filter(lambda t: t.us <= past).select(*order, "us").distinct()
    orders = orders.mutate(_of=orders.count().over(ibis.window(group_by="customer")))
    after = orders.inner_join(later, "customer")
    after = after.select(*[orders[name] for name in (*order, "us", "_of")], after.b, after.later)
    after = after.filter((after.later > after.us) & (after.later - after.us <= within))
    after = after.select(*order, "_of", "b").distinct()
    usual = after.group_by("customer", "b").agg(weight=(1.0 / after._of).sum())
    return (
        followed.select("customer", "a", "b", weight=one)
        .union(firsts.select("customer", a="what", b=none, weight=one))
        .union(usual.select("customer", a=none, b="b", weight="weight"))
        .union(orders.select("customer").distinct().select("customer", a=none, b=none, weight=one))
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Shares and lift of each pair."""
    buyers = {row["a"]: row["customers"] for row in rows if row["b"] == ""}
    usual = {row["b"]: row["weight"] for row in rows if row["a"] == ""}
    pairs = [row for row in rows if row["a"] and row["b"]]
    everybody = buyers.get("", 0)
    width = quantile_of_normal(base.frame.confidence)
    tested, p_values = [], []
    for row in pairs:
        n, of, weight = row["customers"], buyers[row["a"]], usual.get(row["b"], 0.0)
        row |= {"of": of, "share": n / of, "usual": weight / everybody if everybody else None}
        row |= {"lift": None, "low": None, "high": None, "q": None}
        if weight:
            lift = (n / of) / (weight / everybody)
            error = sqrt(max(1 / n - 1 / of + 1 / weight - 1 / everybody, 0.0))
            row |= {"lift": lift, "low": lift * exp(-width * error), "high": lift * exp(width * error)}
            tested.append(row)
            p_values.append(normal_p(log(lift) / error) if error else 1.0)
    for row, q in zip(tested, adjusted(p_values), strict=True):
        row["q"] = q
    found = tested if not asked.every else pairs
    found = [row for row in found if asked.every or (row["low"] > 1 and row["q"] <= 0.05)]
    return sorted(found, key=lambda row: (-(row["lift"] or 0), row["a"], row["b"]))


NEXT = Analysis(
    name="next_product",
    without=("by",),
    room="products",
    title=Text("Next product", "下一个商品"),
    question=Text(
        "What do buyers of a product buy next more often than others do?", "买了某商品的人，接下来买什么比其他人更多？"
    ),
    how=Text(
        "Of those whose first order with the one product lies in the period and at least `days` days back, the share "
        "who "
        "bought the other within so many days, in a later order. Lift is that share over the usual one: that of all "
        "customers within so many days of one of their orders of the period, each order of a customer as likely as the "
        "others. Its interval is that of the logarithm by the delta method, both shares taken as independent. Pairs "
        "are "
        f"compared from {LEAST} customers, and shown if the interval lies above 1 and q is at most 0.05 (Benjamini and "
        "Hochberg, over all pairs compared).",
        "在此期间首次购买前一商品且距今至少 `days` 天的客户中，于其后若干天内在之后的订单里购买后一商品的比例。提升度为"
        "该比例与通常比例之比：通常比例为所有客户在此期间任一订单（同一客户的各订单机会均等）后若干天内购买的比例。其"
        "区间由"
        f"对数的 delta 法得出，两比例视为独立。至少 {LEAST} 位客户才作比较；区间高于 1 且 q 不超过 0.05（对所有比较做 "
        "Benjamini-Hochberg 校正）时显示。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("items", "subject")),),
    members=followed,
    once=True,
    dimensions=(
        Column("a", Text("After", "之前"), "text", "dimension"),
        Column("b", Text("Next", "之后"), "text", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Total("weight", Text("Weight", "权重"), "number"),
    ),
    columns=(
        Column("of", Text("Buyers", "购买客户"), "customers", "note"),
        Column("share", Text("Bought it next", "随后购买的比例"), "share", part="customers", whole="of"),
        Column("usual", Text("Usual share", "通常比例"), "share"),
        Column("lift", Text("Lift", "提升度"), "factor"),
        Column("low", Text("lowest", "下限"), "factor", "note"),
        Column("high", Text("highest", "上限"), "factor", "note"),
        Column("q", Text("q", "q 值"), "number", "note"),
    ),
    finish=_finish,
    chart=Chart("heat", x="a", y="b", color="lift"),
)
