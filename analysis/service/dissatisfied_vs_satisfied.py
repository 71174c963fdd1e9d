"""What the least satisfied had in common before they answered, against the most satisfied (findings, not causes)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.keeping.lost_vs_kept import COMPARED, FEATURES, bought_until, compared_rows, contrasted
from analysis.parameters import Parameters
from analysis.service.extremes import extremes_of

__all__ = ["DISSATISFIED_VS_SATISFIED"]

_ANSWERS = ("csat", "nps", "ces", "review")

_NAMES = {"dissatisfied": "lost", "satisfied": "kept", "dissatisfied_with": "lost_with",
          "satisfied_with": "kept_with", "of_dissatisfied": "of_lost", "of_satisfied": "of_kept"}  # fmt: skip
"""Of the groups here, and of those that `contrasted` tells apart."""


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each customer of either fifth and each feature that is known of them before they answered."""
    ends = extremes_of(base, asked)
    # Who is in both, as everybody gave the same mark, is in neither.
    sides = ends.group_by("customer").agg(sides=ends.count(), bottom=(ends.group == "bottom").ifelse(1, 0).max())
    sides = sides.filter(sides.sides == 1)
    answers = base.chosen(base.within(base.of(*_ANSWERS))).filter(lambda t: t.rating.notnull())
    first = answers.group_by("customer").agg(cut=answers.day.min() - ibis.interval(days=1))
    each = sides.inner_join(first, "customer").select("customer", "cut", lost=sides.bottom == 1)
    orders = base.orders.select("customer", "day", "revenue", "discount").inner_join(each, "customer")
    bought = bought_until(orders, orders.cut)
    bought = bought.select("customer", *[name for name in bought.columns if name not in each.columns])
    joined = each.left_join(bought, "customer")
    counts = {
        name: bought[name].fill_null(0) for name in ("orders", "orders_year", "revenue_year", "discounts", "later")
    }
    population = joined.select(*[each[name] for name in each.columns], bought.first_order, bought.last_order, **counts)
    table = contrasted(base, population)
    return table.rename({name: usual for name, usual in _NAMES.items() if usual in table.columns})


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    there = {usual: name for name, usual in _NAMES.items()}
    as_lost = [{_NAMES.get(name, name): value for name, value in row.items()} for row in rows]
    return [{there.get(name, name): value for name, value in row.items()} for row in compared_rows(as_lost, base)]


def _sentence(rows: list[Row], base: Base, asked: Parameters) -> Text | None:
    found = next((row for row in rows if row["finding"]), None)
    if found is None:
        return Text("Nothing that was compared went with being dissatisfied.", "所比较的特征均与不满意无关联。")
    written = ".1%" if found["kind"] == "share" else ".1f"
    one, other = (format(found[name], written) for name in ("of_dissatisfied", "of_satisfied"))
    return Text(
        f"“{found['feature']}” went with being dissatisfied: {one} of the dissatisfied, {other} of the satisfied.",
        f"“{found['feature']}”与不满意相伴：不满意客户 {one}，满意客户 {other}。",
    )


def _notes(rows: list[Row], base: Base, asked: Parameters) -> list[Text]:
    one, other = (max((row[name] for row in rows), default=0) for name in ("dissatisfied", "satisfied"))
    few = base.frame.few
    if not rows or min(one, other) >= few:
        return []
    return [
        Text(
            f"{one} dissatisfied and {other} satisfied customers; findings from {few} of each.",
            f"不满意 {one} 位、满意 {other} 位；各满 {few} 位方给出结论。",
        )
    ]


DISSATISFIED_VS_SATISFIED = Analysis(
    name="dissatisfied_vs_satisfied",
    without=("by",),
    room="service",
    title=Text("Dissatisfied against satisfied", "不满意与满意对比"),
    question=Text(
        "What did the least satisfied have in common before they answered?", "最不满意的客户在作答之前有何共同之处？"
    ),
    how=Text(
        "The least satisfied fifth of those who answered in the period against the most satisfied one, as the analysis "
        "of both has them; who is in both, as all gave the same mark, is in neither. Features are of the time until "
        "the day before the customer's first answer of the period. They are compared as those of lost and kept "
        "customers are: shares by Newcombe's difference, lift and score test, times and visits by the standardised "
        "difference and Welch's test, counts and money by Mann and Whitney's test, with q-values (Benjamini and "
        "Hochberg) over all. A finding has q of 0.05 at most, a standardised difference of 0.2 or a lift surely above "
        "1.2, and 30 customers on each side. It went with being dissatisfied; it need not be why.",
        "将此期间作答客户中最不满意的五分之一与最满意的五分之一相比（两组定义同“最满意与最不满意的客户”）；因全体同分而"
        "同属两组者均不计入。特征取客户此期间首次作答前一日为止。比较方法同流失与留存对比：比例用 Newcombe 差值、"
        "提升度与"
        "得分检验，时间与访问用标准化差与 Welch 检验，次数与金额用 Mann–Whitney 检验，q 值（Benjamini–Hochberg）"
        "覆盖全部。"
        "结论须 q 不超过 0.05、标准化差达 0.2 或提升度确定高于 1.2，且两侧各满 30 位客户。此为相伴关系，未必是原因。",
    ),
    needs=(Need("csat|nps|ces|review", ("rating",)), Need("purchase", ("amount", "subject"), ("orders, revenue",))),
    members=_members,
    dimensions=(
        Column("feature", Text("Feature", "特征"), "text", "dimension", words=FEATURES),
        Column("kind", Text("Compared by", "比较方式"), "text", "dimension", words=Words(("mean", "rank", "share"))),
    ),
    measures=(
        Customers("dissatisfied", Text("Dissatisfied", "不满意"), where="dissatisfied"),
        Customers("satisfied", Text("Satisfied", "满意"), where="satisfied"),
        Customers("dissatisfied_with", Text("Dissatisfied, with it", "不满意且具备"), where="dissatisfied_with"),
        Customers("satisfied_with", Text("Satisfied, with it", "满意且具备"), where="satisfied_with"),
        *[
            Total(name, Text(name, name), "points", hidden=True)
            for name in ("lost_sum", "kept_sum", "lost_squares", "kept_squares", "ranks", "ties")
        ],
    ),
    columns=(
        Column("of_dissatisfied", Text("Dissatisfied: share or mean", "不满意：比例或均值"), "number"),
        Column("of_satisfied", Text("Satisfied: share or mean", "满意：比例或均值"), "number"),
        *COMPARED,
    ),
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=Chart("forest", x="d", y="feature", low="d_low", high="d_high"),
)
