"""What is read from the parts of a profile that few customers have: answers, tickets, subscriptions, refunds, mix.

A part is read once, whatever the number of figures that take a field of it; None of who has nothing of it.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from models.durations import DAY
from models.features.kinds import part_of
from profiles.state import subscriptions_of
from profiles.types import Number, Opinion, Profile, Subscription, Ticket

__all__ = [
    "USED", "begun", "discounts", "drop", "is_open", "lasting", "lasting_of", "mix", "open_since", "price_change",
    "refunds", "subscription", "subscription_state", "subscriptions_of", "tickets", "used",
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
    reopened: float  # which share of them was
    latest: float  # days from opening to solving of the one solved latest; 0 if none was…
    solved: float  # …and when


def tickets(profile: Profile, currency: str) -> Tickets | None:
    """Of who opened any."""
    if not profile.tickets:
        return None
    oldest, took, waiting, latest = math.inf, [], 0.0, (0.0, 0.0)
    for ticket in profile.tickets:
        if is_open(ticket):
            waiting += 1.0
            oldest = min(oldest, open_since(ticket))
        elif ticket.solved >= ticket.opened > 0:
            took.append(ticket.solved - ticket.opened)
            latest = max(latest, (ticket.solved, ticket.solved - ticket.opened))
    resolution = sum(took) / len(took) / DAY if took else 0.0
    reopened = sum(ticket.reopened > 0 for ticket in profile.tickets) / len(profile.tickets)
    return Tickets(waiting, oldest if oldest < math.inf else 0.0, resolution, reopened, latest[1] / DAY, latest[0])


def lasting(profile: Profile) -> list[Subscription]:
    """The subscriptions that were started, or renewed, and not ended since.

    An end that names none is of all, a start that names none is ended by the end of one whose own start is not known.
    """
    return lasting_of(subscriptions_of(profile))


def lasting_of(held: list[Subscription]) -> list[Subscription]:
    """Those of some subscriptions that last."""
    all_ended = next((each.ended for each in held if not each.id), 0.0)
    return [each for each in held if begun(each) > max(each.ended, all_ended if each.id else _ended(each, held))]


def begun(subscription: Subscription) -> Number:
    """When it was started; of one whose start nobody told, when it was renewed last, paused, or changed."""
    renewed = subscription.renewed
    if renewed > subscription.ended > subscription.started:
        return renewed
    changed = 0 if subscription.ended else subscription.changed  # some systems tell a change of what has ended
    return subscription.started or renewed or subscription.paused or changed


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
    paused: float  # 1 if one of those rests
    dearer: float  # by which share the latest price is above the one before, of those that last; the largest…
    dearer_since: float  # …and from when on; 0 if no price has changed


def subscription(profile: Profile, currency: str) -> Subscribed | None:
    """Of who has or had one."""
    held = subscriptions_of(profile)
    if not held:
        return None
    if last := lasting(profile):
        rests = any(each.paused > max(each.started, each.renewed) for each in last)
        return Subscribed(1.0, 0.0, min(map(begun, last)), float(rests), *max(map(price_change, last)))
    return Subscribed(0.0, 1.0, 0.0, 0.0, 0.0, 0.0) if any(each.ended for each in held) else None


def price_change(subscription: Subscription) -> tuple[float, float]:
    """By which share the latest price is above the one before it, and since when; zeros where none is known.

    Of what is paid: a trial or a month for nothing is no price.
    """
    paid = [(second, price) for second, price in subscription.prices if price > 0]
    for (_, before), (since, price) in reversed(list(pairwise(paid))):
        if price != before:
            return price / before - 1.0, float(since)
    return 0.0, 0.0


class Discounts(NamedTuple):
    """What orders with a discount say."""

    share: float  # of the orders ever
    last: float  # when


_DISCOUNTED = part_of("purchase", "discount")


def discounts(profile: Profile, currency: str) -> Discounts | None:
    """Of who had any."""
    tally = profile.narrowed.get(_DISCOUNTED)
    return None if tally is None else Discounts(tally.count / max(profile.purchases.orders, 1), tally.last)


class Used(NamedTuple):
    """How many features of the product are used, the less each counts the longer its latest use is ago."""

    lately: float  # halving every `USED` after its latest use; as of the latest use of all
    fall: float  # 1 − that / the same, halving three times as slowly
    last: float


USED = 28 * DAY
"""Half-life of what a feature's latest use counts for, seconds."""


_FALL = 0.05  # less is only that some are used on other days than others


def used(profile: Profile, currency: str) -> Used | None:
    """Of who used any."""
    if not profile.used:
        return None
    last = max(profile.used.values())
    ages = [(last - second) / USED for second in profile.used.values()]
    lately, before = sum([0.5**age for age in ages]), sum([0.5 ** (age / 3.0) for age in ages])
    fall = 1.0 - lately / before
    return Used(lately, fall if fall > _FALL else 0.0, float(last))


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
    return Mix(len(held), sum([(n / orders) ** 2 for n in held.values()]))
