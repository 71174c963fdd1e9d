"""How long contracts, or anything else with a beginning and an end, last."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text
from analysis.kaplan_meier import curve, log_rank, quantile, restricted_mean
from analysis.parameters import Parameters

__all__ = ["SURVIVAL", "Asked"]

_YEAR = 365


class Asked(Parameters):
    """What begins and what ends."""

    start: str = Field("subscription_start", description="The role whose first event begins.")
    end: str = Field("subscription_cancel", description="The role whose first event after it ends.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer who began in the period: the days until the end, or until now."""
    starts = base.broken_down(base.of(asked.start))
    order = ibis.window(group_by="customer", order_by=["us", "log_partition", "log_offset"])
    starts = starts.mutate(number=ibis.row_number().over(order))
    starts = base.within(starts.filter(starts.number == 0)).select("customer", "by", "day", "us")
    ends = base.of(asked.end).select("customer", ended="day", ended_us="us")
    later = starts.inner_join(ends, "customer").filter(lambda t: t.ended_us >= t.us)
    first = later.group_by("customer").agg(ended=later.ended.min())
    joined = starts.left_join(first, "customer")
    until = ibis.coalesce(first.ended, ibis.date(base.today))
    return joined.select(
        starts.customer,
        starts.by,
        days=until.delta(starts.day, unit="day"),
        ended=first.ended.notnull(),
        lasting=first.ended.isnull(),
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """A row with median, mean of the first year and test for each part, and its curve after it."""
    frame = base.frame
    parts = {by: [row for row in rows if row["by"] == by] for by in sorted({row["by"] for row in rows})}
    counts = {by: [(row["days"], row["ended"], row["lasting"]) for row in theirs] for by, theirs in parts.items()}
    sizes = {by: sum(row["customers"] for row in theirs) for by, theirs in parts.items()}
    compared = [by for by, size in sizes.items() if size >= frame.few]
    p = log_rank([counts[by] for by in compared])[1] if len(compared) > 1 else None
    finished: list[Row] = []
    for by, theirs in parts.items():
        steps = curve(counts[by], frame.confidence)
        enough = sizes[by] >= frame.smallest
        head: Row = {"by": by, "days": None, "p": p if by in compared else None}
        head |= {name: sum(row[name] for row in theirs) for name in ("customers", "ended", "lasting")}
        head["median"], head["median_low"], head["median_high"] = quantile(steps, 0.5) if enough else (None,) * 3
        head["year"] = restricted_mean(steps, _YEAR) if enough else None
        finished.append(head)
        for row, step in zip(theirs, steps, strict=True):
            row["at_risk"] = step.at_risk
            row["share"], row["share_low"], row["share_high"] = (
                (step.waiting, step.low, step.high) if enough else (None,) * 3
            )
            finished.append(row)
    return finished


SURVIVAL = Analysis(
    name="survival",
    without=("product", "category", "channel", "campaign"),
    reasons=dict.fromkeys(
        ("product", "category", "channel", "campaign"), "is about contracts, of which these are not known"
    ),
    room="keeping",
    title=Text("Survival", "留存时长"),
    question=Text("How long does what begins last?", "开始之后能持续多久？"),
    how=Text(
        "From a customer's first event of `start`, in the period, to the first event of `end` after it, in local days; "
        "what still lasts is known until now (Kaplan and Meier, Greenwood's intervals on the log-log scale). The row "
        "without days has the median, the mean of which no more than 365 days count (blank until somebody was observed "
        "so long), and p of the log-rank test between parts of at least 30 customers. Customers who were erased or "
        "object to analyses are left out.",
        "自时期内客户首个 `start` 事件至其后首个 `end` 事件的本地天数；尚在持续者观察到当前为止（Kaplan–Meier，Greenwo"
        "od 区间，双对数尺度）。天数为空的行给出中位数、至多计 365 天的均值（尚无人观察满时留空），以及至少 30 位客户"
        "的各部分之间对数秩检验的 p 值。已删除或不同意分析的客户不计。",
    ),
    parameters=Asked,
    needs=(Need("subscription_start"), Need("subscription_cancel")),
    members=_members,
    dimensions=(
        Column("by", Text("Part", "细分"), "text", "dimension"),
        Column("days", Text("Days", "天数"), "days", "dimension"),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Customers("ended", Text("Ended", "已结束"), where="ended"),
        Customers("lasting", Text("Still lasting", "仍在持续"), where="lasting"),
    ),
    columns=(
        Column("at_risk", Text("Had lasted so long", "持续至此者"), "customers", "note"),
        Column("share", Text("Still there, share", "仍在比例"), "share", whole="at_risk"),
        Column("share_low", Text("lowest", "下限"), "share", "note"),
        Column("share_high", Text("highest", "上限"), "share", "note"),
        Column("median", Text("Median", "中位数"), "days"),
        Column("median_low", Text("lowest", "下限"), "days", "note"),
        Column("median_high", Text("highest", "上限"), "days", "note"),
        Column("year", Text("Mean of the first year", "首年平均"), "days"),
        Column("p", Text("p of no difference", "无差异的 p 值"), "points"),
    ),
    finish=_finish,
    chart=Chart("steps", x="days", y="share", color="by", low="share_low", high="share_high"),
)
