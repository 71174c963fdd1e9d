"""How far the data are to be trusted: what is missing, late or cannot be right, by source."""

from __future__ import annotations

from typing import ClassVar

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Ratio, Text
from analysis.parameters import Parameters

__all__ = ["QUALITY"]

_LATE = 86_400_000_000  # microseconds from what happened to its receipt, beyond which it was late
_FACTS = {"purchase": "amount", "csat": "rating", "nps": "rating", "ces": "rating", "review": "rating"}

_OF_EVENTS = (
    "source", "customer", "role", "us", "received_us", "amount", "currency", "rating", "subject", "violations",
)  # fmt: skip


class Asked(Parameters):
    """Of the latest quarter: what was wrong long ago is no more to be mended."""

    length: ClassVar[int] = 91


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each event, with what is wrong with it."""
    events = base.chosen(base.within(base.facts)).filter(lambda t: t.role != "").select(*_OF_EVENTS)
    ordered = base.of("purchase").filter(lambda t: t.subject != "").select("customer", "subject").distinct()
    refunds = events.filter(events.role == "refund")
    linked = refunds.semi_join(ordered, ["customer", "subject"]).mutate(known=ibis.literal(True))
    unlinked = refunds.anti_join(ordered, ["customer", "subject"]).mutate(known=ibis.literal(False))
    others = events.filter(events.role != "refund").mutate(known=ibis.literal(True))
    events = others.union(linked, unlinked)
    is_order, is_refund = events.role == "purchase", events.role == "refund"
    missing = ibis.cases(
        *[((events.role == role), events[fact].isnull()) for role, fact in _FACTS.items()], else_=ibis.literal(False)
    )
    foreign = (events.currency != "") & (events.currency != base.frame.currency)
    return events.select(
        "source",
        "customer",
        violating=events.violations.length() > 0,
        late=events.received_us - events.us > _LATE,
        ahead=events.us > events.received_us,
        missing=missing & ~foreign,
        no_rate=foreign & events.amount.isnull() & (is_order | is_refund),
        unnamed=is_order & (events.subject == ""),
        unlinked=~events.known,
    )


QUALITY = Analysis(
    name="quality",
    without=("by",),
    room="quality",
    title=Text("Quality of the data", "数据质量"),
    question=Text("How far are the events to be trusted?", "事件数据有多可靠？"),
    how=Text(
        "Events of the period by source, repeats left out. Against the plan: let through with a remark. Late: received "
        "more than a day after it happened; ahead: before it happened, by a wrong clock. Missing: an order without an "
        "amount, an answer without a mark. No rate: money in a currency that the plan does not convert, which is in no "
        "sum. Without number: orders that name none, so that a second report counts again. Unlinked: refunds of orders "
        "that are not known.",
        "该期各来源的事件，已去除重复。不合方案：带备注放行者。迟到：发生一天之后才收到；超前：因时钟有误而早于发生时间收到。"
        "缺失：无金额的订单、无评分的答案。无汇率：方案未换算的币种，不计入任何合计。无编号：未注明编号的订单，重复上报会再次"
        "计数。未关联：所退订单未知的退款。",
    ),
    needs=(Need("visit|view|purchase|login|feature_use"), Need("refund", ("subject",), ("unlinked",))),
    parameters=Asked,
    members=_members,
    dimensions=(Column("source", Text("Source", "来源"), "text", "dimension"),),
    measures=(
        Count("events", Text("Events", "事件")),
        Customers("customers", Text("Customers", "客户")),
        Count("violating", Text("Against the plan", "不合方案"), where="violating"),
        Ratio(
            "violating_share",
            Text("Against the plan, share", "不合方案占比"),
            "share",
            part="violating",
            whole="events",
        ),
        Count("late", Text("Late", "迟到"), where="late"),
        Ratio("late_share", Text("Late, share", "迟到占比"), "share", part="late", whole="events"),
        Count("ahead", Text("Ahead", "超前"), where="ahead"),
        Count("missing", Text("Fact missing", "缺失"), where="missing"),
        Count("no_rate", Text("No rate", "无汇率"), where="no_rate"),
        Count("unnamed", Text("Orders without number", "无编号订单"), where="unnamed"),
        Count("unlinked", Text("Refunds unlinked", "未关联退款"), where="unlinked"),
    ),
    chart=Chart("bars", x="source", y=("violating_share", "late_share")),
)
