"""Segments against their goals: reached, on the way, or off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from math import sqrt
from typing import Any

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text, Total, Words
from analysis.framing import Goal
from analysis.parameters import Parameters
from analysis.ratios import quantile_of_normal
from analysis.statistics import share
from models.segments.builtin import BUILTIN
from profiles.money import exponent

__all__ = ["GOALS"]

_PACE = 91  # days before, against which the pace is told
_NAMES = tuple(rule.name for rule in BUILTIN)
_MEASURES = ("customers", "share", "value", "risk")
_GOALS = Words((*_NAMES, *_MEASURES), joint=": ")
_STATES = ("reached", "on the way", "off", "missed", "not begun", "not known yet")
_NEVER = date(1970, 1, 1)  # before any profile is known

_SHOWN = {"customers": 1.0, "share": 100.0, "risk": 100.0}
"""Shares and risks are told in percent, money as people write it."""


def _money(base: Base) -> float:
    return float(10.0 ** -exponent(base.frame.currency))


def _members(base: Base, asked: Parameters) -> ir.Table:
    """A row for each goal and spell of a customer in its segment now, a quarter ago, or where the goal's line begins.

    Of one customer the spells do not overlap, so that each of the three has one row at most.
    """
    goals = base.frame.goals or (Goal(segment="", measure="", target=0.0, by=base.today),)
    now = _now(base)
    wanted = list(dict.fromkeys(goal.segment for goal in goals))
    each = base.spells.filter(base.spells.segments.length() > 0)
    each = each.select("customer", "day", "until", "net_12m", "risk", segment=each.segments.unnest())
    each = each.filter(each.segment.isin(wanted))
    crossed = each.cross_join(ibis.range(0, len(goals)).unnest().name("_goal").as_table())

    def of_goal(made: Callable[[Goal], ir.Value]) -> ir.Value:
        return ibis.cases(*[(crossed["_goal"] == at, made(goal)) for at, goal in enumerate(goals)])

    rows = crossed.select(
        "customer", "segment", "day", "until",
        of=of_goal(lambda goal: ibis.literal(goal.segment)),
        goal=of_goal(lambda goal: ibis.literal(goal.name)),
        value=of_goal(lambda goal: _value(crossed, goal.measure)),
        _begins=of_goal(lambda goal: ibis.date(_begins(base, goal) or _NEVER)),
    )  # fmt: skip
    rows = rows.filter(rows.segment == rows.of)
    rows = rows.mutate(
        here=_there(rows, ibis.date(now)),
        was=_there(rows, ibis.date(now - timedelta(days=_PACE))),
        began=_there(rows, rows["_begins"]),
        known=rows.value.notnull(),
        figure=rows.value.fill_null(0.0),
    )
    rows = rows.filter(rows.here | rows.was | rows.began)
    return rows.select(
        "goal", "customer", "here", "was", "began",
        n=(rows.known & rows.here).ifelse(1, 0), n_before=(rows.known & rows.was).ifelse(1, 0),
        n_start=(rows.known & rows.began).ifelse(1, 0), total=rows.here.ifelse(rows.figure, 0.0),
        total_before=rows.was.ifelse(rows.figure, 0.0), total_start=rows.began.ifelse(rows.figure, 0.0),
        squares=rows.here.ifelse(rows.figure * rows.figure, 0.0),
    )  # fmt: skip


def _there(each: ir.Table, day: ir.DateValue) -> ir.BooleanValue:
    """Whether a spell holds the end of a day."""
    return (each.day <= day) & (each.until.isnull() | (each.until > day))


def _now(base: Base) -> date:
    """The last day that is over; the day of the first profiles where none is."""
    return max(base.today - timedelta(days=1), base.frame.snapshots or date.min)


def _begins(base: Base, goal: Goal) -> date | None:
    """The day from whose end a goal's line leads: no earlier than profiles are known; None where there is no line."""
    if goal.since is None or base.frame.snapshots is None:
        return None
    begins = max(goal.since, base.frame.snapshots)
    return begins if begins <= _now(base) and begins < goal.by else None


