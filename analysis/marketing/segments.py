"""Segments over time: how many are in, who came and went, what they are worth and at which risk."""

from __future__ import annotations

from math import sqrt
from typing import Literal, get_args

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import COURSE, Analysis, Chart, Column, Customers, Need, Ratio, Row, Text, Total, Words
from analysis.parameters import Parameters
from analysis.ratios import quantile_of_normal
from analysis.shares import of_whole, share_columns
from models.conditions.rules import SegmentBasis
from models.segments.builtin import BUILTIN

__all__ = ["SEGMENTS", "Basis"]

Basis = Literal[
    "", "demographic", "geographic", "psychographic", "technographic", "behavioural", "needs", "occasion", "value",
    "firmographic",
]  # fmt: skip


class Asked(Parameters):
    """On which basis segments divide customers."""

    basis: Basis = Field("", description="Only segments of this basis: what they divide customers by.")


_NAMES = tuple(rule.name for rule in BUILTIN)


def _segmented(base: Base, asked: Asked, spans: ir.Table) -> ir.Table:
    """Spans, or what is made of them, once for each segment in which their customer was."""
    each = spans.filter(spans.segments.length() > 0)
    each = each.mutate(segment=each.segments.unnest()).drop("segments")
    if not asked.basis:
        return each
    return each.filter(each.segment.isin([name for name, of in base.frame.bases.items() if of == asked.basis]))


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each segment and customer who is in it at the end of a period, or was at the end of the one before."""
    each = _segmented(base, asked, base.at_ends(base.spans).select("period", "customer", "net_12m", "risk", "segments"))
    now = each.mutate(here=ibis.literal(1), before=ibis.literal(0))
    following = base.after(each.period, asked.interval)
    was = each.mutate(
        period=following, net_12m=ibis.null("int64"), risk=ibis.null("float64"), here=ibis.literal(0),
        before=ibis.literal(1),
    )  # fmt: skip
    was = was.semi_join(base.calendar, "period")
    both = now.union(was.select(*now.columns)).group_by("period", "segment", "customer").agg(
        here=lambda t: t.here.max(), before=lambda t: t.before.max(), net=lambda t: t.net_12m.sum(),
        risk=lambda t: t.risk.max(),
    )  # fmt: skip
    inside = both.here == 1
    return both.select(
        "period", "segment", "customer", inside=inside, entered=inside & (both.before == 0), left=~inside,
        net=both.net.fill_null(0).cast("int64"), risks=both.risk.fill_null(0.0), scored=both.risk.notnull(),
    )  # fmt: skip


def _tally(base: Base, asked: Asked) -> ir.Table:
    """Spans in a segment that hold at the ends of the same periods count together. Whoever's span ended is still in it
    if another of theirs begins there."""
    spans = base.spans
    each = _segmented(base, asked, spans.select("customer", "first", "beyond", "net_12m", "risk", "segments"))
    alike = each.group_by("segment", "first", "beyond").agg(
        customers=each.count(), net=each.net_12m.fill_null(0).cast("decimal(38, 0)").sum(),
        scored=each.risk.count(), risks=each.risk.fill_null(0.0).sum(),
    )  # fmt: skip
    joined = alike.cross_join(base.calendar.select("period"))
    joined = joined.filter((joined.first <= joined.period) & (joined.period <= joined.beyond))
    inside, began, ended = joined.period < joined.beyond, joined.period == joined.first, joined.period == joined.beyond
    sums = joined.group_by("period", "segment").agg(
        customers=inside.ifelse(joined.customers, 0).sum(), began=began.ifelse(joined.customers, 0).sum(),
        ended=ended.ifelse(joined.customers, 0).sum(), net=inside.ifelse(joined.net, 0).sum(),
        scored=inside.ifelse(joined.scored, 0).sum(), risks=inside.ifelse(joined.risks, 0.0).sum(),
    )  # fmt: skip
    begins = each.select("customer", "segment", period="first")
    stayed = each.select("customer", "segment", period="beyond").inner_join(begins, ["customer", "segment", "period"])
    stayed = stayed.group_by("period", "segment").agg(stayed=stayed.count())
    both = sums.left_join(stayed, ["period", "segment"])
    still = stayed.stayed.fill_null(0)
    return both.select(
        sums.period, sums.segment, sums.customers, entered=sums.began - still, left=sums.ended - still, net=sums.net,
        scored=sums.scored, risks=sums.risks,
    )  # fmt: skip


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Shares of all who are known at the end of the period, and whether a segment grew beyond chance."""
    alike = base.spans.group_by("first", "beyond").agg(customers=lambda t: t.count())
    ends = base.at_ends(alike)
    found = base.engine.fetch(ends.group_by("period").agg(there=ends.customers.sum())).to_pylist()
    every = {row["period"]: row["there"] for row in found}
    width = quantile_of_normal(base.frame.confidence)
    first = min((row["period"] for row in rows), default=None)
    for row in rows:
        row.update(of_whole(row["customers"], every.get(row["period"], 0), base.frame))
        if row["customers"] < base.frame.smallest:
            row["value"] = row["risk"] = None
        row["basis"] = base.frame.bases.get(row["segment"], "")
        row["trend"] = ""
        if row["period"] == first:  # of nobody it is known where they were before
            row["entered"] = row["left"] = None
        else:
            moved = row["entered"] - row["left"]
            beyond = abs(moved) > width * sqrt(row["entered"] + row["left"])
            row["trend"] = ("up" if moved > 0 else "down") if beyond else "same"
        row["complete"] = base.complete(row["period"])
    largest = {row["segment"]: row["customers"] for row in sorted(rows, key=lambda row: row["period"])}
    return sorted(rows, key=lambda row: (-largest[row["segment"]], row["segment"], row["period"]))


