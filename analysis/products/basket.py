"""Baskets: which products are bought together more often than chance has it."""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Text
from analysis.parameters import Parameters
from analysis.products.products import Level
from analysis.ratios import normal_p, quantile_of_normal
from analysis.statistics import adjusted

__all__ = ["BASKET", "LARGEST", "LEAST"]

LEAST = 30
"""Baskets with both, from which a pair is compared."""

LARGEST = 50
"""Products of a basket: a larger one has thousands of pairs that say little."""


class Asked(Parameters):
    """What a basket is, and of what."""

    level: Level = Field("product", description="Products or categories.")
    baskets: Literal["order", "customer"] = Field(
        "order", description="A basket is an order, or all that a customer has kept of the period."
    )
    every: bool = Field(False, description="Also pairs that are not bought together beyond chance.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each basket with a pair (`a` < `b`), with a product (`b` is ""), and for each basket at all (both ""):
    the last two tell how often each would be expected."""
    rows = base.within(base.chosen(base.lines))
    if asked.baskets == "customer":
        rows = rows.filter((rows.net > 0) | (rows.revenue <= 0)).mutate(log_partition=0, log_offset=0)
    rows = rows.select("customer", "log_partition", "log_offset", what=rows[asked.level]).distinct()
    rows = rows.filter(rows.what.fill_null("") != "")
    basket = ["customer", "log_partition", "log_offset"]
    rows = rows.mutate(large=rows.count().over(ibis.window(group_by=basket)) > LARGEST)
    none = ibis.literal("")
    each = rows.select(*basket, "large").distinct()
    small = rows.filter(~rows.large)
    other = small.select(*basket, other="what")
    joined = small.inner_join(other, basket)
    pairs = joined.select(*[small[name] for name in basket], a=small.what, b=other.other).filter(lambda t: t.a < t.b)
    often = pairs.group_by("a", "b").agg(times=lambda t: t.count()).filter(lambda t: t.times >= LEAST)
    pairs = pairs.semi_join(often, ["a", "b"])
    return (
        pairs.select("customer", "a", "b", large=ibis.literal(False))
        .union(small.select("customer", a="what", b=none, large=ibis.literal(False)))
        .union(each.select("customer", a=none, b=none, large="large"))
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Support, confidence and lift of each pair."""
    alone = {row["a"]: row["baskets"] for row in rows if row["b"] == "" and row["a"] != ""}
    [all_] = [row for row in rows if row["a"] == row["b"] == ""] or [{"baskets": 0, "large": 0}]
    n = all_["baskets"] - all_["large"]
    pairs = [row for row in rows if row["b"] != ""]
    width = quantile_of_normal(base.frame.confidence)
    p_values = []
    for row in pairs:
        together, n_a, n_b = row["baskets"], alone[row["a"]], alone[row["b"]]
        lift = together * n / (n_a * n_b)
        error = sqrt(max(1 / together - 1 / n_a - 1 / n_b + (2 * lift - 1) / n, 0.0))
        p_values.append(normal_p(log(lift) / error) if error else 1.0)
        row |= {
            "support": together / n, "confidence": together / n_a, "confidence_back": together / n_b, "lift": lift,
            "low": lift * exp(-width * error), "high": lift * exp(width * error),
            "leverage": together / n - n_a / n * n_b / n, "n_a": n_a, "n_b": n_b, "of": n, "large": all_["large"],
            "compared": len(pairs),
        }  # fmt: skip
    for row, q in zip(pairs, adjusted(p_values), strict=True):
        row["q"] = q
    found = [row for row in pairs if asked.every or (row["low"] > 1 and row["q"] <= 0.05)]
    return sorted(found, key=lambda row: (-row["lift"], row["a"], row["b"]))


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    if not rows:
        return []
    of, compared, large = (rows[0][name] for name in ("of", "compared", "large"))
    return [
        Text(
            f"{compared:,} pairs of {of:,} baskets were compared; {large:,} baskets of more than {LARGEST} products "
            "are "
            "left out.",
            f"在 {of:,} 个购物篮中比较了 {compared:,} 对；{large:,} 个超过 {LARGEST} 种商品的购物篮未计入。",
        )
    ]


BASKET = Analysis(
    name="basket",
    without=("by",),
    room="products",
    title=Text("Bought together", "一起购买"),
    question=Text(
        "Which products are bought together more often than chance has it?", "哪些商品一起购买的次数超出偶然？"
    ),
    how=Text(
        "N are the baskets with known products. Support is the share of N with both; confidence the share of those "
        "with "
        "one that have the other, too; lift how many times as often they are together as if they had nothing to do "
        "with "
        "each other, N·both/(one·other), with the interval of its logarithm by the delta method. Pairs are compared "
        "from "
        f"{LEAST} baskets with both, and shown if the interval lies above 1 and q is at most 0.05 (Benjamini and "
        f"Hochberg, over all pairs compared). Baskets of more than {LARGEST} products are left out and counted. "
        "Customers "
        "are those with such a basket.",
        "N 为商品已知的购物篮数。支持度为两者兼有的比例；置信度为有其一者中也有另一者的比例；提升度为两者同时出现的"
        "次数与互不相关时之比，N·兼有/(其一·另一)，其区间由对数的 delta 法得出。兼有的购物篮至少 "
        f"{LEAST} 个才作比较；区间高于 1 且 q 不超过 0.05（对所有比较做 Benjamini-Hochberg 校正）时显示。超过 "
        f"{LARGEST} 种"
        "商品的购物篮不计入，但会给出数量。客户为有此类购物篮的客户。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("items", "subject")),),
    members=_members,
    dimensions=(
        Column("a", Text("One", "其一"), "text", "dimension"),
        Column("b", Text("Other", "另一"), "text", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Count("baskets", Text("Baskets with both", "两者兼有的购物篮")),
        Count("large", Text("Baskets left out", "未计入的购物篮"), where="large"),
    ),
    columns=(
        Column("n_a", Text("With the one", "含其一"), "count", "note"),
        Column("n_b", Text("With the other", "含另一"), "count", "note"),
        Column("of", Text("Baskets", "购物篮"), "count", "note"),
        Column("support", Text("Support", "支持度"), "share", part="baskets", whole="of"),
        Column(
            "confidence", Text("Of the one also the other", "有其一者也有另一"), "share", part="baskets", whole="n_a"
        ),
        Column("confidence_back", Text("Of the other also the one", "有另一者也有其一"), "share", whole="n_b"),
        Column("lift", Text("Lift", "提升度"), "factor"),
        Column("low", Text("lowest", "下限"), "factor", "note"),
        Column("high", Text("highest", "上限"), "factor", "note"),
        Column("leverage", Text("Leverage", "杠杆率"), "share", "note"),
        Column("q", Text("q", "q 值"), "number", "note"),
        Column("compared", Text("Pairs compared", "比较的对数"), "count", "note"),
    ),
    finish=_finish,
    notes=_notes,
    chart=Chart("heat", x="a", y="b", color="lift"),
)
