"""How long until customers buy again, those included who still wait."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Text
from analysis.kaplan_meier import curve, quantile
from analysis.parameters import Parameters

__all__ = ["REPURCHASE_GAP", "Asked"]


class Asked(Parameters):
    """How far to count."""

    numbers: int = Field(5, ge=1, le=12, description="Purchases told apart; later ones count with the last of these.")
    most: int = Field(730, ge=30, le=3650, description="Days of waiting that are looked at.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each purchase day of the period: the days until the next one, or until now."""
    orders = base.chosen(base.orders) if asked.category or asked.product else base.orders
    days = base.broken_down(orders).select("customer", "by", "day").distinct()
    theirs = ibis.window(group_by=["customer", "by"], order_by="day")
    days = days.mutate(
        number=ibis.least(ibis.row_number().over(theirs) + 1, asked.numbers), following=days.day.lead().over(theirs)
    )
    days = base.within(days)
    waited = ibis.ifelse(days.following.isnull(), ibis.date(base.today), days.following).delta(days.day, unit="day")
    return days.select(
        "by",
        "number",
        "customer",
        days=ibis.least(waited, asked.most),
        bought=days.following.notnull() & (waited <= asked.most),
        waiting=days.following.isnull() | (waited > asked.most),
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """The curve of each number, and before it a row with its quartiles."""
    finished: list[Row] = []
    for by, number in sorted({(row["by"], row["number"]) for row in rows}):
        theirs = [row for row in rows if (row["by"], row["number"]) == (by, number)]
        steps = curve(((row["days"], row["gaps"], row["open"]) for row in theirs), base.frame.confidence)
        enough = steps[0].at_risk >= base.frame.smallest
        head: Row = {"by": by, "number": number, "days": None} | {
            name: sum(row[name] for row in theirs) for name in ("gaps", "open")
        }
        for name, q in (("p25", 0.25), ("p50", 0.5), ("p75", 0.75)):
            head[name], head[f"{name}_low"], head[f"{name}_high"] = quantile(steps, q) if enough else (None,) * 3
        finished.append(head)
        for row, step in zip(theirs, steps, strict=True):
            row["at_risk"] = step.at_risk
            row["again"] = 1 - step.waiting if enough else None
            row["again_low"] = 1 - step.high if enough and step.high is not None else None
            row["again_high"] = 1 - step.low if enough and step.low is not None else None
            finished.append(row)
    return finished


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    first = next((row for row in rows if row["days"] is None and row["number"] == 1), None)
    if first is None or first["by"]:
        return None
    if first["p50"] is None:
        return Text("Fewer than half have bought again so far.", "迄今不到一半的客户再次购买。")
    return Text(
        f"Half of first buyers have bought again after {first['p50']:.0f} days.",
        f"半数首购客户在 {first['p50']:.0f} 天后再次购买。",
    )


def _quartiles() -> list[Column]:
    columns = []
    for name, share in (("p25", 25), ("p50", 50), ("p75", 75)):
        columns.append(Column(name, Text(f"{share} % after", f"{share} % 所需天数"), "days"))
        columns.append(Column(f"{name}_low", Text("lowest", "下限"), "days", "note"))
        columns.append(Column(f"{name}_high", Text("highest", "上限"), "days", "note"))
    return columns


REPURCHASE_GAP = Analysis(
    name="repurchase_gap",
    without=("channel", "campaign"),
    reasons=dict.fromkeys(
        ("channel", "campaign"), "waits for the next purchase through whichever channel and by whichever campaign"
    ),
    room="keeping",
    title=Text("Time to the next purchase", "再次购买间隔"),
    question=Text("How long until a customer buys again?", "客户多久会再次购买？"),
    how=Text(
        "From the n-th purchase day of the period to the next purchase day, in local days. Those who have not bought "
        "again wait until now and are counted as waiting (Kaplan and Meier), since the gaps that have ended are the "
        "short ones. The row without days has the quartiles of a number; a quartile that is not reached is blank. With "
        "a breakdown or a filter by category both purchases are of that category.",
        "从时期内第 n 个购买日到下一个购买日的本地天数。尚未再次购买者计到当前，作为仍在等待处理（Kaplan–Meier），因为"
        "已结束的间隔偏短。天数为空的行给出该序次的四分位数，未达到者留空。按品类细分或筛选时，前后两次购买均属该品类"
        "。",
    ),
    parameters=Asked,
    needs=(Need("purchase", ("subject",)),),
    members=_members,
    dimensions=(
        Column("by", Text("Part", "细分"), "text", "dimension"),
        Column("number", Text("Purchase", "第几次购买"), "count", "dimension"),
        Column("days", Text("Days", "天数"), "days", "dimension"),
    ),
    measures=(
        Count("gaps", Text("Bought again", "再次购买"), where="bought"),
        Count("open", Text("Still waiting", "仍在等待"), where="waiting"),
        Customers("waiting", Text("Customers who wait", "等待中的客户"), where="waiting"),
    ),
    columns=(
        Column("at_risk", Text("Had waited so long", "等待至此者"), "count", "note"),
        Column("again", Text("Bought again, share", "再次购买比例"), "share", whole="at_risk"),
        Column("again_low", Text("lowest", "下限"), "share", "note"),
        Column("again_high", Text("highest", "上限"), "share", "note"),
        *_quartiles(),
    ),
    finish=_finish,
    sentence=_sentence,
    chart=Chart("steps", x="days", y="again", color="number", low="again_low", high="again_high"),
)
