"""Where the active customers of a period come from, and who of the period before is missing."""

from __future__ import annotations

from typing import ClassVar

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text
from analysis.parameters import Interval, Parameters

__all__ = ["LIFECYCLE", "Asked"]


class Asked(Parameters):
    """What counts as active."""

    length: ClassVar[int] = 182

    interval: Interval = Field("week", description="Periods that the figures are cut into.")
    role: str = Field("visit", description="The role of events that count; `any` for all that customers do.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer in each period in which they were active, and in the one after the last of a row."""
    events = base.chosen(base.doing(asked.role))
    periods = events.select("customer", period=base.period_of(events.day)).distinct()
    theirs = ibis.window(group_by="customer", order_by="period")
    periods = periods.mutate(
        before=periods.period.lag().over(theirs),
        later=periods.period.lead().over(theirs),
        after=base.after(periods.period, asked.interval),
    )
    gap = base.periods_between(periods.before, periods.period, asked.interval)
    active = periods.select(
        "period",
        "customer",
        new=periods.before.isnull(),
        returning=(gap == 1).fill_null(False),
        resurrected=(gap > 1).fill_null(False),
        dormant=ibis.literal(False),
    )
    missing = periods.filter(periods.later.isnull() | (periods.later > periods.after))
    missing = missing.filter(missing.after <= ibis.date(base.today))
    none = ibis.literal(False)
    gone = missing.select(
        period=missing.after, customer=missing.customer, new=none, returning=none, resurrected=none,
        dormant=ibis.literal(True),
    )  # fmt: skip
    since, until = asked.period(base.frame)
    every = active.union(gone)
    first = ibis.date(base.frame.start_of(since, asked.interval))
    return every.filter((every.period >= first) & (every.period < ibis.date(until)))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    for row in rows:
        row["complete"] = base.complete(row["period"])
        row["gone"] = -row["dormant"]
    return rows


LIFECYCLE = Analysis(
    name="lifecycle",
    without=("by",),
    room="growth",
    title=Text("Lifecycle", "生命周期"),
    question=Text(
        "Are active customers new, returning or back after a break, and who is missing?",
        "活跃客户是新的、持续的还是回归的，又有谁缺席？",
    ),
    how=Text(
        "Of a local period: new, the first activity ever falls into it; returning, active now and in the period "
        "before; resurrected, active now and earlier but not in the period before; dormant, active in the period "
        "before and not now (drawn below zero; in a period that still runs it is who has not come yet). The first "
        "activity is the first that the archive has. Periods follow the calendar, not a number of seconds.",
        "某一本地时期内：新客户，其首次活动落在本期；持续，本期与上期都活跃；回归，本期活跃、上期不活跃但更早活跃过；"
        "休眠，上期活跃而本期不活跃（画在零线以下；未结束的时期中指尚未到来者）。首次活动以数据中最早者为准。时期按日"
        "历划分，而非按秒数。",
    ),
    parameters=Asked,
    needs=(Need("visit"),),
    members=_members,
    once=True,
    dimensions=(Column("period", Text("Period", "时期"), "date", "dimension"),),
    measures=(
        Customers("new", Text("New", "新客户"), where="new"),
        Customers("returning", Text("Returning", "持续"), where="returning"),
        Customers("resurrected", Text("Resurrected", "回归"), where="resurrected"),
        Customers("dormant", Text("Dormant", "休眠"), where="dormant"),
    ),
    columns=(
        Column("gone", Text("Dormant, below zero", "休眠（负值）"), "count", "note"),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("stacked", x="period", y=("new", "returning", "resurrected", "gone")),
)
