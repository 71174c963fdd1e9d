"""How long customers stay in a stage, those who are still in it included."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Row, Text, Words
from analysis.kaplan_meier import curve, quantile
from analysis.parameters import Parameters

__all__ = ["STAGE_STAYS"]

_ORDER = ("prospect", "new", "active", "loyal", "at_risk", "won_back", "churned")


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each stay of each customer that began in the period: for how many days, and whether it has ended."""
    theirs = ibis.window(group_by="customer", order_by="day")
    known = base.spells.filter(base.spells.stage.notnull()).select("customer", "day", "stage")
    known = known.mutate(_before=known.stage.lag().over(theirs))
    # The stage in which somebody is when profiles by day begin may have begun long before.
    known = known.mutate(_first=known.day.min().over(ibis.window()))
    changes = known.filter(
        ibis.ifelse(known["_before"].isnull(), known.day > known["_first"], known["_before"] != known.stage)
    )
    changes = changes.mutate(_next=changes.day.lead().over(theirs))
    stays = base.within(changes)
    yesterday = ibis.date(base.today - timedelta(days=1))
    end = ibis.ifelse(stays["_next"].isnull(), ibis.greatest(yesterday, stays.day), stays["_next"])
    return stays.select(
        "stage", "customer", days=end.delta(stays.day, unit="day"), ended=stays["_next"].notnull(),
        still=stays["_next"].isnull(),
    )  # fmt: skip


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """The median of each stage by Kaplan and Meier, in the order of a life."""
    stays = _members(base, asked)
    counted = stays.group_by("stage", "days").agg(
        ended=stays.ended.ifelse(1, 0).sum(), still=stays.still.ifelse(1, 0).sum()
    )
    found: dict[str, list[tuple[float, int, int]]] = {}
    for each in base.engine.fetch(counted).to_pylist():
        found.setdefault(each["stage"], []).append((each["days"], each["ended"], each["still"]))
    for row in rows:
        enough = row["customers"] >= base.frame.smallest
        steps = curve(found.get(row["stage"], []), base.frame.confidence)
        row["median"], row["median_low"], row["median_high"] = quantile(steps, 0.5) if enough else (None,) * 3
    return sorted(rows, key=lambda row: (*_ORDER, row["stage"]).index(row["stage"]))


STAGE_STAYS = Analysis(
    name="stage_stays",
    without=("grain", "by", "product", "category", "channel", "campaign"),
    room="growth",
    title=Text("Stays in stages", "阶段停留时间"),
    question=Text("How long do customers stay in a stage?", "客户在每个阶段停留多久？"),
    how=Text(
        "A stay is the days from the end of the local day on which a customer was first seen in a stage until the end "
        "of the day on which the stage was another one, by the archive's profiles by day. Stays that began in the "
        "period count, except those that were under way when these profiles begin. The median counts those who are "
        "still there for as long as they have been (Kaplan and Meier); it is blank while fewer than half have left.",
        "停留指客户某日日终首次处于某阶段，到其日终变为另一阶段之间的天数，取自归档的每日档案。此期间开始的停留计入，"
        "每日档案开始时已在进行的停留除外。中位数把仍在该阶段者按已停留时间计入（Kaplan–Meier）；离开者不足一半时留空。",
    ),
    needs=(Need("purchase", ("subject",)),),
    members=_members,
    dimensions=(Column("stage", Text("Stage", "阶段"), "text", "dimension", words=Words(_ORDER)),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Count("stays", Text("Stays", "停留次数")),
        Count("ended", Text("Ended", "已结束"), where="ended"),
        Count("still", Text("Still there", "仍在其中"), where="still"),
    ),
    columns=(
        Column("median", Text("Median stay", "停留中位数"), "days"),
        Column("median_low", Text("lowest", "下限"), "days", "note"),
        Column("median_high", Text("highest", "上限"), "days", "note"),
    ),
    finish=_finish,
    chart=Chart("bars", x="stage", y="median", low="median_low", high="median_high"),
)
