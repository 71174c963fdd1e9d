"""What customers have brought so far, by when they first bought."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total
from analysis.parameters import OfFirst
from analysis.relations.cohorts import aged, cohorts, grid, notes_of_first

__all__ = ["LTV", "Asked"]


class Asked(OfFirst):
    """Which value, and how far."""

    value: Literal["net", "margin", "revenue"] = Field("net", description="Net of refunds, of costs too, or as sold.")
    ages: int = Field(12, ge=1, le=60, description="Periods to look ahead.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer of a cohort at each age: what they brought in that period, and in all until its end."""
    theirs = cohorts(base, "purchase")
    each = grid(base, theirs, asked.ages)
    orders = aged(base, theirs, base.orders)
    brought = orders.group_by("customer", "age").agg(value=orders[asked.value].sum(), orders=orders.count())
    joined = each.left_join(brought, ["customer", "age"])
    table = joined.select(each.cohort, each.age, each.customer, value=brought.value.fill_null(0))
    so_far = ibis.window(group_by="customer", order_by="age", preceding=None, following=0)
    table = table.mutate(so_far=table.value.sum().over(so_far).cast("int64"))
    return table.mutate(squares=table.so_far.cast("float64") * table.so_far.cast("float64"))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Means with intervals; the average of an age is of the cohorts that have completed it."""
    frame = base.frame
    for row in rows:
        end = row["cohort"]
        for _ in range(row["age"]):
            end = frame.next(end, asked.interval)
        row["complete"] = frame.complete(end, asked.interval)
    averages: list[Row] = []
    for age in sorted({row["age"] for row in rows if row["complete"]}):
        whole = [row for row in rows if row["age"] == age and row["complete"]]
        sums = {name: sum(row[name] for row in whole) for name in ("customers", "value", "so_far", "squares")}
        averages.append({"cohort": None, "age": age, "complete": True, **sums})
    z = NormalDist().inv_cdf(0.5 + frame.confidence / 2)
    for row in rows + averages:
        size = row["customers"]
        mean = row["so_far"] / size
        row["each"] = mean if size >= frame.smallest else None
        row["each_low"] = row["each_high"] = None
        if size >= frame.few:
            width = z * math.sqrt(max(row["squares"] - size * mean * mean, 0.0) / (size - 1) / size)
            row["each_low"], row["each_high"] = mean - width, mean + width
    return rows + averages


LTV = Analysis(
    name="ltv",
    without=("by",),
    room="keeping",
    title=Text("Value over time", "客户累计价值"),
    question=Text(
        "What has a customer brought so many periods after the first order?", "首单之后若干时期，客户累计带来多少价值？"
    ),
    how=Text(
        "A cohort are the customers whose first order lies in a local period. A cell is what they have brought from "
        "then until the end of a later period, over all customers of the cohort: revenue less refunds, each by the day "
        "of its order, or margin or revenue. The average of an age is over cohorts that have completed it, so it can "
        "fall from one age to the next. Intervals are normal ones of the mean, from 30 customers. It is what happened; "
        "it expects nothing. Filters by product, category, channel and campaign are about the first order alone.",
        "同期群是首单落在同一本地时期的客户。每格为其自首单起至之后某一时期末的累计价值除以同期群全部客户数：收入减退"
        "款（退款计入其订单当日），或毛利、收入。某一期的平均值只含已完成该期的同期群，因此可能下降。区间为均值的正态"
        "区间，30 位客户起给出。此为已发生的价值，不含预期。"
        "按产品、类别、渠道与营销活动的筛选只针对首单。",
    ),
    parameters=Asked,
    needs=(
        Need("purchase", ("amount", "subject")),
        Need("refund", ("amount", "subject"), ("net",)),
        Need("purchase", ("cost",), ("margin",)),
    ),
    members=_members,
    once=True,
    dimensions=(
        Column("cohort", Text("Cohort", "同期群"), "date", "dimension"),
        Column("age", Text("Periods later", "之后第几期"), "count", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Total("value", Text("In that period", "当期"), "money"),
        Total("so_far", Text("So far", "累计"), "money"),
        Total("squares", Text("Squares", "平方和"), "points", hidden=True),
    ),
    columns=(
        Column("each", Text("So far, a customer", "人均累计"), "money", part="so_far", whole="customers"),
        Column("each_low", Text("lowest", "下限"), "money", "note"),
        Column("each_high", Text("highest", "上限"), "money", "note"),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    notes=lambda rows, base, asked: notes_of_first(base),
    chart=Chart("triangle", x="age", y="cohort", color="each"),
)