def _value(table: ir.Table, measure: str) -> ir.Value:
    column = {"value": "net_12m", "risk": "risk"}.get(measure)
    return ibis.literal(1.0) if column is None else table[column].cast("float64")


def _finish(rows: list[Row], base: Base, asked: Parameters) -> list[Row]:
    """The figure of each goal now, its interval, its line or its pace, and what that means."""
    frame = base.frame
    held = {row["goal"]: row for row in rows}
    now = _now(base)
    every: dict[date, int] = {}

    def everybody(day: date) -> int:
        if day not in every:
            every[day] = _everybody(base, day)
        return every[day]

    made = []
    for goal in frame.goals:
        row = held.get(goal.name)
        if row is None:
            continue
        begins = _begins(base, goal)
        row |= {"segment": goal.segment, "measure": goal.measure, "target": goal.target, "by_day": goal.by}
        row |= {"since_day": begins}
        row |= _figure(row, goal, everybody, now, begins, frame.confidence)
        for figure, n in (("figure", "n"), ("earlier", "n_before"), ("start", "n_start")):
            if row[n] < frame.smallest and goal.measure != "customers":
                row[figure] = None
        if row["figure"] is None:
            row["low"] = row["high"] = None
        row["line"] = _on_line(row["start"], goal, begins, now)
        row["projected"] = _projected(row, goal, now)
        row["state"] = _state(row, goal, base.today)
        for name in ("figure", "low", "high", "earlier", "start", "line", "target", "projected"):
            row[name] = None if row[name] is None else row[name] * _SHOWN.get(goal.measure, _money(base))
        made.append(row)
    return made


def _everybody(base: Base, day: date) -> int:
    there = base.spells.filter(_there(base.spells, ibis.date(day)))
    return int(base.engine.fetch(there.agg(there=there.count())).to_pylist()[0]["there"] or 0)


def _figure(
    row: Row, goal: Goal, everybody: Callable[[date], int], now: date, begins: date | None, confidence: float
) -> dict[str, Any]:
    """The figure and the ends of its interval, and the figures a quarter ago and where the line begins; a plain number
    has no interval."""
    low = high = None
    before = now - timedelta(days=_PACE)
    if goal.measure == "customers":
        return {"figure": float(row["customers"]), "low": None, "high": None,
                "earlier": float(row["earlier_customers"]),
                "start": float(row["n_start"]) if begins else None}  # fmt: skip
    if goal.measure == "share":
        every, then = everybody(now), everybody(before)
        started = everybody(begins) if begins else 0
        if every:
            low, high = share(row["customers"], every, confidence)
        return {"figure": row["customers"] / every if every else None, "low": low, "high": high,
                "earlier": row["earlier_customers"] / then if then else None,
                "start": row["n_start"] / started if started else None}  # fmt: skip
    n = row["n"]
    mean = row["total"] / n if n else None
    if mean is not None and n > 1:
        spread = max(row["squares"] - n * mean * mean, 0.0) / (n - 1)
        width = quantile_of_normal(confidence) * sqrt(spread / n)
        low, high = mean - width, mean + width
    return {"figure": mean, "low": low, "high": high,
            "earlier": row["total_before"] / row["n_before"] if row["n_before"] else None,
            "start": row["total_start"] / row["n_start"] if row["n_start"] else None}  # fmt: skip


def _on_line(start: float | None, goal: Goal, begins: date | None, now: date) -> float | None:
    """Where the straight line from the start to the target is now; after its last day, the target."""
    if start is None or begins is None:
        return None
    passed = min((now - begins) / (goal.by - begins), 1.0)
    return float(start + (goal.target - start) * passed)


def _projected(row: Row, goal: Goal, now: date) -> float | None:
    """Where the figure will be on the day, at the pace of the last quarter."""
    if row["figure"] is None or row["earlier"] is None:
        return None
    left = max((goal.by - now).days, 0)
    return max(float(row["figure"] + (row["figure"] - row["earlier"]) * left / _PACE), 0.0)


