"""How often orders come back, customers complain, and those who are asked answer."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import COURSE, Analysis, Chart, Column, Count, Customers, Need, Ratio, Row, Share, Text
from analysis.parameters import Parameters
from analysis.relations.stacking import stacked
from analysis.statistics import against

__all__ = ["RATES"]

_BACK = 30  # days within which an order may come back
_ANSWERS = ("csat", "nps", "ces", "review")
_FLAGS = ("ordered", "returned", "active", "complained", "answered", "asked")


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each order that is old enough, for each active customer, and for each question and answer."""
    said = base.within(base.chosen(base.of(*_ANSWERS, "survey_asked")))
    survey = said.select(
        "customer",
        period=base.period_of(said.day),
        answered=said.role != "survey_asked",
        asked=said.role == "survey_asked",
    )
    return stacked([_orders(base), _active(base), survey], ("period", "customer"), dict.fromkeys(_FLAGS, False))


def _orders(base: Base) -> ir.Table:
    """Orders that had their 30 days, and whether anything was paid back within them."""
    orders = base.within(base.chosen(base.orders))
    orders = orders.filter(orders.day < ibis.date(base.today - timedelta(days=_BACK)))
    back = (
        base.refunds.filter(base.refunds.subject != "").group_by("customer", "subject").agg(back=lambda t: t.day.min())
    )
    joined = orders.left_join(back, ["customer", "subject"])
    soon = back.back.notnull() & (back.back.delta(orders.day, unit="day") <= _BACK)
    return joined.select(
        orders.customer,
        period=base.period_of(orders.day),
        ordered=ibis.literal(True),
        returned=soon.fill_null(False),
    )


def _active(base: Base) -> ir.Table:
    """Customers who did anything themselves, and whether they complained."""
    events = base.within(base.doing("any"))
    events = events.mutate(period=base.period_of(events.day))
    each = events.group_by("period", "customer").agg(complained=(events.role == "complaint").max())
    return each.mutate(active=ibis.literal(True))


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """Answers per hundred active customers, completeness, and complaints against the period before."""
    before: Row | None = None
    for row in rows:
        row["complete"] = base.complete(row["period"])
        enough = row["active"] >= base.frame.smallest
        row["per_hundred"] = 100 * row["answers"] / row["active"] if enough else None
        row["complaints_change"] = ""
        if before and row["complete"]:
            row["complaints_change"] = against(
                row["complained"], row["active"], before["complained"], before["active"], base.frame.confidence
            )
        before = row
    return rows


RATES = Analysis(
    name="rates",
    without=("by",),
    room="growth",
    title=Text("Returns, complaints, answers", "退货、投诉与反馈"),
    question=Text(
        "How often do orders come back, customers complain, and those who are asked answer?",
        "订单退回、客户投诉、受邀者作答各有多频繁？",
    ),
    how=Text(
        "Returned: of orders that are more than 30 days old, the share of which anything was paid back within 30 days "
        "of the order. Complained: of customers who did anything themselves in the period, the share with a complaint. "
        "Answered: answers over questions asked, where questions are told of; else answers per hundred active "
        "customers. A change is up or down only if the interval of the difference excludes 0.",
        "退货率：下单已逾 30 天的订单中，30 天内有退款的比例。投诉率：时期内有自身行为的客户中有投诉的比例。应答率：有"
        "询问记录时为回答数除以询问数，否则给出每百位活跃客户的回答数。仅当差值的区间不含 0 时才称上升或下降。",
    ),
    needs=(
        Need("visit|purchase"),
        Need("purchase", ("subject",), ("returns",)),
        Need("refund", ("subject",), ("returns",)),
        Need("complaint", (), ("complaints",)),
        Need("csat|nps|ces|review", (), ("per_hundred", "response")),
        Need("survey_asked", (), ("response",)),
    ),
    members=_members,
    dimensions=(Column("period", Text("Period", "时期"), "date", "dimension"),),
    measures=(
        Count("orders", Text("Orders", "订单"), where="ordered"),
        Count("returned", Text("Returned", "退回的订单"), where="returned"),
        Ratio("returns", Text("Returned, share", "退货率"), "share", part="returned", whole="orders"),
        Customers("active", Text("Active customers", "活跃客户"), where="active"),
        Customers("complained", Text("Complained", "投诉客户"), where="complained"),
        Share("complaints", Text("Complained, share", "投诉率"), part="complained", whole="active"),
        Count("answers", Text("Answers", "回答"), where="answered"),
        Count("asked", Text("Asked", "询问"), where="asked"),
        Ratio("response", Text("Answered, share", "应答率"), "share", part="answers", whole="asked"),
    ),
    columns=(
        Column("per_hundred", Text("Answers per 100 active", "每百位活跃客户回答数"), "number"),
        Column(
            "complaints_change",
            Text("Complaints against the period before", "投诉率较上期"),
            "text",
            "note",
            words=COURSE,
        ),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("lines", x="period", y=("returns", "complaints")),
)
