"""Complaints and inquiries: about what, by whom, and what became of them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Share, Text, Words
from analysis.parameters import Dimension, Parameters
from analysis.shares import of_whole, share_columns

__all__ = ["OPINION"]

_KINDS = ("complaint", "inquiry")


class Asked(Parameters):
    """By what."""

    by: Dimension = Field("topic", description="A dimension to break the figures down by.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each complaint and inquiry, with what became of the ticket or the request that it names."""
    told = base.chosen(base.within(base.of(*_KINDS)))
    first = ibis.window(group_by=["customer", "role", "subject"], order_by=["us", "log_partition", "log_offset"])
    told = told.mutate(_place=ibis.row_number().over(first))
    told = told.filter((told.subject == "") | (told._place == 0))
    told = base.broken_down(told).select("by", "customer", "subject", "day", kind="role")
    tickets = base.tickets.select(
        "customer", "subject", opened="opened", solved=base.tickets.solved.notnull(),
        closed=base.tickets.closed.notnull(), reopened=base.tickets.reopened > 0,
    )  # fmt: skip
    joined = told.left_join(tickets, ["customer", "subject"])
    followed = tickets.opened.notnull()
    closed = tickets.closed.fill_null(False)
    return joined.select(
        told.kind, told.by, told.customer, period=base.period_of(told.day), followed=followed,
        solved=followed & tickets.solved.fill_null(False), unsolved=followed & ~closed,
        reopened=followed & tickets.solved.fill_null(False) & tickets.reopened.fill_null(False),
    )  # fmt: skip


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Shares of all of the kind and period; the most frequent first."""
    whole: dict[tuple[object, object], int] = {}
    for row in rows:
        key = row["kind"], row["period"]
        whole[key] = whole.get(key, 0) + row["received"]
    for row in rows:
        row.update(of_whole(row["received"], whole[row["kind"], row["period"]], base.frame))
        row["complete"] = base.complete(row["period"])
    return sorted(rows, key=lambda row: (row["kind"], row["period"], -row["received"], row["by"]))


OPINION = Analysis(
    name="opinion",
    room="service",
    title=Text("Complaints and inquiries", "投诉与咨询"),
    question=Text("What do customers complain of and ask, and what becomes of it?", "客户投诉和咨询什么，结果如何？"),
    how=Text(
        "Complaints and inquiries by the period in which they came, by topic unless another dimension is asked for: "
        "product, region, agent, department, reason. What names a ticket or another subject counts once a customer. "
        "What became of it is known where it names a ticket: solved at least once, unsolved now, reopened of those "
        "solved; the others have no outcome, which is not the same as none. Shares are of all of that kind and period, "
        "of five or more.",
        "按发生时期统计投诉与咨询，默认按主题，也可按商品、地区、客服、部门、原因。指明工单或其他事由者，"
        "同一客户只计一次。"
        "指明工单时方知结果：至少解决过一次、目前未解决、解决后重开；其余没有结果记录，并不等于没有结果。"
        "占比以同类同期全部"
        "为分母，至少五件。",
    ),
    parameters=Asked,
    needs=(
        Need("complaint|inquiry"),
        Need("complaint|inquiry", ("topic",), ("topic",)),
        Need("ticket_opened", ("subject",), ("followed", "solved", "unsolved", "reopened")),
    ),
    members=_members,
    dimensions=(
        Column("kind", Text("Kind", "类型"), "text", "dimension", words=Words(("complaint", "inquiry"))),
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("by", Text("By", "维度"), "text", "dimension"),
    ),
    measures=(
        Count("received", Text("Received", "收到")),
        Customers("customers", Text("Customers", "客户")),
        Count("followed", Text("With a ticket", "有工单"), where="followed"),
        Count("solved", Text("Solved", "已解决"), where="solved"),
        Count("unsolved", Text("Unsolved now", "目前未解决"), where="unsolved"),
        Count("reopened", Text("Reopened", "重开"), where="reopened"),
        Share(
            "solved_share", Text("Solved, of those with a ticket", "有工单者的解决率"), part="solved", whole="followed"
        ),
    ),
    columns=(
        *share_columns(Text("Of all of the kind", "占同类")),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("stacked", x="period", y="received", color="by"),
)