SEGMENTS = Analysis(
    name="segments",
    without=("grain", "by", "product", "category", "channel", "campaign"),
    room="marketing",
    title=Text("Segments", "客户分群"),
    question=Text(
        "How large are segments, who comes and goes, and what are they worth?", "各分群有多大，谁进谁出，价值几何？"
    ),
    how=Text(
        "Customers by segment at the end of the last local day of a period (yesterday's, of one that still runs), as "
        "the archive's profiles by day have them; somebody may be in several. Entered: in it now, not at the end of "
        "the period before; left: the other way round, also who has gone altogether. Who came and left within one "
        "period is not seen. The share is of all customers whom these profiles know by then. Value is net of the 365 "
        "days before; risk the mean of those who have a score. The trend is up or down where those who entered "
        "outnumber those who left, or the reverse, beyond chance (McNemar's test). The basis of a segment is what the "
        "plan says, else what its condition reads.",
        "按时期最后一个本地日日终（进行中的时期取昨日）的每日档案统计各分群客户；一人可属多个分群。进入：此时在内而上期"
        "末不在；离开：相反，含已不复存在者。同一时期内进出者不可见。占比以此时每日档案所知的全部客户为分母。价值为此前"
        "365 天净额；风险为有评分者的平均。进入多于离开（或相反）且超出偶然（McNemar 检验）时趋势为上升或下降。分群类别"
        "取计划所述，否则取其条件所读。",
    ),
    parameters=Asked,
    needs=(Need("*"),),
    members=_members,
    once=True,
    tally=_tally,
    dimensions=(
        Column("period", Text("Period", "时期"), "date", "dimension"),
        Column("segment", Text("Segment", "分群"), "text", "dimension", words=Words(_NAMES)),
    ),
    measures=(
        Customers("customers", Text("Customers", "客户"), where="inside"),
        Customers("entered", Text("Entered", "进入"), where="entered"),
        Customers("left", Text("Left", "离开"), where="left"),
        Total("net", Text("Net of 365 days", "365 天净额"), "money"),
        Ratio("value", Text("Of each", "人均"), "money", part="net", whole="customers"),
        Customers("scored", Text("With a risk", "有风险评分"), where="scored", hidden=True),
        Total("risks", Text("Sum of risks", "风险之和"), "points", hidden=True),
        Ratio("risk", Text("Mean risk", "平均风险"), "share", part="risks", whole="scored"),
    ),
    columns=(
        *share_columns(Text("Share", "占比")),
        Column("basis", Text("Basis", "类别"), "text", "note", words=Words(get_args(SegmentBasis))),
        Column("trend", Text("Trend", "趋势"), "text", "note", words=COURSE),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    chart=Chart("heat", x="period", y="segment", color="customers"),
)
