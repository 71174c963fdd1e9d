"""What customers brought in twelve months: by that lists of customers are ordered."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import ibis
import ibis.expr.types as ir

from analysis.base import Base
from analysis.parameters import Parameters
from analysis.relations.orders import each_once
from analysis.relations.refunds import each_refund

if TYPE_CHECKING:
    from analysis.engines.engine import Engine

__all__ = ["DAYS", "margins"]

DAYS = 365
"""Local days up to today's, which is in them."""


def margins(engine: Engine, customers: ir.Table, grain: Literal["customer", "company"] = "customer") -> ir.Table:
    """One row for each of some customers who ordered in these days: `customer`, `margin_12m`.

    What orders of the last 365 days brought, less what was ever paid back of them, less the cost of goods where it is
    known: whole minor units of the plan's currency. Filters do not hold here: it is all that the customers brought.
    """
    base = Base(engine, Parameters(internal=True, grain=grain))
    after = ibis.date(base.today - timedelta(days=DAYS))
    theirs = base.facts.semi_join(customers, "customer").filter(lambda t: t.day > after)  # refunds follow their orders
    bought = theirs.filter(theirs.role == "purchase").select(
        "customer", "id", "subject", "received_us", "log_partition", "log_offset", "amount", "cost"
    )
    refunded = theirs.filter(theirs.role == "refund").select(
        "customer", "id", "source", "us", "subject", "received_us", "log_partition", "log_offset", "amount", "refund"
    )
    back = each_refund(refunded)
    back = back.filter(back.subject != "").group_by("customer", "subject").agg(back=back.amount.fill_null(0).sum())
    orders = each_once(bought).left_join(back, ["customer", "subject"])
    margin = orders.amount.fill_null(0) - orders.cost.fill_null(0) - orders.back.fill_null(0)
    return orders.group_by("customer").agg(margin_12m=margin.sum().cast("int64"))
