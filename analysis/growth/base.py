"""The customer base: who is a customer as a period begins, came, left, was won back, and is one at its end."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import COURSE, Analysis, Chart, Column, Customers, Need, Ratio, Row, Share, Text, Total
from analysis.parameters import Parameters
from analysis.relations.lives import horizon_days, lives
from analysis.relations.stacking import stacked
from analysis.statistics import against

__all__ = ["BASE"]

_AGAIN = 90  # days within which a second purchase counts

_FLAGS = (
    "opening", "new", "won_back", "lost", "closing", "left", "prospects", "converted", "buyers", "returning", "begun",
    "repeated",
)  # fmt: skip


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each customer in each period, of each of three kinds: in the base, who visited, who bought."""
    return stacked(
        [_moves(base), _visits(base), _purchases(base), _firsts(base)],
        ("period", "customer"),
        dict.fromkeys(_FLAGS, False) | {"value": 0, "value_left": 0},
    )


def _moves(base: Base) -> ir.Table:
    """Customers in the base, with one way in and one way out a period at most, so that the movements add up."""
    theirs = lives(base).cross_join(base.calendar)
    theirs = theirs.filter((theirs.begun < theirs.ends) & (theirs.lost.isnull() | (theirs.lost >= theirs.period)))
    came = theirs.begun >= theirs.period
    table = theirs.group_by("period", "customer").agg(
        opening=(~came).max(),
        new=(came & (theirs.life == 1)).max(),
        won=(came & (theirs.life > 1)).max(),
        gone=(theirs.lost.notnull() & (theirs.lost < theirs.ends)).max(),
        closing=(theirs.lost.isnull() | (theirs.lost >= theirs.ends)).max(),
    )
    there = table.opening | table.new
    table = table.mutate(won_back=table.won & ~(there & ~table.closing), lost=table.gone & ~(~there & table.closing))
    orders = base.orders.select("customer", "day", "net")
    spent = orders.cross_join(base.calendar)
    spent = spent.filter((spent.day < spent.period) & (spent.day >= spent.period - ibis.interval(days=365)))
    worth = spent.group_by("period", "customer").agg(net=spent.net.sum())
    joined = table.left_join(worth, ["period", "customer"])
    left = table.opening & table.lost
    net = worth.net.fill_null(0)
    return joined.select(
        *[table[name] for name in ("period", "customer", "opening", "new", "won_back", "lost", "closing")],
        left=left,
        value=table.opening.ifelse(net, 0),
        value_left=left.ifelse(net, 0),
    )


def _visits(base: Base) -> ir.Table:
    """Who visited while they had not bought anything yet."""
    visits = base.within(base.of("visit"))
    visits = visits.select("customer", period=base.period_of(visits.day)).distinct()
    bought = base.orders.filter(base.orders.number == 1).select("customer", first="day")
    joined = visits.left_join(bought, "customer")
    joined = joined.select(visits.period, visits.customer, first=bought.first)
    joined = joined.filter(joined["first"].isnull() | (joined["first"] >= joined.period))
    inside = joined["first"].notnull() & (joined["first"] < base.after(joined.period, base.given.interval))
    return joined.select("period", "customer", prospects=ibis.literal(True), converted=inside.fill_null(False))


def _purchases(base: Base) -> ir.Table:
    """Who bought, and whether not for the first time."""
    orders = base.within(base.orders)
    orders = orders.mutate(period=base.period_of(orders.day))
    return orders.group_by("period", "customer").agg(
        buyers=(orders.number > 0).max(), returning=(orders.number > 1).max()
    )


def _firsts(base: Base) -> ir.Table:
    """Who bought for the first time, long enough ago to tell whether a second time as well."""
    early = base.orders.filter(base.orders.number <= 2)
    both = early.group_by("customer").agg(
        first=early.day.min(), second=(early.number == 2).ifelse(early.day, ibis.null("date")).max()
    )
    known = both.filter(both["first"] < ibis.date(base.today - timedelta(days=_AGAIN)))
    known = base.within(known.mutate(day=known["first"]))
    gap = known.second.delta(known["first"], unit="day")
    return known.select(
        "customer",
        period=base.period_of(known.day),
        begun=ibis.literal(True),
        repeated=(known.second.notnull() & (gap <= _AGAIN)).fill_null(False),
    )


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """Growth, completeness, and what cannot be known while the archive is shorter than the horizon."""
    frame = base.frame
    knows = frame.begins + timedelta(days=horizon_days(base))
    before: Row | None = None
    for row in rows:
        row["complete"] = base.complete(row["period"])
        row["growth"] = (row["closing"] - row["opening"]) / row["opening"] if row["opening"] else None
        if frame.next(row["period"], asked.interval) <= knows:
            for name in ("lost", "left", "value_left", "churn", "churn_low", "churn_high", "value_churn"):
                row[name] = None
        for name, part, whole in (("churn", "left", "opening"), ("conversion", "converted", "prospects")):
            row[f"{name}_change"] = ""
            if before and row["complete"] and None not in (row[part], before[part]):
                row[f"{name}_change"] = against(row[part], row[whole], before[part], before[whole], frame.confidence)
        if row["opening"] < frame.smallest:
            row["value_churn"] = None
        before = row
    return rows


