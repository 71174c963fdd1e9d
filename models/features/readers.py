"""What is read from the parts of a profile that few customers have: answers, tickets, subscriptions, refunds, mix.

A part is read once, whatever the number of figures that take a field of it; None of who has nothing of it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from models.durations import DAY
from profiles.state import subscriptions_of
from profiles.types import Number, Opinion, Profile, Subscription, Ticket

__all__ = [
    "begun", "drop", "is_open", "lasting", "mix", "open_since", "refunds", "subscription", "subscription_state",
    "subscriptions_of", "tickets",
]  # fmt: skip


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


def lasting(profile: Profile) -> list[Subscription]:
    """The subscriptions that were started, or renewed, and not ended since.

    An end that names none is of all, a start that names none is ended by the end of one whose own start is not known.
    """
    held = subscriptions_of(profile)
    all_ended = next((each.ended for each in held if not each.id), 0.0)
    return [each for each in held if begun(each) > max(each.ended, all_ended if each.id else _ended(each, held))]


def begun(subscription: Subscription) -> Number:
    """When it was started; of one whose start nobody told, when it was renewed last, or paused."""
    renewed = subscription.renewed
    if renewed > subscription.ended > subscription.started:
        return renewed
    return subscription.started or renewed or subscription.paused


def _ended(unnamed: Subscription, held: list[Subscription]) -> float:
    """When that was ended which an unnamed start has begun, by a name that it has got; 0 if it was not."""
    return max((each.ended for each in held if each.started in (0.0, unnamed.started)), default=0.0)


def subscription_state(profile: Profile) -> str:
    """`active` while a subscription lasts, `ended` when there were some and none does, "" without any."""
    return "active" if lasting(profile) else "ended" if any(each.ended for each in subscriptions_of(profile)) else ""


class Subscribed(NamedTuple):
    """What the subscriptions say."""

    subscribed: float  # 1 if one lasts
    cancelled: float  # 1 if there were some, and none lasts
    since: float  # when the first began of those that last; 0 if none does


def subscription(profile: Profile, currency: str) -> Subscribed | None:
    """Of who has or had one."""
    held = subscriptions_of(profile)
    if not held:
        return None
    if last := lasting(profile):
        return Subscribed(1.0, 0.0, min(map(begun, last)))
    return Subscribed(0.0, 1.0, 0.0) if any(each.ended for each in held) else None


class Refunds(NamedTuple):
    """What was paid back."""

    share: float  # of the revenue ever; 0 without any


def refunds(profile: Profile, currency: str) -> Refunds | None:
    """Of who got any."""
    bought = profile.purchases
    if not bought.refunds:
        return None
    revenue = bought.revenue_in(currency)
    return Refunds(bought.refunds_in(currency) / revenue if revenue > 0 else 0.0)


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
