"""Paths: what people do one after the other, in sessions or from and to something that they did."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar, Literal

import ibis
import ibis.expr.types as ir
from pydantic import Field, field_validator

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Count, Customers, Need, Ratio, Row, Text, Words
from analysis.parameters import Parameters
from analysis.relations.sessions import ONLINE, sessions
from plan.model import ROLES

__all__ = ["FLOWS", "OTHER", "PATHS"]

STEPS = 5
TOP = 50
OTHER = "other"
END = "(end)"
START = "(start)"
_NODES = Words((*ROLES, START, END), joint=" ")


class Asked(Parameters):
    """Whose paths: of sessions, or from or to the first time that somebody did something."""

    length: ClassVar[int] = 28

    anchor: str = Field("", description="A role that paths begin or end with, such as purchase; none: sessions.")
    direction: Literal["from", "to"] = Field("from", description="Whether paths begin or end with the anchor.")
    within: float = Field(7, gt=0, le=366, description="Days of a path from or to an anchor.")

    @field_validator("anchor")
    @classmethod
    def _role(cls, said: str) -> str:
        if said and said not in ROLES:
            raise ValueError(f"{said!r} is no role; roles are {', '.join(ROLES)}")
        return said


def _journeys(base: Base, asked: Asked) -> ir.Table:
    """One row a journey: `customer`, `session`, `p1` to `p5`, the steps from its beginning (or, to an anchor, back from
    it), and `bought`, whether it has an order at any step."""
    events = _around(base, asked) if asked.anchor else _sessions(base)
    turn = ibis.desc if asked.anchor and asked.direction == "to" else ibis.asc
    order = [turn("us"), turn("log_partition"), turn("log_offset")]
    inside = ibis.window(group_by=["customer", "session"], order_by=order, preceding=None, following=0)
    another = events.before.isnull() | (events.before != events.role)
    events = events.mutate(position=another.ifelse(1, 0).sum().over(inside))
    steps = {f"p{n}": _only(events, n) for n in range(1, STEPS + 1)}
    return events.group_by("customer", "session").agg(bought=(events.role == "purchase").max(), **steps)


def _only(events: ir.Table, position: int) -> ir.StringValue:
    return ibis.ifelse(events.position == position, events.role, ibis.null("string")).max()


def _sessions(base: Base) -> ir.Table:
    """Events of the sessions that began in the period, with a first event under the filters."""
    since, until = base.given.period(base.frame)
    events = sessions(base, since=since, until=until + timedelta(days=1))
    fitting = base.chosen(events.filter(events.begins))
    events = events.filter((events.began_day >= ibis.date(since)) & (events.began_day < ibis.date(until)))
    asked = base.given
    if any((asked.product, asked.category, asked.channel, asked.campaign)):
        events = events.semi_join(fitting, ["customer", "session"])
    return events.select("customer", "session", "us", "log_partition", "log_offset", "role", "before")


def _around(base: Base, asked: Asked) -> ir.Table:
    """Events from everybody's first anchor in the period on, or up to it."""
    anchors = base.within(base.chosen(base.of(asked.anchor)))
    earliest = ibis.window(group_by="customer", order_by=["us", "log_partition", "log_offset"])
    anchors = anchors.mutate(_rank=ibis.row_number().over(earliest)).filter(lambda t: t._rank == 0)
    anchors = anchors.select("customer", at="us", at_partition="log_partition", at_offset="log_offset")
    events = base.of(*dict.fromkeys((*ONLINE, asked.anchor)))
    joined = events.inner_join(anchors, "customer")
    found = joined.select(
        *[events[name] for name in ("customer", "us", "log_partition", "log_offset", "role")],
        *[anchors[name] for name in ("at", "at_partition", "at_offset")],
    )
    sign = 1 if asked.direction == "from" else -1
    apart = (found.us - found.at) * sign
    later = (found.log_partition - found.at_partition) * sign, (found.log_offset - found.at_offset) * sign
    same = (later[0] > 0) | ((later[0] == 0) & (later[1] >= 0))
    found = found.filter((apart <= int(asked.within * 86_400e6)) & ((apart > 0) | ((apart == 0) & same)))
    found = found.drop("at", "at_partition", "at_offset")
    turn = ibis.asc if asked.direction == "from" else ibis.desc
    order = [turn("us"), turn("log_partition"), turn("log_offset")]
    before = found.role.lag().over(ibis.window(group_by="customer", order_by=order))
    return found.mutate(session=ibis.literal(1), before=before)


