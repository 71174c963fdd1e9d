"""Tickets by the period they were opened in: how many, how many were solved, and how long that took."""

from __future__ import annotations

import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Quantile, Ratio, Row, Text
from analysis.parameters import Parameters

__all__ = ["TICKETS"]

_HOUR = 3_600_000_000  # microseconds


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each ticket."""
    table = base.broken_down(base.chosen(base.within(base.tickets)))
    return table.select(
        "by",
        "customer",
        period=base.period_of(table.day),
        solved=table.solved.notnull(),
        unsolved=table.closed.isnull(),
        reopened=(table.reopened > 0) & table.solved.notnull(),
        one_touch=table.closed.notnull() & (table.replies <= 1) & (table.reopened == 0),
        replied=(table.replied - table.opened) / 1e6,
        resolved=(table.solved - table.opened) / 1e6,
    )


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """The median wait of all tickets, those still open included, by Kaplan and Meier."""
    table = base.broken_down(base.chosen(base.within(base.tickets)))
    waits = table.select(
        "by",
        period=base.period_of(table.day),
        over=table.solved.notnull(),
        hours=((table.solved.fill_null(base.frame.now_us) - table.opened) / _HOUR).floor(),
    )
    counted = waits.group_by("period", "by", "hours", "over").agg(there=waits.count())
    found: dict[tuple[object, object], list[Row]] = {}
    for wait in base.engine.fetch(counted.order_by(["period", "by", "hours", "over"])).to_pylist():
        found.setdefault((wait["period"], wait["by"]), []).append(wait)
    for row in rows:
        row["median"] = _median(found.get((row["period"], row["by"]), []))
        row["complete"] = base.complete(row["period"])
    return rows


def _median(waits: list[Row]) -> float | None:
    """Seconds after which half are solved; null if that has not come yet. To the hour."""
    left, still = sum(wait["there"] for wait in waits), 1.0
    for hours in sorted({wait["hours"] for wait in waits}):
        here = [wait for wait in waits if wait["hours"] == hours]
        still *= 1 - sum(wait["there"] for wait in here if wait["over"]) / left
        if still <= 0.5 + 1e-12:
            return float(hours) * 3600
        left -= sum(wait["there"] for wait in here)
    return None


TICKETS = Analysis(
    name="tickets",
    room="service",
    title=Text("Tickets", "工单"),
    question=Text("How many ask for help, and how long do they wait?", "有多少人求助，他们等了多久？"),
    how=Text(
        "A ticket is what its events name, counted in the period it was opened in, for the customer who opened it. "
        "Solved: at least once; unsolved: not now; reopened: of those solved; at once: solved, with at most "
        "one answer, "
        "never reopened. Waits are of the calendar. The usual median is of those that have been solved, which looks "
        "good while the worst stay open; the median beside it counts those that still wait (Kaplan and Meier).",
        "工单以其事件所指编号区分，计入开单时期与开单客户。已解决：至少解决过一次；未解决：目前未解决；重开："
        "占已解决者；"
        "一次解决：最多一次答复且从未重开。等待为日历时间。常用中位数只含已解决者，最难的未结时会偏好看；旁边"
        "的中位数把仍在"
        "等待者计入（Kaplan–Meier）。",
    ),
    needs=(
        Need("ticket_opened", ("subject",)),
        Need("ticket_solved", ("subject",), ("solved", "resolved", "median")),
        Need("ticket_replied", ("subject",), ("first answer", "at once")),
        Need("ticket_reopened", ("subject",), ("reopened",)),
    ),
    members=_members,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("by", Text("By", "维度"), "text", "dimension"),
    ),
    measures=(
        Count("opened", Text("Tickets", "工单")),
        Customers("customers", Text("Customers", "客户")),
        Count("solved", Text("Solved", "已解决"), where="solved"),
        Count("unsolved", Text("Unsolved now", "目前未解决"), where="unsolved"),
        Count("reopened", Text("Reopened", "重开"), where="reopened"),
        Ratio("reopen_rate", Text("Reopened, of solved", "重开率"), "share", part="reopened", whole="solved"),
        Count("one_touch", Text("Solved at once", "一次解决"), where="one_touch"),
        Quantile("first_answer", Text("First answer, median", "首次答复中位数"), "seconds", value="replied"),
        Quantile("resolved", Text("Solved in, median of solved", "解决用时中位数（已解决）"), "seconds"),
        Quantile(
            "slow", Text("Solved in, slowest tenth", "解决用时（最慢十分之一）"), "seconds", value="resolved", q=0.9
        ),
    ),
    columns=(
        Column("median", Text("Solved in, median of all", "解决用时中位数（全部）"), "seconds"),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("bars", x="period", y=("solved", "unsolved")),
)
