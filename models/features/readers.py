"""What is read from the parts of a profile that few customers have: answers, tickets, subscriptions, refunds, mix.

A part is read once, whatever the number of figures that take a field of it; None of who has nothing of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from models.durations import DAY
from profiles.types import Opinion, Profile, Ticket

__all__ = ["drop", "is_open", "mix", "open_since", "refunds", "subscription", "tickets"]


def is_open(ticket: Ticket) -> bool:
    """Whether a ticket was opened or reopened and not solved since."""
    return ticket.opened > ticket.solved or ticket.reopened > ticket.solved


def open_since(ticket: Ticket) -> float:
    """The time since which an open ticket has been open."""
    return min(time for time in (ticket.opened, ticket.reopened) if time > ticket.solved)


def drop(opinion: Opinion) -> float:
    """How far the last answer is below the mean."""
    return opinion.total / opinion.count - opinion.last


class Tickets(NamedTuple):
    """What the latest tickets say."""

    open: float  # how many are
    oldest: float  # since when the oldest open one is; 0 if none is
    resolution: float  # days from opening to solving on average; 0 if none was solved


def tickets(profile: Profile, currency: str) -> Tickets | None:
    """Of who opened any."""
    if not profile.tickets:
        return None
    oldest, took, waiting = math.inf, [], 0.0
    for ticket in profile.tickets:
        if is_open(ticket):
            waiting += 1.0
            oldest = min(oldest, open_since(ticket))
        elif ticket.solved >= ticket.opened > 0:
            took.append(ticket.solved - ticket.opened)
    resolution = sum(took) / len(took) / DAY if took else 0.0
    return Tickets(waiting, oldest if oldest < math.inf else 0.0, resolution)


class Subscription(NamedTuple):
    """What the last subscription event says."""

    subscribed: float  # 1 if it was a start
    cancelled: float  # 1 if it was a cancellation
    since: float  # when the subscription began that lasts; 0 if none does


def subscription(profile: Profile, currency: str) -> Subscription | None:
    """Of who has or had one."""
    roles = profile.roles
    if "subscription_start" not in roles and "subscription_cancel" not in roles:
        return None
    begin, cancel = roles.get("subscription_start"), roles.get("subscription_cancel")
    begun = begin.last if begin is not None else 0.0
    lasts = begun > (cancel.last if cancel is not None else 0.0)
    return Subscription(1.0, 0.0, begun) if lasts else Subscription(0.0, 1.0, 0.0)


class Refunds(NamedTuple):
    """What was paid back."""

    share: float  # of the revenue ever; 0 without any


def refunds(profile: Profile, currency: str) -> Refunds | None:
    """Of who got any."""
    bought = profile.purchases
    if not bought.refunds:
        return None
    revenue = bought.revenue.get(currency, 0)
    return Refunds(bought.refunds.get(currency, 0) / revenue if revenue > 0 else 0.0)


class Mix(NamedTuple):
    """The categories of what was bought."""

    categories: float
    concentration: float  # 1 for a single one, less the more evenly they are bought


def mix(profile: Profile, currency: str) -> Mix | None:
    """Of whose orders any category is known."""
    held = profile.purchases.mix
    if not held:
        return None
    orders = sum(held.values())
    return Mix(len(held), sum((n / orders) ** 2 for n in held.values()))
