"""The most and the least satisfied fifth of those who answered."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.parameters import Parameters

__all__ = ["EXTREMES", "extremes_of"]

_SCALE = {"csat": (1, 4), "nps": (0, 10), "ces": (1, 6), "review": (1, 4)}  # from, over: to 0–100
_GROUPS = Words((), meant=(("top", "most satisfied"), ("bottom", "least satisfied")))
_MOST_TIED = 0.3  # of all, at the edge; more are a group of their own: all who gave that mark


def extremes_of(base: Base, asked: Parameters) -> ir.Table:
    """A row for each customer of either group, with the mean of the scaled answers of the period."""
    answers = base.chosen(base.within(base.of(*_SCALE))).filter(lambda t: t.rating.notnull())
    scaled = ibis.cases(
        *[((answers.role == kind), (answers.rating - least) * (100 / over)) for kind, (least, over) in _SCALE.items()],
        else_=ibis.null("float64"),
    )
    each = answers.mutate(scaled=scaled).group_by("customer").agg(mean=lambda t: t.scaled.mean().round(6))
    groups = [_edge(each, name, best=best) for name, best in (("top", True), ("bottom", False))]
    return ibis.union(*groups)


def _edge(each: ir.Table, name: str, *, best: bool) -> ir.Table:
    """Those at one end: ties go in or out as a whole, whichever is nearer to a fifth of all."""
    marks = each.group_by("mean").agg(there=each.count())
    order = ibis.desc("mean") if best else ibis.asc("mean")
    so_far = ibis.window(order_by=order, preceding=None, following=0)
    marks = marks.mutate(within=marks.there.sum().over(so_far), every=marks.there.sum().over(ibis.window()))
    nearest = ibis.window(order_by=[(marks.within - marks.every * 0.2).abs(), ibis.asc("within")])
    marks = marks.mutate(_place=ibis.row_number().over(nearest))
    edge = marks.filter(marks._place == 0).select(edge="mean", within="within", every="every")
    joined = each.cross_join(edge)
    inside = joined["mean"] >= joined.edge if best else joined["mean"] <= joined.edge
    tied = joined.within > joined.every * _MOST_TIED
    return joined.filter(inside).select(
        "customer", group=ibis.literal(name), marks=joined["mean"], tied=tied, every=joined.every
    )


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    for row in rows:
        row["mean"] = row.pop("marks") / row["customers"]
        row["of"] = round(row.pop("every") / row["customers"])
        row["share"] = row["customers"] / row["of"]
        row["tied"] = bool(row["tied"])
    return sorted(rows, key=lambda row: row["group"] != "top")


EXTREMES = Analysis(
    name="extremes",
    without=("by",),
    room="service",
    title=Text("Most and least satisfied", "最满意与最不满意的客户"),
    question=Text("Who are the most and the least satisfied fifth?", "最满意和最不满意的五分之一客户是谁？"),
    how=Text(
        "Each customer has one mark: the mean of the answers of the period on a scale from 0 to 100 (CSAT "
        "and reviews "
        "(s − 1)/4, NPS s/10, CES (s − 1)/6). The groups are the fifths at both ends; equal marks at the "
        "edge go in or "
        "out together, whichever is nearer to 20 %. If more than 30 % share the mark, the group is all who gave it.",
        "每位客户取一个分数：该期各次作答换算为 0–100 后的平均值（CSAT 与评价 (s−1)/4，NPS s/10，CES (s−1)/6"
        "）。两端各取五分"
        "之一；边界处同分者一并计入或排除，取更接近 20 % 者。若同分者超过 30 %，该组即为所有给出该分的客户。",
    ),
    needs=(Need("csat|nps|ces|review", ("rating",)),),
    members=extremes_of,
    dimensions=(Column("group", Text("Group", "分组"), "text", "dimension", words=_GROUPS),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Customers("tied", Text("Beyond 30 %", "超过 30 %"), where="tied"),
        Total("marks", Text("Sum of marks", "评分之和"), "points"),
        Total("every", Text("Who answered", "作答客户"), "points"),
    ),
    columns=(
        Column("of", Text("Of all who answered", "全部作答客户"), "customers"),
        Column("share", Text("Share", "占比"), "share", part="customers", whole="of"),
        Column("mean", Text("Mean mark", "平均分"), "points", whole="customers"),
    ),
    finish=_finish,
    chart=Chart("bars", x="group", y="mean"),
)