def _state(row: Row, goal: Goal, today: date) -> str:
    """On the way is what keeps to its line; without one, what its interval or its pace would bring to the target."""

    def meets(figure: float | None, wanted: float) -> bool:
        return figure is not None and (figure <= wanted if goal.at_most else figure >= wanted)

    if row["figure"] is None:
        return ""
    if meets(row["figure"], goal.target):
        return "reached"
    if today > goal.by:
        return "missed"
    if goal.since is not None and today <= goal.since:
        return "not begun"
    hopeful = row["low" if goal.at_most else "high"]
    if row["line"] is not None:
        return "on the way" if meets(row["figure"], row["line"]) or meets(hopeful, row["line"]) else "off"
    if row["earlier"] is None and hopeful is None:
        return "not known yet"
    return "on the way" if meets(hopeful, goal.target) or meets(row["projected"], goal.target) else "off"


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
        "The plan's `analyses.goals`, each with the figure of its segment at the end of the last day that is over "
        "(or of the first day of which profiles are kept, if that is today), by the archive's profiles by day: "
        "customers in it; their share of all, with Wilson's interval; net of 365 days "
        "of each, or mean risk, with the interval of a mean. Reached: the figure meets the target. On "
        "the way, where the goal says `since`: the figure, or its interval, keeps to the straight line from the figure "
        "at the end of that day (of the first day of which profiles are kept, if that is later) to the target on the "
        "last day. Without `since`: its interval holds the target, or it will meet it on the day at the pace of the "
        f"last {_PACE} days. Off: neither. Missed: the day is over. Not begun: the line begins later. Shares and risks "
        "are in percent. A segment that nobody is in, and was, has no row.",
        "计划中 `analyses.goals` 的各目标，及其分群在最近一个已结束的日子日终的数值（若当日为首个留有档案之日，则取当日"
        "；取自每日档案）：人数；占全体比例，附 Wilson 区间；人均 365 天净额或平均风险，附均值区间。"
        "已达成：数值满足目标。在途：若目标写明 `since`，则数值或其区间不落后于进度线，"
        "即自该日日终数值（若档案起始更晚，取首个留有档案之日）"
        "至期限日目标值的直线；若未写明，则区间包含目标，或"
        f"按最近 {_PACE} 天的速度到期可满足。偏离：两者皆否。未达成：期限已过。未开始：进度线尚未起始。"
        "占比与风险为百分数。无人属于的分群没有行。",
    ),
    needs=(Need("*"),),
    members=_members,
    dimensions=(Column("goal", Text("Goal", "目标"), "text", "dimension", words=_GOALS),),
    measures=(
        Customers("customers", Text("Members", "成员"), where="here"),
        Customers("earlier_customers", Text("Members a quarter ago", "一季度前成员"), where="was"),
        Customers("start_customers", Text("Members at the start", "起点成员"), where="began"),
        *[
            Total(name, Text(name, name), "points", hidden=True)
            for name in ("n", "n_before", "n_start", "total", "total_before", "total_start", "squares")
        ],
    ),
    columns=(
        Column("segment", Text("Segment", "分群"), "text", "note", words=Words(_NAMES)),
        Column("measure", Text("Measure", "指标"), "text", "note", words=Words(_MEASURES)),
        Column("figure", Text("Figure", "数值"), "points"),
        Column("low", Text("lowest", "下限"), "points", "note"),
        Column("high", Text("highest", "上限"), "points", "note"),
        Column("earlier", Text("A quarter ago", "一季度前"), "points"),
        Column("start", Text("At the start", "起点"), "points"),
        Column("line", Text("On the line now", "进度线当前值"), "points"),
        Column("target", Text("Target", "目标值"), "points"),
        Column("since_day", Text("Line from", "进度线起始"), "date", "note"),
        Column("by_day", Text("By", "期限"), "date", "note"),
        Column("projected", Text("At this pace", "按此速度"), "points"),
        Column("state", Text("State", "状态"), "text", "note", words=Words(_STATES)),
    ),
    finish=_finish,
    sentence=_sentence,
    chart=Chart("bars", x="goal", y=("figure", "target")),
)
