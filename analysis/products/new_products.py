"""New products: how fast those who could take a product up since its launch do."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Words
from analysis.parameters import Parameters
from analysis.ratios import quantile_of_normal
from analysis.relations.lines import by_product

__all__ = ["NEW_PRODUCTS"]

_DAY_US = 86_400_000_000
_MOST = 20
_BEFORE = 28
"""Days of archive before a launch: what is seen as soon as the archive begins may be old."""
_BUYERS = 100
_EDGE = 0.16
"""Share of buyers who are called early, and late: those beyond one standard deviation, in the theory of adoption."""


class Asked(Parameters):
    """What counts as taking it up."""

    use: Literal["purchase", "view"] = Field("purchase", description="What takes a product up: a purchase or a view.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each new product and each customer who was active since its launch: at which age they took it up, or
    until which age they are known not to have."""
    seen = base.of("view", "purchase").select("customer", "us", "day", "role", "product", "category", "items")
    seen = by_product(seen)
    seen = seen.filter(seen["product"].fill_null("") != "")
    launches = seen.group_by("product").agg(launch=seen.us.min(), day=seen.day.min(), of=seen.count())
    said = base.catalogue.filter(base.catalogue.launched.notnull()).select("product", launched="launched")
    joined = launches.left_join(said, "product")
    launches = joined.select(
        launches["product"], launches.launch, launches.of, launched=said.launched,
        day=said.launched.fill_null(launches.day),
    )  # fmt: skip
    known = launches.launched.notnull() | (launches.day >= ibis.date(base.frame.begins) + ibis.interval(days=_BEFORE))
    launches = base.within(base.chosen(launches)).filter(known)
    most = ibis.window(order_by=[ibis.desc("of"), ibis.asc("product")])
    launches = launches.mutate(_rank=ibis.row_number().over(most)).filter(lambda t: t._rank < _MOST)
    own = base.doing("any")
    active = own.group_by("customer").agg(begin=own.us.min(), end=own.us.max())
    crossed = launches.select("product", "launch").cross_join(active)
    crossed = crossed.filter(crossed.end >= crossed.launch)
    crossed = crossed.mutate(start=ibis.greatest(crossed.launch, crossed.begin))
    used = seen.filter(seen.role == asked.use)
    used = used.group_by("customer", "product").agg(used=used.us.min())
    joined = crossed.left_join(used, ["customer", "product"])
    ended = ibis.coalesce(used.used, ibis.literal(base.frame.now_us))
    return joined.select(
        crossed.customer,
        crossed["product"],
        age=((ended - crossed.start) / _DAY_US).floor().cast("int64"),
        adopted=used.used.notnull(),
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """The share who took a product up by each age, as one less Kaplan and Meier's curve."""
    width = quantile_of_normal(base.frame.confidence)
    found = []
    for product in dict.fromkeys(row["product"] for row in rows):
        curve = [row for row in rows if row["product"] == product]
        at_risk = sum(row["customers"] for row in curve)
        buyers = sum(row["adopted"] for row in curve)
        left, variance, upto = 1.0, 0.0, 0
        for row in curve:
            taken = row["adopted"]
            row["at_risk"] = at_risk
            if taken:
                left *= 1 - taken / at_risk
                variance += taken / (at_risk * (at_risk - taken)) if at_risk > taken else 0.0
                rank = (upto + taken / 2) / buyers
                row["group"] = "" if buyers < _BUYERS else ("early", "late", "")[_side(rank)]
                row["share"], (row["low"], row["high"]) = 1 - left, _ends(left, variance, width)
                found.append(row)
            at_risk -= row["customers"]
            upto += taken
    return found


def _side(rank: float) -> int:
    return 0 if rank <= _EDGE else 1 if rank >= 1 - _EDGE else 2


def _ends(left: float, variance: float, width: float) -> tuple[float | None, float | None]:
    """Greenwood's interval, log-log, of the share that has taken it up."""
    if not 0 < left < 1:
        return None, None
    error = width * sqrt(variance) / abs(log(left))
    return 1 - exp(log(left) * exp(-error)), 1 - exp(log(left) * exp(error))


NEW_PRODUCTS = Analysis(
    name="new_products",
    without=("by", "category", "channel", "campaign"),
    reasons=dict.fromkeys(
        ("category", "channel", "campaign"), "is about each product's launch, and who takes it up wherever and why ever"
    ),
    room="products",
    title=Text("New products", "新品"),
    question=Text("How fast do customers take up what is new?", "客户多快接受新品？"),
    how=Text(
        "New is what the plan's catalogue says was launched in the period, else what was first viewed or bought in it "
        f"and at least {_BEFORE} days after the archive begins; the {_MOST} with most events are shown. Everybody who "
        "was active since "
        "the launch could take it up, from the launch or from their own first event, if that is later, until now. The "
        "share who did by an age (in days of 24 hours) is one less the curve of Kaplan and Meier, so that those who "
        "came "
        "lately count as long as they are known; the interval is Greenwood's, log-log. From "
        f"{_BUYERS} buyers on the first and the last {_EDGE:.0%} are named early and late. There is a row for each "
        "age at "
        "which somebody took it up; its customers are those of this very age.",
        f"新品指计划商品目录所载于此期间上市者，否则为此期间首次被查看或购买、且距归档开始至少 {_BEFORE} 天的商品；"
        f"显示事件最多的 {_MOST} 个。自上市起活跃"
        "过的每位"
        "客户都可能接受它：从上市时起，或从其自己的首个事件起（取较晚者），直到现在。到某一时长（24 小时为一天）已接"
        "受的比例"
        "为一减 Kaplan-Meier 曲线，因此新来的客户按其已知时间计入；区间为 Greenwood 的 log-log 区间。购买者达到 "
        f"{_BUYERS} 人时，最先和最后的 {_EDGE:.0%} 标为早期和晚期。每个有人接受的时长一行；其客户即在该时长接受的人。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("items",)), Need("view", ("product",), ("views",))),
    members=_members,
    once=True,
    dimensions=(
        Column("product", Text("Product", "商品"), "text", "dimension"),
        Column("age", Text("Days since", "天数"), "days", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers whose time ended", "时间截止的客户")),
        Customers("adopted", Text("Took it up", "接受的客户"), where="adopted"),
    ),
    columns=(
        Column("at_risk", Text("Could still", "仍可能的客户"), "customers", "note"),
        Column("share", Text("Took it up by then", "至此已接受的比例"), "share", whole="at_risk"),
        Column("low", Text("lowest", "下限"), "share", "note"),
        Column("high", Text("highest", "上限"), "share", "note"),
        Column("group", Text("Early or late", "早期或晚期"), "text", "note", words=Words(("early", "late"))),
    ),
    finish=_finish,
    chart=Chart("steps", x="age", y="share", color="product", low="low", high="high"),
)
