"""Cohort retention: of those who first bought in a period, who bought again in the periods after it."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Share, Text, Total
from analysis.parameters import Parameters
from analysis.statistics import share

__all__ = ["RETENTION"]


class Asked(Parameters):
    """Who comes back, to do what, and how that is counted."""

    start: str = Field("purchase", description="The role whose first event makes the cohort.")
    back: str = Field("purchase", description="The role that counts as coming back.")
    mode: Literal["in", "on_or_after"] = Field("in", description="Back in that period, or in it or any later one.")
    ages: int = Field(12, ge=1, le=60, description="Periods to look ahead.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer of a cohort at each age that the calendar has reached."""
    interval = asked.interval
    firsts = base.of(asked.start).group_by("customer").agg(first=lambda t: t.day.min())
    since, until = asked.period(base.frame)
    cohorts = firsts.mutate(cohort=base.period_of(firsts.first))
    cohorts = cohorts.filter((cohorts.first >= ibis.date(since)) & (cohorts.first < ibis.date(until)))
    ages = ibis.range(0, asked.ages + 1).unnest().name("age").as_table()
    grid = cohorts.cross_join(ages)
    now = base.start_of(ibis.date(base.today), interval)
    grid = grid.filter(base.periods_between(grid.cohort, now, interval) >= grid.age)
    came = base.orders if asked.back == "purchase" else base.of(asked.back).mutate(net=ibis.literal(0))
    came = came.inner_join(cohorts.select("customer", "cohort"), "customer")
    came = came.mutate(age=base.periods_between(came.cohort, base.period_of(came.day), interval))
    seen = came.group_by("customer", "age").agg(times=lambda t: t.count(), net=lambda t: t.net.sum())
    latest = came.group_by("customer").agg(latest=lambda t: t.age.max())
    joined = grid.left_join(seen, ["customer", "age"]).left_join(latest, grid.customer == latest.customer)
    times = seen.times.fill_null(0)
    again = (latest.latest >= grid.age) if asked.mode == "on_or_after" else (times >= 1)
    # Everybody of the cohort was there in its own period: of that one it says who came a second time.
    returned = ibis.ifelse(grid.age == 0, times >= (2 if asked.start == asked.back else 1), again.fill_null(False))
    return joined.select(grid.cohort, grid.age, grid.customer, returned=returned, net=seen.net.fill_null(0))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Says which cells are complete, and adds the average of those that are, weighted by customers."""
    frame = base.frame
    for row in rows:
        end = row["cohort"]
        for _ in range(row["age"]):
            end = frame.next(end, asked.interval)
        row["complete"] = frame.complete(end, asked.interval)
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


RETENTION = Analysis(
    name="retention",
    room="keeping",
    title=Text("Retention", "留存"),
    question=Text("Of those who came first in a period, who came back?", "某一时期首次到来的客户中，有多少人回来了？"),
    how=Text(
        "A cohort are the customers whose first event of `start` lies in a local period. A cell is the share of them "
        "with an event of `back` so many calendar periods later; at age 0, with a second one in the same period. Net "
        "is revenue less refunds, each by the day of its order. Periods that have not ended are marked and in no "
        "average; the average weighs every customer alike.",
        "同期群是首次发生 `start` 事件落在同一本地时期的客户。每格为其中在若干个日历时期之后再次发生 `back` 事件"
        "的比例；第 0 期为同期内发生第二次的比例。净额为收入减退款，退款计入其订单当日。尚未结束的时期会被标出，"
        "不计入平均值；平均值按客户数加权。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("amount", "subject")), Need("refund", ("amount", "subject"), ("net",))),
    members=_members,
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
    chart=Chart("triangle", x="age", y="cohort", color="rate"),
)
