"""How one occurrence counts: in the tally of its role, and in the sums of orders and refunds."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from profiles.types import HALF_LIVES, ORDER_HALF_LIVES, SPEND_HALF_LIVES, Number, Purchases, Tally

if TYPE_CHECKING:
    from profiles.state import Limits

__all__ = [
    "Occurrence", "count_order", "count_parts", "count_refund", "count_role", "decay_in", "latest_orders",
    "most_frequent",
]  # fmt: skip


class Occurrence(NamedTuple):
    """An order, a refund, a payment, a start or an end of a subscription, as it counts."""

    role: str
    time: float
    amount: int  # minor units
    currency: str
    worth: int  # minor units of the plan's currency
    converted: bool  # whether the worth is of an amount in another
    quantity: Number
    category: str
    parts: Sequence[str] = ()  # of its role, that the plan's conditions look at


def count_role(roles: dict[str, Tally], role: str, time: float, kept: int) -> None:
    """Count something at a time.

    Args:
        roles: the tallies of a profile, changed in place.
        role: what.
        time: when.
        kept: how many of its latest times are.
    """
    tally = roles.get(role)
    if tally is None:
        tally = roles[role] = Tally(1, time, time, (1.0, 1.0))
    else:
        first, second = tally.decayed
        fast, slow = HALF_LIVES
        gap = tally.last - time
        if gap <= 0:
            tally.decayed = (first * 2.0 ** (gap / fast) + 1.0, second * 2.0 ** (gap / slow) + 1.0)
            tally.last = time
        else:
            tally.decayed = (first + 2.0 ** (-gap / fast), second + 2.0 ** (-gap / slow))
            tally.first = min(tally.first, time)
        tally.count += 1
    if kept:
        insort(tally.recent, time)
        del tally.recent[:-kept]


def count_parts(narrowed: dict[str, Tally], parts: Sequence[str], time: float, limits: Limits) -> None:
    """Count something in the parts of its role that it belongs to.

    Args:
        narrowed: the tallies of parts of a profile, changed in place.
        parts: names of them.
        time: when.
        limits: which there are, and how many of their latest times are kept.
    """
    for part in parts:
        if part in limits.parts:
            count_role(narrowed, part, time, limits.windows.get(part, 0))


def count_order(bought: Purchases, order: Occurrence, recent: int, categories: int) -> None:
    """Count an order.

    Args:
        bought: changed in place.
        order: its amount counts in the revenue of its currency, its worth in what needs one unit.
        recent: how many of the latest orders are kept with their times.
        categories: how many of the most frequent are kept.
    """
    time = order.time
    if not bought.orders:
        bought.first = bought.last = time
    decay_in(bought.decayed, bought.last, time, 1.0, ORDER_HALF_LIVES)
    decay_in(bought.spend, bought.last, time, float(order.worth), SPEND_HALF_LIVES)
    if time > bought.last or bought.orders == 0:
        bought.last_amount = order.amount
    elif time == bought.last:
        bought.last_amount = max(bought.last_amount, order.amount)
    bought.orders += 1
    bought.items += order.quantity
    bought.first = min(bought.first, time)
    bought.last = max(bought.last, time)
    bought.revenue[order.currency] = bought.revenue.get(order.currency, 0) + order.amount
    if order.converted:
        bought.converted += order.worth
    bought.recent, bought.amounts = latest_orders(bought.recent, bought.amounts, [time], [order.worth], recent)
    if order.category:
        bought.mix[order.category] = bought.mix.get(order.category, 0) + 1
        if len(bought.mix) > categories:
            bought.mix = most_frequent(bought.mix, categories)


def count_refund(bought: Purchases, refund: Occurrence) -> None:
    """Count what was paid back."""
    bought.refund_count += 1
    bought.refunds[refund.currency] = bought.refunds.get(refund.currency, 0) + refund.amount
    if refund.converted:
        bought.converted_back += refund.worth


def decay_in(decayed: list[Number], last: float, time: float, amount: float, half_lives: Sequence[float]) -> None:
    """Add `amount` at `time` to decayed sums kept at `last`; afterwards they hold at max(last, time)."""
    if time >= last:
        gap = last - time
        for i, half_life in enumerate(half_lives):
            decayed[i] = decayed[i] * 2.0 ** (gap / half_life) + amount
    else:
        gap = time - last
        for i, half_life in enumerate(half_lives):
            decayed[i] += amount * 2.0 ** (gap / half_life)


def latest_orders(
    times: list[float], amounts: list[int], more: list[float], their_amounts: list[int], cap: int
) -> tuple[list[float], list[int]]:
    """The `cap` latest orders of both, ascending by (time, amount): their times and their amounts.

    Amounts that are missing, of orders that were kept without, are 0.
    """
    if len(more) == 1 and len(amounts) == len(times) <= cap and (not times or more[0] > times[-1]):
        return [*times, more[0]][-cap:], [*amounts, their_amounts[0]][-cap:]  # as nearly all orders arrive
    amounts = [0] * (len(times) - len(amounts)) + amounts
    their_amounts = [0] * (len(more) - len(their_amounts)) + their_amounts
    orders = sorted([*zip(times, amounts, strict=True), *zip(more, their_amounts, strict=True)])[-cap:]
    return [time for time, _ in orders], [amount for _, amount in orders]


def most_frequent(mix: dict[str, int], cap: int) -> dict[str, int]:
    """The `cap` categories with the most orders; of equals, the first by name."""
    return dict(sorted(mix.items(), key=lambda item: (-item[1], item[0]))[:cap])
