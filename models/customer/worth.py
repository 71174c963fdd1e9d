"""What a customer is worth, and what they leave: revenue, net and margin, ever and lately; profit with its parts.

Refunds count on their own day, so a year's net may be below zero. Money is minor units of the plan's currency; what is
in a currency without a rate is in no sum, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from models.customer.config import OTHER, CostsSpec
from models.customer.dealings import Dealings
from models.durations import DAY
from profiles.ledger.counting import Occurrence
from profiles.money import exponent
from profiles.types import Profile

__all__ = ["YEAR", "Cost", "Profit", "Value", "Worth", "profit_of", "value_of"]

YEAR = 365 * DAY
"""Seconds of "twelve months"."""


@dataclass(frozen=True, slots=True)
class Worth:
    """What was sold to somebody in a time."""

    orders: int
    revenue: int
    net: int  # after refunds
    margin: int | None  # net less the cost of goods; None where that is not known
    average: int | None  # revenue of an order; None without one
    left_out: int  # orders in currencies without a rate, in `orders` only


@dataclass(frozen=True, slots=True)
class Value:
    """What a customer is worth."""

    year: Worth | None  # of the last 365 days; None: some orders of it are no longer kept one by one
    ever: Worth


@dataclass(frozen=True, slots=True)
class Cost:
    """One part of what a customer costs."""

    name: str  # goods, shipping, fees, tickets, contacts, refunds
    amount: int | None  # None where the plan does not say what one costs
    count: int | None = None  # of what; None of shares of the revenue


@dataclass(frozen=True, slots=True)
class Profit:
    """What a customer has left, ever."""

    profit: int | None  # None while the cost of goods is not known
    net: int
    costs: list[Cost]
    unknown: list[str]  # parts that are in no sum, as nobody says what they cost


def value_of(profile: Profile, dealings: Dealings, now: float, currency: str, costs: CostsSpec) -> Value:
    """What a customer is worth.

    Args:
        profile: as stored.
        dealings: of it.
        now: seconds.
        currency: of the plan.
        costs: of goods, by the plan.
    """
    lately = dealings.after(now - YEAR)
    year = None
    if lately is not None:
        revenue, back = _worth(lately.orders), _worth(lately.refunds)
        year = _summed(len(lately.orders), revenue, back, _goods(lately.orders, costs), _left_out(lately.orders))
    bought = profile.purchases
    ever = _summed(
        bought.orders,
        bought.revenue_in(currency),
        bought.refunds_in(currency),
        _all_goods(profile, dealings, currency, costs),
        _left_out(dealings.orders),
    )
    return Value(year, ever)


def profit_of(
    profile: Profile, dealings: Dealings, currency: str, costs: CostsSpec, contacts: Mapping[str, int] | None = None
) -> Profit:
    """What a customer has left since the first event, with what each part has cost.

    Args:
        profile: as stored.
        dealings: of it.
        currency: of the plan.
        costs: of everything, by the plan.
        contacts: how many were made by each channel; None: only how many in all.
    """
    bought = profile.purchases
    counts = {role: tally.count for role, tally in profile.roles.items()}
    unit = 10 ** exponent(currency)
    revenue = bought.revenue_in(currency)
    made = counts.get("contact_made", 0)
    lines = [
        Cost("goods", _all_goods(profile, dealings, currency, costs)),
        Cost("shipping", _times(bought.orders, costs.shipping, unit), bought.orders),
        Cost("fees", None if costs.fee is None else round(revenue * costs.fee)),
        Cost("tickets", _times(opened := counts.get("ticket_opened", 0), costs.ticket, unit), opened),
        Cost("contacts", _contacts(made, contacts, costs.contact, unit), made),
        Cost("refunds", _times(bought.refund_count, costs.refund, unit), bought.refund_count),
    ]
    net = revenue - bought.refunds_in(currency)
    goods = lines[0].amount
    known = sum(line.amount for line in lines if line.amount is not None)
    unknown = [line.name for line in lines if line.amount is None]
    return Profit(None if goods is None else net - known, net, lines, unknown)


def _times(count: int, cost: float | None, unit: int) -> int | None:
    """What so many cost; of none nothing, whatever one would."""
    if not count:
        return 0
    return None if cost is None else round(count * cost * unit)


def _contacts(made: int, by_channel: Mapping[str, int] | None, costs: Mapping[str, float], unit: int) -> int | None:
    if not made:
        return 0
    if by_channel is None:
        return _times(made, costs.get(OTHER), unit) if costs.keys() <= {OTHER} else None
    told = dict(by_channel)
    told[OTHER] = told.get(OTHER, 0) + made - sum(told.values())
    total = 0.0
    for channel, count in told.items():
        cost = costs.get(channel, costs.get(OTHER))
        if count and cost is None:
            return None
        total += count * (cost or 0.0)
    return round(total * unit)


def _summed(orders: int, revenue: int, back: int, goods: int | None, left_out: int) -> Worth:
    net = revenue - back
    counted = orders - left_out
    average = round(revenue / counted) if counted > 0 else None
    return Worth(orders, revenue, net, None if goods is None else net - goods, average, left_out)


def _worth(occurrences: Iterable[Occurrence]) -> int:
    return sum(each.worth for each in occurrences)


def _left_out(orders: Iterable[Occurrence]) -> int:
    return sum(each.converted and not each.worth and each.amount != 0 for each in orders)


def _goods(orders: Iterable[Occurrence], costs: CostsSpec) -> int | None:
    """What goods of these orders have cost, by the margins that the plan says. What comes back gives back nothing."""
    total = 0.0
    for order in orders:
        margin = costs.margins.get(order.category, costs.margin)
        if margin is None:
            if order.worth:
                return None
            continue
        total += order.worth * (1.0 - margin)
    return round(total)


def _all_goods(profile: Profile, dealings: Dealings, currency: str, costs: CostsSpec) -> int | None:
    """The same of all orders ever; of those that are no longer kept one by one by the plan's margin of all."""
    kept = _goods(dealings.orders, costs)
    settled = profile.purchases.revenue_in(currency) - _worth(dealings.orders)
    if kept is None or not settled:
        return kept
    return None if costs.margin is None else kept + round(settled * (1.0 - costs.margin))
