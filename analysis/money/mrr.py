"""What subscriptions bring a month, and how that moves: new, back, more, less, gone."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total
from analysis.parameters import Parameters

__all__ = ["MRR"]

_ROLES = (
    "subscription_start", "subscription_renew", "subscription_change", "subscription_grow", "subscription_shrink",
    "subscription_cancel",
)  # fmt: skip


def _terms(base: Base) -> ir.Table:
    """What holds of each subscription between its events: `mrr` from the day it `begins` to the day it is `over`.

    A cancellation ends it with the period that is paid, where that is told; else at once. What names no company is of
    the customer.
    """
    said = base.of(*_ROLES).filter(lambda t: t.subject != "")
    owner = ibis.ifelse(said.company.fill_null("") != "", said.company, said.customer)
    said = said.mutate(owner=owner, paid=said.ends.date())
    theirs = ibis.window(group_by=["owner", "subject"], order_by=["us", "log_partition", "log_offset"])
    said = said.mutate(next_day=said.day.lead().over(theirs), before=said.mrr.lag().over(theirs))
    cancelled = said.role == "subscription_cancel"
    runs_out = ibis.ifelse(cancelled, said.paid.fill_null(said.day), said.paid)
    worth = ibis.ifelse(cancelled, ibis.coalesce(said.mrr, said.before, 0), said.mrr.fill_null(0))
    far = ibis.date("9999-01-01")
    over = ibis.least(said.next_day.fill_null(far), runs_out.fill_null(far))
    return said.select("owner", "customer", mrr=worth, begins="day", over=over)


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each owner of subscriptions in each period, with what they bring at its start and at its end."""
    terms = _terms(base)
    first = terms.group_by("owner").agg(since=terms.begins.min(), customer=terms.customer.min())
    grid = base.calendar.cross_join(first)
    grid = grid.filter(grid.since < grid.ends)

    def at(day: str) -> ir.Table:
        """What each brings as a period begins or ends."""
        held = grid.select("period", "owner", moment=grid[day]).inner_join(terms, "owner")
        held = held.filter((held.begins < held.moment) & (held.over >= held.moment))
        return held.group_by("period", "owner").agg(mrr=held.mrr.sum())

    opening, closing = at("period"), at("ends")
    paid = terms.filter(terms.mrr > 0).group_by("owner").agg(paid_since=lambda t: t.begins.min())
    joined = (
        grid.left_join(opening, ["period", "owner"])
        .left_join(closing, [grid.period == closing.period, grid.owner == closing.owner])
        .left_join(paid, grid.owner == paid.owner)
    )
    table = joined.select(
        grid.period, grid.customer, grid.owner,
        opening=opening.mrr.fill_null(0), closing=closing.mrr.fill_null(0),
        earlier=(paid.paid_since < grid.period).fill_null(False),
    )  # fmt: skip
    moved = table.closing - table.opening
    begun = (table.opening == 0) & (table.closing > 0)
    gone = (table.opening > 0) & (table.closing == 0)

    def where(flag: ir.BooleanValue) -> ir.IntegerValue:
        return ibis.ifelse(flag, moved, 0)

    table = table.filter((table.opening > 0) | (table.closing > 0))
    return table.mutate(
        is_new=begun & ~table.earlier, is_back=begun & table.earlier, is_gone=gone, is_open=table.opening > 0,
        is_more=(moved > 0) & ~begun, is_less=(moved < 0) & ~gone, is_closing=table.closing > 0,
        new=where(begun & ~table.earlier), back=where(begun & table.earlier), more=where((moved > 0) & ~begun),
        less=where((moved < 0) & ~gone), gone=where(gone),
    )  # fmt: skip


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """Rates of the period: kept of what was there, without and with what grew."""
    for row in rows:
        there = row["opening"]
        row["grr"] = (there + row["less"] + row["gone"]) / there if there else None
        row["nrr"] = (there + row["more"] + row["less"] + row["gone"]) / there if there else None
        lost = -(row["less"] + row["gone"])
        row["quick"] = (row["new"] + row["more"] + row["back"]) / lost if lost else None
        row["logo_churn"] = row["left"] / row["payers"] if row["payers"] >= base.frame.smallest else None
        row["complete"] = base.complete(row["period"])
    return rows


MRR = Analysis(
    name="mrr",
    without=("by", "product", "category", "channel", "campaign"),
    reasons=dict.fromkeys(
        ("product", "category", "channel", "campaign"), "is about subscriptions, of which these are not known"
    ),
    room="money",
    title=Text("Monthly recurring revenue", "月度经常性收入"),
    question=Text("What do subscriptions bring a month, and how does that move?", "订阅每月带来多少，如何变化？"),
    how=Text(
        "The MRR of a subscription, from its start to the end of the period that is paid; refunds, tax and "
        "what is paid "
        "once are not in it. Movements between the start and the end of a period are of each company (or "
        "customer, of "
        "whom no company is known): new never paid before, back paid before but not at the start, more, less, gone. "
        "Opening and all movements make the closing exactly. GRR keeps out what grew; NRR counts it, and "
        "neither counts "
        "new or back. The quick ratio is what came over what went.",
        "订阅的 MRR，自开始至已付费期末；不含退款、税与一次性付款。期初至期末的变动按公司（无公司者按客户）计"
        "：新增为从未付费者，"
        "回流为曾付费但期初未付费者，以及扩张、收缩、流失。期初加全部变动恰等于期末。GRR 不计扩张；NRR 计入扩"
        "张，二者都不计新增"
        "与回流。速动比率为流入除以流出。",
    ),
    needs=(Need("subscription_start", ("mrr", "subject")), Need("subscription_cancel", ("subject",), ("gone",))),
    members=_members,
    dimensions=(Column("period", Text("Period", "时期"), "date", "dimension"),),
    measures=(
        Total("opening", Text("At the start", "期初"), "money"),
        Total("new", Text("New", "新增"), "money"),
        Total("back", Text("Back", "回流"), "money"),
        Total("more", Text("More", "扩张"), "money"),
        Total("less", Text("Less", "收缩"), "money"),
        Total("gone", Text("Gone", "流失"), "money"),
        Total("closing", Text("At the end", "期末"), "money"),
        Customers("payers", Text("Payers at the start", "期初付费者"), where="is_open"),
        Customers("left", Text("Payers who left", "流失付费者"), where="is_gone"),
        Customers("began", Text("New payers", "新付费者"), where="is_new"),
        Customers("paying", Text("Payers at the end", "期末付费者"), where="is_closing"),
    ),
    columns=(
        Column("grr", Text("Kept (GRR)", "毛留存 (GRR)"), "share", whole="payers"),
        Column("nrr", Text("Kept with growth (NRR)", "净留存 (NRR)"), "share", whole="payers"),
        Column("quick", Text("Quick ratio", "速动比率"), "factor"),
        Column("logo_churn", Text("Payers lost", "付费者流失率"), "share", part="left", whole="payers"),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("stacked", x="period", y=("new", "back", "more", "less", "gone")),
)
