"""Who was lost in a period: how many, what they were worth, and which reasons they gave."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.parameters import OfLast
from analysis.relations.cohorts import fitting
from analysis.relations.lives import horizon_days, lives, signs
from analysis.shares import of_whole, share_columns

__all__ = ["EVERYBODY", "LOSS", "UNKNOWN"]

EVERYBODY, UNKNOWN = "everybody", "not known"
"""The row of all who were lost, and the one of those who gave no reason."""

_OF_LAST = (
    Text(
        "Product, category, channel and campaign are those of the last sign of life.",
        "产品、类别、渠道与营销活动指最后一次活动。",
    ),
)
_BEFORE = 28  # days before the last sign of life from which reasons count
_TELLING = ("subscription_cancel", "complaint", "ticket_opened", "order_cancelled", "uninstalled")


def _members(base: Base, asked: OfLast) -> ir.Table:
    """A row for each customer lost in each period, and for each reason of theirs."""
    gone = lives(base)
    if base.chooses_events:
        fits = fitting(base, signs(base)).select("customer", last_us="us").distinct()
        gone = gone.semi_join(fits, ["customer", "last_us"])
    gone = base.within(gone.filter(gone.lost.notnull()).mutate(day=gone.lost))
    gone = gone.select("customer", "life", "signs", "last", "lost", period=base.period_of(gone.day))
    orders = base.orders.select("customer", "day", "net")
    paid = gone.inner_join(orders, "customer")
    paid = paid.filter((paid.day <= paid["last"]) & (paid.day > paid["last"] - ibis.interval(days=365)))
    worth = paid.group_by("customer", "life").agg(net=paid.net.sum())
    every = signs(base).group_by("customer").agg(times=lambda t: t.count())
    joined = gone.left_join(worth, ["customer", "life"]).left_join(every, gone.customer == every.customer)
    told = _told(base, gone)
    table = joined.select(
        *[gone[name] for name in ("customer", "life", "period")],
        value=worth.net.fill_null(0),
        once=(every.times == 1).fill_null(False),
        again=gone.life > 1,
    )
    reasons = table.left_join(told, ["customer", "life"])
    reasons = reasons.select(*[table[name] for name in table.columns], reason=told.reason.fill_null(UNKNOWN))
    return table.mutate(reason=ibis.literal(EVERYBODY)).union(reasons)


def _told(base: Base, gone: ir.Table) -> ir.Table:
    """The reasons of each life that ended: of what was cancelled or complained about around its end."""
    said = base.of(*_TELLING)
    reason = ibis.coalesce(said.reason.nullif(""), said.topic.nullif(""), said.category.nullif(""))
    said = said.select("customer", "day", reason=reason)
    said = said.filter(said.reason.notnull())
    theirs = gone.inner_join(said, "customer")
    near = (theirs.day > theirs["last"] - ibis.interval(days=_BEFORE)) & (theirs.day <= theirs.lost)
    return theirs.filter(near).select("customer", "life", "reason").distinct()


def _finish(rows: list[Row], base: Base, asked: OfLast) -> list[Row]:
    """Everybody first, then the unknown, then by number; shares of everybody, which do not add up to one."""
    every = {row["period"]: row["lost"] for row in rows if row["reason"] == EVERYBODY}
    rows = sorted(
        rows, key=lambda row: (row["period"], row["reason"] != EVERYBODY, row["reason"] != UNKNOWN, -row["lost"])
    )
    for row in rows:
        row["complete"] = base.complete(row["period"])
        row.update(of_whole(row["lost"], every[row["period"]], base.frame))
    return rows


LOSS = Analysis(
    name="loss",
    without=("by",),
    room="keeping",
    title=Text("Lost customers", "流失客户"),
    question=Text("Who was lost, when, what were they worth, and why?", "谁流失了，何时，价值多少，原因为何？"),
    how=Text(
        "A customer is lost on the day on which the churn horizon has passed since the last sign of life. Net is that "
        "of the 365 days up to it. Reasons are what cancellations, complaints and tickets said from 28 days before the "
        "last sign of life until the loss: a customer counts once for each, so shares do not add up to 100 %; who said "
        "nothing is not known. It is what they said, not what made them leave. Filters by product, category, channel "
        "and campaign are about the last sign of life.",
        "自最后一次活动起经过流失期限之日，客户记为流失。净额为截至最后活动的 365 天。原因取自最后活动前 28 天至流失之"
        "间的取消、投诉和工单：每个原因每位客户计一次，因此占比之和不为 100 %；未说明者列为未知。此为客户所说，而非流"
        "失的成因。按产品、类别、渠道与营销活动的筛选针对最后一次活动。",
    ),
    needs=(
        Need("purchase", ("amount", "subject")),
        Need("complaint|subscription_cancel|ticket_opened", ("reason",), ("reason",)),
    ),
    parameters=OfLast,
    members=_members,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("reason", Text("Reason", "原因"), "text", "dimension", words=Words((EVERYBODY, UNKNOWN))),
    ),
    measures=(
        Customers("lost", Text("Lost", "流失")),
        Customers("once", Text("Of them with a single order", "其中仅下过一单"), where="once"),
        Customers("again", Text("Of them won back before", "其中曾被赢回"), where="again"),
        Total("value", Text("Net of their last 365 days", "此前 365 天净额"), "money"),
    ),
    columns=(
        *share_columns(Text("Of all who were lost", "占流失客户")),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    notes=lambda rows, base, asked: [
        *(_OF_LAST if base.chooses_events else ()),
        Text(
            f"Nobody can be known as lost until {horizon_days(base)} days after {base.frame.begins}, when the history "
            f"begins.",
            f"历史始于 {base.frame.begins}，{horizon_days(base)} 天之后才能得知有人流失。",
        ),
    ],
    chart=Chart("bars", x="period", y="lost", color="reason"),
)
