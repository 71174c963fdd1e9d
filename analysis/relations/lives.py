"""When somebody was a customer: from a sign of life until the churn horizon passed without another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["horizon_days", "lives", "signs"]

_DAY = 86400


def horizon_days(base: Base) -> int:
    """The churn horizon in whole days."""
    return math.ceil(base.frame.horizon / _DAY)


def signs(base: Base) -> ir.Table:
    """Signs of life: orders, or the events whose absence is churn in this plan."""
    return base.orders if base.frame.churn == "purchase" else base.of(base.frame.churn)


def lives(base: Base) -> ir.Table:
    """One row for each stretch of time in which somebody was a customer.

    `customer`, `life` (1 is the first; later ones were won back), `begun` (the local day of its first sign),
    `begun_us`, `last` and `last_us` (of its last one), `signs` (how many), `lost` (the day by whose end the horizon had
    passed, null while it has not) and `following` (the day on which the next life begins, null if there is none). A
    sign that comes a whole horizon or longer after the one before begins another life.
    """
    horizon = int(base.frame.horizon * 1e6)
    theirs = ibis.window(group_by="customer", order_by=["us", "log_partition", "log_offset"])
    table = signs(base).select("customer", "us", "day", "log_partition", "log_offset")
    table = table.mutate(before=table.us.lag().over(theirs))
    table = table.mutate(begins=(table.before.isnull() | (table.us - table.before >= horizon)).ifelse(1, 0))
    so_far = ibis.window(
        group_by="customer", order_by=["us", "log_partition", "log_offset"], preceding=None, following=0
    )
    table = table.mutate(life=table.begins.sum().over(so_far))
    each = table.group_by("customer", "life").agg(
        begun=table.day.min(),
        begun_us=table.us.min(),
        last=table.day.max(),
        last_us=table.us.max(),
        signs=table.count(),
    )
    following = each.begun.lead().over(ibis.window(group_by="customer", order_by="life"))
    passed = each.last_us + horizon
    lost = (passed <= base.frame.now_us).ifelse(base.day_of(passed - 1), ibis.null("date"))
    return each.mutate(following=following, lost=lost)
