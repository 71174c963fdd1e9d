"""What a customer will have left a year from now: margin so far, and what is expected, always apart.

Expected is the margin of an order times the orders of the next 52 weeks, each discounted by ten per cent a year, with
the chance that they have left and when they will (`models.churn.outlook`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from models.churn.outlook import Interval
from models.customer.worth import Worth

__all__ = ["CUSTOMERS", "REPEATERS", "Ahead", "Base", "ahead_of"]

CUSTOMERS, REPEATERS = 200, 50
"""In the base, below which nothing is expected of anybody."""

Why = Literal["no_score", "few_customers", "no_margin"]


@dataclass(frozen=True, slots=True)
class Base:
    """Of whom orders were learned."""

    customers: int = 0
    repeaters: int = 0  # who ordered twice or more


@dataclass(frozen=True, slots=True)
class Ahead:
    """Minor units of the plan's currency."""

    so_far: int | None  # margin; None while the plan does not say what goods cost
    expected: int | None
    low: int | None  # nine in ten lie above it,
    high: int | None  # …one in ten above that
    orders: float | None  # that are expected, discounted
    why: Why | None  # why nothing is expected


def ahead_of(ever: Worth, orders: Interval | None, base: Base) -> Ahead:
    """What is expected of a customer.

    Args:
        ever: what was sold to them.
        orders: of the next 52 weeks, discounted; None where nobody may say so, or can.
        base: of all customers.
    """
    why: Why | None = None
    if orders is None or not ever.orders:
        why = "no_score"
    elif base.customers < CUSTOMERS or base.repeaters < REPEATERS:
        why = "few_customers"
    elif ever.margin is None:
        why = "no_margin"
    if why is not None or orders is None or ever.margin is None:
        return Ahead(ever.margin, None, None, None, None, why)
    each = ever.margin / ever.orders
    low, middle, high = (round(count * each) for count in (orders.low, orders.middle, orders.high))
    return Ahead(ever.margin, middle, min(low, high), max(low, high), orders.middle, None)
