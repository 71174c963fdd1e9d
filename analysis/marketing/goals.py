"""Segments against their goals: reached, on the way, or off."""

from __future__ import annotations

from datetime import date, timedelta
from math import sqrt
from typing import Any

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total
from analysis.framing import Goal
from analysis.parameters import Parameters
from analysis.ratios import quantile_of_normal
from analysis.statistics import share
from profiles.money import exponent

__all__ = ["GOALS"]

_PACE = 91  # days before, against which the pace is told


_SHOWN = {"customers": 1.0, "share": 100.0, "risk": 100.0}
"""Shares and risks are told in percent, money as people write it."""


def _money(base: Base) -> float:
    return float(10.0 ** -exponent(base.frame.currency))


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each goal and each customer who is in its segment now, or was a quarter ago."""
    goals = base.frame.goals or (Goal(segment="", measure="", target=0.0, by=base.today),)
    now, then = (base.today - timedelta(days=days) for days in (1, 1 + _PACE))
    wanted = list(dict.fromkeys(goal.segment for goal in goals))
    each = base.spells.filter(base.spells.segments.length() > 0)
    each = each.select("customer", "day", "until", "net_12m", "risk", segment=each.segments.unnest())
    each = each.filter(each.segment.isin(wanted))
    parts = [_as_of(each, now).mutate(before=ibis.literal(False)), _as_of(each, then).mutate(before=ibis.literal(True))]
    both = ibis.union(*parts)
    crossed = both.cross_join(ibis.range(0, len(goals)).unnest().name("_goal").as_table())
    of = ibis.cases(*[(crossed["_goal"] == at, ibis.literal(goal.segment)) for at, goal in enumerate(goals)])
    names = ibis.cases(*[(crossed["_goal"] == at, ibis.literal(goal.name)) for at, goal in enumerate(goals)])
    value = ibis.cases(
        *[(crossed["_goal"] == at, _value(crossed, goal.measure)) for at, goal in enumerate(goals)]
    )  # fmt: skip
    rows = crossed.select("customer", "segment", "before", of=of, goal=names, value=value)
    rows = rows.filter(rows.segment == rows.of)
    known = rows.value.notnull()
    figure = rows.value.fill_null(0.0)
    return rows.select(
        "goal", "customer", here=~rows.before, was=rows.before,
        n=(known & ~rows.before).ifelse(1, 0), n_before=(known & rows.before).ifelse(1, 0),
        total=rows.before.ifelse(0.0, figure), total_before=rows.before.ifelse(figure, 0.0),
        squares=rows.before.ifelse(0.0, figure * figure),
    )  # fmt: skip


def _as_of(each: ir.Table, day: date) -> ir.Table:
    return each.filter((each.day <= ibis.date(day)) & (each.until.isnull() | (each.until > ibis.date(day))))


def _value(table: ir.Table, measure: str) -> ir.Value:
    column = {"value": "net_12m", "risk": "risk"}.get(measure)
    return ibis.literal(1.0) if column is None else table[column].cast("float64")


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """The figure of each goal now, its interval, at which pace it moves, and what that means."""
    frame = base.frame
    every, before = (_everybody(base, days) for days in (1, 1 + _PACE)) if rows else (0, 0)
    held = {row["goal"]: row for row in rows}
    made = []
    for goal in frame.goals:
        row = held.get(goal.name)
        if row is None:
            continue
        row |= {"segment": goal.segment, "measure": goal.measure, "target": goal.target, "by_day": goal.by}
        row |= _figure(row, goal, every, before, frame.confidence)
        if row["n"] < frame.smallest and goal.measure != "customers":
            row["figure"] = row["low"] = row["high"] = None
        row["projected"] = _projected(row, goal, base.today)
        row["state"] = _state(row, goal, base.today)
        for name in ("figure", "low", "high", "earlier", "target", "projected"):
            row[name] = None if row[name] is None else row[name] * _SHOWN.get(goal.measure, _money(base))
        made.append(row)
    return made


def _everybody(base: Base, days: int) -> int:
    spells = base.spells
    there = _as_of(spells, base.today - timedelta(days=days))
    return int(base.engine.fetch(there.agg(there=there.count())).to_pylist()[0]["there"] or 0)


def _figure(row: Row, goal: Goal, every: int, before: int, confidence: float) -> dict[str, Any]:
    """The figure and the ends of its interval, and the figure a quarter ago; a plain number has no interval."""
    low = high = None
    if goal.measure == "customers":
        return {
            "figure": float(row["customers"]),
            "low": None,
            "high": None,
            "earlier": float(row["earlier_customers"]),
        }
    if goal.measure == "share":
        if every:
            low, high = share(row["customers"], every, confidence)
        figure = row["customers"] / every if every else None
        return {"figure": figure, "low": low, "high": high,
                "earlier": row["earlier_customers"] / before if before else None}  # fmt: skip
    n = row["n"]
    mean = row["total"] / n if n else None
    if mean is not None and n > 1:
        spread = max(row["squares"] - n * mean * mean, 0.0) / (n - 1)
        width = quantile_of_normal(confidence) * sqrt(spread / n)
        low, high = mean - width, mean + width
    return {"figure": mean, "low": low, "high": high,
            "earlier": row["total_before"] / row["n_before"] if row["n_before"] else None}  # fmt: skip


def _projected(row: Row, goal: Goal, today: date) -> float | None:
    """Where the figure will be on the day, at the pace of the last quarter."""
    if row["figure"] is None or row["earlier"] is None:
        return None
    left = max((goal.by - today).days, 0)
    return max(float(row["figure"] + (row["figure"] - row["earlier"]) * left / _PACE), 0.0)


def _state(row: Row, goal: Goal, today: date) -> str:
    def meets(figure: float | None) -> bool:
        return figure is not None and (figure <= goal.target if goal.at_most else figure >= goal.target)

    if row["figure"] is None:
        return ""
    if meets(row["figure"]):
        return "reached"
    if today > goal.by:
        return "missed"
    return "on the way" if meets(row["low" if goal.at_most else "high"]) or meets(row["projected"]) else "off"


def _sentence(rows: list[Row], base: Base, asked: Parameters) -> Text | None:
    reached = sum(row["state"] == "reached" for row in rows)
    way = sum(row["state"] == "on the way" for row in rows)
    return Text(
        f"Of {len(rows)} goals {reached} are reached, {way} on the way.",
        f"{len(rows)} 个目标中，{reached} 个已达成，{way} 个在途。",
    )


GOALS = Analysis(
    name="goals",
    without=("grain", "since", "until", "interval", "by", "product", "category", "channel", "campaign"),
    room="marketing",
    title=Text("Goals of segments", "分群目标"),
    question=Text("Which segments reach what they are to reach?", "哪些分群达到了目标？"),
    how=Text(
        "The plan's `analyses.goals`, each with the figure of its segment at the end of the last day that is over, by "
        "the archive's profiles by day: customers in it; their share of all, with Wilson's interval; net of 365 days "
        "of each, or mean risk, with the interval of a mean. Reached: the figure meets the target. On "
        "the way: its interval holds the target, or it will meet it on the day at the pace of the last "
        f"{_PACE} days. Off: neither. Missed: the day is over. Shares and risks "
        "are in percent. A segment that nobody is in, and was, has no row.",
        "计划中 `analyses.goals` 的各目标，及其分群在最近一个已结束的日子日终的数值（取自每日档案）：人数；"
        "占全体比例，附 "
        "Wilson 区间；人均 365 天净额或平均风险，附均值区间。已达成：数值满足目标。在途："
        "区间包含目标，或"
        f"按最近 {_PACE} 天的速度到期可满足。偏离：两者皆否（占比与风险为百分数）。未达成：期限已过。"
        "无人属于的分群没有行。",
    ),
    needs=(Need("*"),),
    members=_members,
    dimensions=(Column("goal", Text("Goal", "目标"), "text", "dimension"),),
    measures=(
        Customers("customers", Text("Members", "成员"), where="here"),
        Customers("earlier_customers", Text("Members a quarter ago", "一季度前成员"), where="was"),
        *[
            Total(name, Text(name, name), "points", hidden=True)
            for name in ("n", "n_before", "total", "total_before", "squares")
        ],
    ),
    columns=(
        Column("segment", Text("Segment", "分群"), "text", "note"),
        Column("measure", Text("Measure", "指标"), "text", "note"),
        Column("figure", Text("Figure", "数值"), "points"),
        Column("low", Text("lowest", "下限"), "points", "note"),
        Column("high", Text("highest", "上限"), "points", "note"),
        Column("earlier", Text("A quarter ago", "一季度前"), "points"),
        Column("target", Text("Target", "目标值"), "points"),
        Column("by_day", Text("By", "期限"), "date", "note"),
        Column("projected", Text("At this pace", "按此速度"), "points"),
        Column("state", Text("State", "状态"), "text", "note"),
    ),
    finish=_finish,
    sentence=_sentence,
    chart=Chart("bars", x="goal", y=("figure", "target")),
)
