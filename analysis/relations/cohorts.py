"""Customers by when they first came, and what they did so many periods later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import ibis
import ibis.expr.types as ir

from analysis.declaration import Text
from analysis.relations.lines import by_product

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["Windows", "aged", "cohorts", "dated", "fitting", "grid", "notes_of_first"]

Windows = Literal["calendar", "rolling"]
"""Periods of the calendar, or each customer's own windows from the moment of the first event."""

_DAY = 86_400_000_000  # microseconds
_ROLLING = {"day": _DAY, "week": 7 * _DAY, "month": 30 * _DAY, "quarter": 90 * _DAY}


def dated(base: Base, role: str) -> ir.Table:
    """The events of a role, orders once each, with what they brought: `revenue`, `net` and `margin`, 0 of others."""
    if role == "purchase":
        return base.orders
    nothing = ibis.literal(0).cast("int64")
    return base.doing(role).mutate(revenue=nothing, net=nothing, margin=nothing)


def fitting(base: Base, events: ir.Table) -> ir.Table:
    """Events under the filters by event; those that list several products are of each of these."""
    asked = base.given
    return base.chosen(by_product(events) if asked.product or asked.category else events)


def cohorts(base: Base, role: str) -> ir.Table:
    """One row for each customer who first came in the period: `customer`, `first`, `first_us`, `cohort`.

    Under filters by event those whose very first event fits.
    """
    events = dated(base, role)
    if base.chooses_events:
        theirs = ibis.window(group_by="customer", order_by=["us", "log_partition", "log_offset"])
        begun = events.mutate(_nth=ibis.row_number().over(theirs))
        begun = fitting(base, begun.filter(begun["_nth"] == 0))
        firsts = begun.select("customer", first="day", first_us="us").distinct()
    else:
        firsts = events.group_by("customer").agg(first=events.day.min(), first_us=events.us.min())
    since, until = base.given.period(base.frame)
    firsts = firsts.filter((firsts["first"] >= ibis.date(since)) & (firsts["first"] < ibis.date(until)))
    return firsts.mutate(cohort=base.period_of(firsts["first"]))


def notes_of_first(base: Base) -> list[Text]:
    """What filters by event are about, where there are any."""
    if not base.chooses_events:
        return []
    return [
        Text(
            "Product, category, channel and campaign are those of the first event, which makes the cohort: what "
            "customers did later counts whatever it is of.",
            "产品、类别、渠道与营销活动指形成同期群的首次事件；客户之后的行为不论属于何者均计入。",
        )
    ]


def grid(base: Base, members: ir.Table, ages: int, windows: Windows = "calendar") -> ir.Table:
    """Each customer of cohorts at each `age` from 0: that the calendar has reached, or whose windows have ended."""
    each = members.cross_join(ibis.range(0, ages + 1).unnest().name("age").as_table())
    if windows == "rolling":
        return each.filter(each.first_us + (each.age + 1) * _ROLLING[base.given.interval] <= base.frame.now_us)
    interval = base.given.interval
    now = ibis.date(base.frame.start_of(base.today, interval))
    return each.filter(base.periods_between(each.cohort, now, interval) >= each.age)


def aged(base: Base, members: ir.Table, events: ir.Table, windows: Windows = "calendar") -> ir.Table:
    """Events of customers of cohorts, with the `age` at which they happened."""
    joined = events.inner_join(members.select("customer", "cohort", "first_us"), "customer")
    interval = base.given.interval
    if windows == "rolling":
        age = ((joined.us - joined.first_us) / _ROLLING[interval]).floor().cast("int64")
    else:
        age = base.periods_between(joined.cohort, base.period_of(joined.day), interval)
    return joined.mutate(age=age)