def _sentence(rows: list[Row], base: Base, asked: Parameters) -> Text | None:
    row = next((each for each in reversed(rows) if each["complete"]), None)
    if row is None:
        return None
    lost = "?" if row["lost"] is None else row["lost"]
    return Text(
        f"From {row['opening']} customers to {row['closing']} in the period from {row['period']}: {row['new']} new, "
        f"{row['won_back']} won back, {lost} lost.",
        f"自 {row['period']} 起的时期内，客户由 {row['opening']} 位变为 {row['closing']} 位：新增 {row['new']} 位，"
        f"赢回 {row['won_back']} 位，流失 {lost} 位。",
    )


def _notes(rows: list[Row], base: Base, asked: Parameters) -> list[Text]:
    if all(row["lost"] is not None for row in rows):
        return []
    days = horizon_days(base)
    return [
        Text(
            f"Who was lost is not known until {days} days after the archive begins, on {base.frame.begins}.",
            f"数据自 {base.frame.begins} 起；{days} 天之后才能得知谁已流失。",
        )
    ]


BASE = Analysis(
    name="base",
    without=("by", "product", "category", "channel", "campaign"),
    room="growth",
    title=Text("Customer base", "客户基数"),
    question=Text("How does the number of customers move, and why?", "客户数量如何变化，原因是什么？"),
    how=Text(
        "A customer is lost on the day on which the churn horizon has passed since the last sign of life (an order, "
        "or what the plan says), and won back by the next one. At the start + new + won back − lost = at the end, "
        "exactly. Who is lost and won back in one period counts in both; each way counts once a period. Churn: of "
        "those at the start, the share lost in the period; churn by value: the share of their net of the 365 days "
        "before. Conversion: of prospects with a visit, the share with the first purchase in the period. Returning: "
        "of buyers, the share with an earlier purchase. Repurchase: of first purchases at least 90 days old, the "
        "share with a second within 90 days. A change is up or down only if the interval of the difference excludes 0.",
        "自最后一次活动（订单，或计划所定的事件）起经过流失期限之日，客户记为流失；下一次活动则为赢回。期初 + 新增 + "
        "赢回 − 流失 = 期末，严格成立。同一时期内流失又赢回者两项都计，每个方向每期只计一次。流失率：期初客户中本期流"
        "失的比例；按价值的流失率：以其此前 365 天净额计。转化率：有访问的潜在客户中本期首次购买的比例。回头率：购买者"
        "中此前已购买过的比例。复购率：首次购买已满 90 天者中 90 天内第二次购买的比例。仅当差值的区间不含 0 时才称上升"
        "或下降。",
    ),
    needs=(
        Need("purchase", ("amount", "subject")),
        Need("visit", (), ("prospects", "converted", "conversion")),
        Need("refund", ("amount", "subject"), ("value", "value_left")),
    ),
    members=_members,
    dimensions=(Column("period", Text("Period", "时期"), "date", "dimension"),),
    measures=(
        Customers("opening", Text("At the start", "期初"), where="opening"),
        Customers("new", Text("New", "新增"), where="new"),
        Customers("won_back", Text("Won back", "赢回"), where="won_back"),
        Customers("lost", Text("Lost", "流失"), where="lost"),
        Customers("closing", Text("At the end", "期末"), where="closing"),
        Customers("left", Text("Lost of those at the start", "期初客户中流失的"), where="left"),
        Share("churn", Text("Churn", "流失率"), part="left", whole="opening"),
        Total("value", Text("Net before, of those at the start", "期初客户此前净额"), "money"),
        Total("value_left", Text("Net before, of those lost", "流失客户此前净额"), "money"),
        Ratio("value_churn", Text("Churn by value", "按价值的流失率"), "share", part="value_left", whole="value"),
        Customers("prospects", Text("Prospects with a visit", "有访问的潜在客户"), where="prospects"),
        Customers("converted", Text("First purchase", "首次购买"), where="converted"),
        Share("conversion", Text("Conversion", "转化率"), part="converted", whole="prospects"),
        Customers("buyers", Text("Buyers", "购买者"), where="buyers"),
        Customers("returning", Text("Bought before", "此前购买过"), where="returning"),
        Share("returning_share", Text("Returning share", "回头率"), part="returning", whole="buyers"),
        Customers("begun", Text("First purchase 90 days ago", "首购已满 90 天"), where="begun"),
        Customers("repeated", Text("Second within 90 days", "90 天内第二次购买"), where="repeated"),
        Share("repurchase", Text("Repurchase rate", "复购率"), part="repeated", whole="begun"),
    ),
    columns=(
        Column("growth", Text("Growth", "增长率"), "share"),
        Column("churn_change", Text("Churn against the period before", "流失率较上期"), "text", "note", words=COURSE),
        Column(
            "conversion_change",
            Text("Conversion against the period before", "转化率较上期"),
            "text",
            "note",
            words=COURSE,
        ),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    sentence=_sentence,
    notes=_notes,
    chart=Chart("waterfall", x="period", y=("opening", "new", "won_back", "lost", "closing")),
)
