"""Orders: one row each, whoever reported them how often."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    from analysis.base import Base

__all__ = ["each_once", "orders"]


_ORDER = (
    "customer", "id", "source", "us", "received_us", "day", "hour", "amount", "currency", "quantity", "subject",
    "category", "items", "product", "cost", "discount", "shipping", "channel", "device", "os", "browser", "utm_source",
    "utm_medium", "utm_campaign", "company", "log_partition", "log_offset",
)  # fmt: skip
"""What of `facts` an order has: every further column is written again in each step of every query."""


def each_once(events: ir.Table, *keys: str) -> ir.Table:
    """Of several reports of one subject the one that was received last; what names no subject counts each time."""
    subject = ibis.ifelse(events.subject == "", ibis.literal("\0").concat(events.id), events.subject)
    keyed = events.mutate(_subject=subject)
    newest = ibis.window(
        group_by=["customer", "_subject", *keys],
        order_by=[ibis.desc("received_us"), ibis.desc("log_partition"), ibis.desc("log_offset")],
    )
    return keyed.mutate(_rank=ibis.row_number().over(newest)).filter(lambda t: t._rank == 0).drop("_rank", "_subject")


def orders(base: Base) -> ir.Table:
    """One row an order, with most columns of `facts`, and of whole minor units of the plan's currency:

    `revenue` as sold, `refunded` of it at any time (the cohort view), `net` of both, `margin` (net less cost where it
    is known), `kept` (false if all of it was paid back), `number` (the customer's 1st, 2nd, …) and `first_day`.
    """
    once = each_once(base.of("purchase").select(*_ORDER))
    back = (
        base.refunds.filter(lambda t: t.subject != "")
        .group_by("customer", "subject")
        .agg(refunded=lambda t: t.refunded.sum())
    )
    joined = once.left_join(back, ["customer", "subject"])
    table = joined.select(*[once[name] for name in once.columns], refunded=back.refunded.fill_null(0)).mutate(
        revenue=lambda t: t.amount.fill_null(0)
    )
    table = table.mutate(
        net=lambda t: t.revenue - t.refunded,
        kept=lambda t: (t.refunded < t.revenue) | (t.revenue <= 0),
    ).mutate(margin=lambda t: t.net - t.cost.fill_null(0))
    theirs = ibis.window(group_by="customer", order_by=["us", "log_partition", "log_offset"])
    return table.mutate(
        number=ibis.row_number().over(theirs) + 1,
        first_day=table.day.first().over(theirs),
    )
