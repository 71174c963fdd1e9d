"""How many customers are active: by day, in the last 7 days and in the last 28, and how sticky that is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

import ibis
import ibis.expr.types as ir
from pydantic import Field

from analysis.base import Base
from analysis.declaration import Analysis, Chart, Column, Customers, Need, Row, Text
from analysis.parameters import Interval, Parameters

__all__ = ["ACTIVE", "Asked"]

_MONTH = 28  # days, so that each window has every weekday equally often


class Asked(Parameters):
    """What counts as active."""

    length: ClassVar[int] = 91

    interval: Interval = Field("day", description="Always by day: each day looks back over 1, 7 and 28 days.")
    role: str = Field("visit", description="The role of events that count; `any` for all that customers do.")


def _members(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer on each day by which they had been active within 28 days; the last active day tells."""
    each = _on_days(base, asked, _spans(base, asked))
    return each.select("day", "customer", daily=each.ago == 0, weekly=each.ago < 7)


def _tally(base: Base, asked: Asked) -> ir.Table:
    """Customers of a day by how long ago their last active day was: those of the same two days count together."""
    spans = _spans(base, asked).group_by("active", "ahead").agg(customers=lambda t: t.count())
    each = _on_days(base, asked, spans)
    return each.group_by("day").agg(
        daily=(each.ago == 0).ifelse(each.customers, 0).sum(),
        weekly=(each.ago < 7).ifelse(each.customers, 0).sum(),
        monthly=each.customers.sum(),
    )


def _begins(base: Base, asked: Asked) -> date:
    """The first day that is counted: one window more, for the mean of the daily figures of the first days."""
    return asked.period(base.frame)[0] - timedelta(days=_MONTH - 1)


def _spans(base: Base, asked: Asked) -> ir.Table:
    """A row for each customer on each day on which they were active: for how many days it is the last one, up to 28."""
    _, until = asked.period(base.frame)
    events = base.chosen(base.doing(asked.role))
    begins = _begins(base, asked) - timedelta(days=_MONTH - 1)
    events = events.filter((events.day >= ibis.date(begins)) & (events.day < until))
    days = events.select("customer", active="day").distinct()
    following = days.active.lead().over(ibis.window(group_by="customer", order_by="active"))
    gap = following.delta(days.active, unit="day").fill_null(_MONTH)
    return days.mutate(ahead=ibis.least(gap, ibis.literal(_MONTH, "int64")))


def _on_days(base: Base, asked: Asked, spans: ir.Table) -> ir.Table:
    """Spans once for each `day` that is asked for, `ago` days after the active one."""
    _, until = asked.period(base.frame)
    each = spans.cross_join(ibis.range(0, _MONTH).unnest().name("ago").as_table())
    each = each.filter(each.ago < each.ahead)
    each = each.mutate(day=each.active + each.ago.cast("int32").as_interval("D"))
    each = each.filter((each.day >= ibis.date(_begins(base, asked))) & (each.day < ibis.date(until)))
    return each.filter(each.day <= ibis.date(base.today))


def _finish(rows: list[Row], base: Base, asked: Asked) -> list[Row]:
    """Stickiness, over windows that the archive holds whole; days that were only read for it are dropped."""
    frame = base.frame
    since, _ = asked.period(frame)
    daily = {row["day"]: row["daily"] for row in rows}
    for row in rows:
        whole = row["day"] - timedelta(days=_MONTH - 1) >= frame.begins
        row["complete"] = base.complete(row["day"])
        mean = sum(daily.get(row["day"] - timedelta(days=ago), 0) for ago in range(_MONTH)) / _MONTH
        row["stickiness"] = mean / row["monthly"] if whole and row["monthly"] >= frame.smallest else None
    return [row for row in rows if row["day"] >= since]


def _sentence(rows: list[Row], base: Base, asked: Asked) -> Text | None:
    row = next((each for each in reversed(rows) if each["complete"]), None)
    if row is None:
        return None
    return Text(
        f"On {row['day']}, {row['daily']} customers were active, {row['weekly']} within 7 days and {row['monthly']} "
        f"within 28.",
        f"{row['day']} 当日活跃客户 {row['daily']} 位，7 天内 {row['weekly']} 位，28 天内 {row['monthly']} 位。",
    )


ACTIVE = Analysis(
    name="active",
    without=("by",),
    room="growth",
    title=Text("Active customers", "活跃客户"),
    question=Text("How many customers are active, and how often?", "有多少客户活跃，频率如何？"),
    how=Text(
        "Distinct customers with an event of the role on a local day, within the 7 and within the 28 days that end "
        "with it. Stickiness is the mean of the daily figures of those 28 days over the customers active in them: the "
        "share of days on which an active customer is there. It is given only where the archive holds all 28 days.",
        "在某一本地日、截至该日的 7 天内及 28 天内，有该类事件的不同客户数。黏性为这 28 天日活跃数的均值除以 28 天活跃"
        "数，即活跃客户到来的天数比例；仅当数据覆盖全部 28 天时给出。",
    ),
    parameters=Asked,
    needs=(Need("visit"),),
    members=_members,
    once=True,
    tally=_tally,
    dimensions=(Column("day", Text("Day", "日期"), "date", "dimension"),),
    measures=(
        Customers("daily", Text("That day", "当日"), where="daily"),
        Customers("weekly", Text("Within 7 days", "7 天内"), where="weekly"),
        Customers("monthly", Text("Within 28 days", "28 天内")),
    ),
    columns=(
        Column("stickiness", Text("Stickiness", "黏性"), "share", whole="monthly"),
        Column("complete", Text("Complete", "已完整"), "text", "note"),
    ),
    finish=_finish,
    sentence=_sentence,
    chart=Chart("lines", x="day", y=("daily", "weekly", "monthly")),
)
