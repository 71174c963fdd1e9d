"""Cohort retention: of those who first bought in a period, who bought again in the periods after it."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Share, Text, Total
from analysis.parameters import OfFirst
from analysis.relations.cohorts import Windows, aged, cohorts, dated, grid, notes_of_first
from analysis.statistics import share

__all__ = ["RETENTION"]


class Asked(OfFirst):
    """Who comes back, to do what, and how that is counted."""

    start: str = Field("purchase", description="The role whose first event makes the cohort.")
    back: str = Field("purchase", description="The role that counts as coming back.")
    mode: Literal["in", "on_or_after"] = Field("in", description="Back in that period, or in it or any later one.")
    windows: Windows = Field("calendar", description="Calendar periods, or each customer's own 24 h, 7, 30 or 90 days.")
    ages: int = Field(12, ge=1, le=60, description="Periods to look ahead.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer of a cohort at each age that they have reached."""
    theirs = cohorts(base, asked.start)
    each = grid(base, theirs, asked.ages, asked.windows)
    came = aged(base, theirs, dated(base, asked.back), asked.windows)
    seen = came.group_by("customer", "age").agg(times=came.count(), net=came.net.sum())
    joined = each.left_join(seen, ["customer", "age"])
    returned = _returned(asked, each.age, seen.times.fill_null(0))
    if asked.mode == "on_or_after":
        latest = came.group_by("customer").agg(latest=came.age.max())
        joined = joined.left_join(latest, each.customer == latest.customer)
        again = (latest.latest >= each.age).fill_null(False)
        returned = ibis.ifelse(each.age == 0, returned, again)
    return joined.select(each.cohort, each.age, each.customer, returned=returned, net=seen.net.fill_null(0))


def _returned(asked: Asked, age: ir.IntegerValue, times: ir.IntegerValue) -> ir.BooleanValue:
    """Everybody of the cohort was there in its own period: of that one it says who came a second time."""
    first = ibis.literal(2 if asked.start == asked.back else 1, "int64")
    return times >= ibis.ifelse(age == 0, first, ibis.literal(1, "int64"))


def _tally(base: Base, asked: Asked) -> ir.Table | None:
    """Cohorts at the ages that the calendar has reached, and of those who came how many did: nobody else has a row."""
    if asked.windows == "rolling" or asked.mode == "on_or_after":
        return None
    theirs = cohorts(base, asked.start)
    each = grid(base, theirs.group_by("cohort").agg(customers=theirs.count()), asked.ages)
    came = aged(base, theirs, dated(base, asked.back))
    seen = came.group_by("cohort", "customer", "age").agg(times=came.count(), net=came.net.sum())
    sums = seen.group_by("cohort", "age").agg(
        returned=_returned(asked, seen.age, seen.times).ifelse(1, 0).sum(), net=seen.net.cast("decimal(38, 0)").sum()
    )
    joined = each.left_join(sums, ["cohort", "age"])
    return joined.select(
        each.cohort, each.age, each.customers, returned=sums.returned.fill_null(0), net=sums.net.fill_null(0)
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Says which cells are complete, and adds the average of those that are, weighted by customers."""
    frame = base.frame
    for row in rows:
        end = row["cohort"]
        for _ in range(row["age"]):
            end = frame.next(end, asked.interval)
        row["complete"] = asked.windows == "rolling" or frame.complete(end, asked.interval)
    averages = []
    for age in sorted({row["age"] for row in rows if row["complete"]}):
        whole = [row for row in rows if row["age"] == age and row["complete"]]
        size, returned = (sum(row[name] for row in whole) for name in ("customers", "returned"))
        low, high = share(returned, size, frame.confidence)
        averages.append(
            {"cohort": None, "age": age, "customers": size, "returned": returned, "rate": returned / size,
             "rate_low": low, "rate_high": high, "net": sum(row["net"] for row in whole), "complete": True}
        )  # fmt: skip
    return rows + averages


def _notes(rows: list[Row], base: Base, asked: Asked) -> list[Text]:
    begins = base.frame.begins
    first = base.frame.start_of(begins, asked.interval)
    if not any(row["cohort"] == first for row in rows):
        return notes_of_first(base)
    return [
        *notes_of_first(base),
        Text(
            f"The history begins on {begins}: who came first before is in the cohort of the first event that is known, "
            f"mostly the one of {first}, which may hold customers of earlier ones.",
            f"历史自 {begins} 开始：更早首次到来的客户归入其已知首次事件所在的同期群，"
            f"多为 {first} 的同期群，其中可能含更早的客户。",
        ),
    ]


RETENTION = Analysis(
    name="retention",
    without=("by",),
    room="keeping",
    title=Text("Retention", "留存"),
    question=Text("Of those who came first in a period, who came back?", "某一时期首次到来的客户中，有多少人回来了？"),
    how=Text(
        "A cohort are the customers whose first event of `start` lies in a local period. A cell is the share of them "
        "with an event of `back` so many calendar periods later; at age 0, with a second one in the same period. Net "
        "is revenue less refunds, each by the day of its order. Periods that have not ended are marked and in no "
        "average; the average weighs every customer alike. With rolling windows of 24 hours, 7, 30 or 90 days from the "
        "moment of the first event, a customer counts at an age as soon as that window of theirs is over. Filters "
        "by product, category, channel and campaign are about the first event alone.",
        "同期群是首次发生 `start` 事件落在同一本地时期的客户。每格为其中在若干个日历时期之后再次发生 `back` 事件的比例"
        "；第 0 期为同期内发生第二次的比例。净额为收入减退款，退款计入其订单当日。尚未结束的时期会被标出，不计入平均值"
        "；平均值按客户数加权。滚动窗口自首次事件时刻起为 24 小时、7、30 或 90 天，客户的该窗口结束后才计入。"
        "按产品、类别、渠道与营销活动的筛选只针对首次事件。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("amount", "subject")), Need("refund", ("amount", "subject"), ("net",))),
    members=_members,
    once=True,
    tally=_tally,
    dimensions=(
        Column("cohort", Text("Cohort", "同期群"), "date", "dimension"),
        Column("age", Text("Periods later", "之后第几期"), "count", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Customers("returned", Text("Came back", "回来的客户"), where="returned"),
        Share("rate", Text("Came back, share", "回来的比例"), part="returned", whole="customers"),
        Total("net", Text("Net", "净额"), "money"),
    ),
    columns=(Column("complete", Text("Complete", "已完整"), "text", "note"),),
    finish=_finish,
    notes=_notes,
    chart=Chart("triangle", x="age", y="cohort", color="rate"),
)