def _paths(base: Base, asked: Asked) -> ir.Table:
    """A row a journey with its path; paths that are not among the most frequent are one."""
    journeys = _journeys(base, asked)
    places = range(1, STEPS + 1)
    backwards = bool(asked.anchor) and asked.direction == "to"
    path: ir.StringValue = journeys.p1
    for place in places[1:]:
        step = journeys[f"p{place}"]
        arrow = ibis.literal(" > ")
        further = path.concat(arrow, step) if not backwards else step.concat(arrow, path)
        path = ibis.ifelse(step.isnull(), path, further)
    named = journeys.select("customer", "bought", path=path)
    often = named.group_by("path").agg(times=lambda t: t.count())
    often = often.mutate(_rank=ibis.row_number().over(ibis.window(order_by=[ibis.desc("times"), ibis.asc("path")])))
    top = often.filter(often._rank < TOP).select("path", "_rank")
    joined = named.left_join(top, "path")
    return joined.select(
        named.customer, named.bought, path=ibis.ifelse(top._rank.isnull(), ibis.literal(OTHER), named.path)
    )


def _flows(base: Base, asked: Asked) -> ir.Table:
    """A row for each step of each journey to the next: as `1 visit` and `2 view`, so that none leads back."""
    journeys = _journeys(base, asked)
    grid = journeys.cross_join(ibis.range(1, STEPS).unnest().name("position").as_table())
    here, there = (
        ibis.cases(*[(grid.position == place, grid[f"p{place + further}"]) for place in range(1, STEPS)])
        for further in (0, 1)
    )
    grid = grid.select("customer", "position", here=here, there=there).filter(lambda t: t.here.notnull())
    number = grid.position.cast("string")
    following = (grid.position + 1).cast("string")
    if asked.anchor and asked.direction == "to":
        return grid.select(
            "customer",
            "position",
            source=ibis.literal("-").concat(following, " ", grid.there.fill_null(START)),
            target=ibis.literal("-").concat(number, " ", grid.here),
        )
    return grid.select(
        "customer",
        "position",
        source=number.concat(" ", grid.here),
        target=following.concat(" ", grid.there.fill_null(END)),
    )


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """The most frequent first, the others at the end; with their share of all."""
    every = sum(row["journeys"] for row in rows)
    for row in rows:
        row["share"] = row["journeys"] / every
    return sorted(rows, key=lambda row: (row["path"] == OTHER, -row["journeys"], row["path"]))


_HOW = Text(
    "A path are the roles of what somebody does online one after the other: in a session (a pause longer than the "
    "plan's session gap ends it; midnight and campaigns do not) that began in the period, or, with an anchor, from "
    "or to "
    "the first time in the period that somebody did that, within so many days. What is done several times in a row is "
    "one step; the first {steps} steps count (those nearest to the anchor).",
    "路径是客户在线上依次行为的角色：取此期间开始的会话（间隔超过方案中的会话间隔即结束；午夜和活动不会切断），"
    "若指定锚点，则从此期间首次发生该行为起或到其为止的若干天内。连续重复的行为合为一步；只计前 {steps} 步（离锚点"
    "最近的）。",
)
_NEEDS = (Need("visit|view|search|purchase"),)

PATHS = Analysis(
    name="paths",
    without=("by",),
    room="marketing",
    title=Text("Paths", "路径"),
    question=Text("What do people do one after the other?", "人们依次做了什么？"),
    how=Text(
        _HOW.en.format(steps=STEPS) + f" The {TOP} most frequent paths are shown, all others as one.",
        _HOW.zh.format(steps=STEPS) + f"显示最常见的 {TOP} 条路径，其余合为一条。",
    ),
    parameters=Asked,
    needs=_NEEDS,
    members=_paths,
    dimensions=(Column("path", Text("Path", "路径"), "text", "dimension", words=Words((*ROLES, OTHER), joint=" > ")),),
    measures=(
        Customers("customers", Text("Customers", "客户")),
        Count("journeys", Text("Times", "次数")),
        Count("bought", Text("With an order", "含订单的次数"), where="bought"),
        Ratio("buying", Text("With an order, share", "含订单的比例"), "share", part="bought", whole="journeys"),
    ),
    columns=(Column("share", Text("Share of all", "占全部的比例"), "share", "note"),),
    finish=_finish,
    chart=Chart("bars", x="path", y="journeys"),
)

FLOWS = Analysis(
    name="flows",
    without=("by",),
    room="marketing",
    title=Text("Flows", "流向"),
    question=Text("Where do people go from each step, and where do they leave?", "人们从每一步走向哪里，在哪里离开？"),
    how=Text(
        _HOW.en.format(steps=STEPS) + f" Each step leads to the next one, or to {END} if there is none.",
        _HOW.zh.format(steps=STEPS) + f"每一步通向下一步；没有下一步时通向 {END}。",
    ),
    parameters=Asked,
    needs=_NEEDS,
    members=_flows,
    dimensions=(
        Column("position", Text("Step", "步骤"), "count", "dimension"),
        Column("source", Text("From", "从"), "text", "dimension", words=_NODES),
        Column("target", Text("To", "到"), "text", "dimension", words=_NODES),
    ),
    measures=(
        Count("value", Text("Times", "次数")),
        Customers("customers", Text("Customers", "客户")),
    ),
    chart=Chart("sankey", x="source", y="value", color="target"),
)
