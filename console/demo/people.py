"""Who a simulated customer is, and how keen they are at a time: the truth that the churn model has to find out."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from console.demo.shop import CAMPAIGNS, CITIES, FIRST_NAMES, LAST_NAMES, PRODUCTS, Product

__all__ = ["DAY", "EXAMPLE", "WEEK", "Kind", "Person", "make_person"]

DAY = 86400.0
WEEK = 7 * DAY
ARRIVALS = 26 * WEEK
"""The time over which customers come to the shop for the first time."""

EXAMPLE = 42
"""This customer is there from the first day, subscribes, and slowly leaves: the profile to look at first."""


class Kind(StrEnum):
    """What becomes of a customer."""

    STEADY = "steady"  # stays
    FADER = "fader"  # slowly leaves
    RETURNER = "returner"  # leaves, and comes back
    TROUBLED = "troubled"  # leaves after a bad experience with support
    ONCE = "once"  # orders once
    VISITOR = "visitor"  # looks around and never says who they are


_SHARES = {Kind.STEADY: 38, Kind.FADER: 17, Kind.RETURNER: 9, Kind.TROUBLED: 12, Kind.ONCE: 12, Kind.VISITOR: 12}


@dataclass(slots=True)
class Person:
    """A customer. Times are seconds since the epoch, `gap` and `fade` are seconds."""

    number: int
    kind: Kind
    joined: float
    gap: float  # between orders, when keen
    visits: float  # a day, when keen, without order
    turn: float  # when the keenness begins to go
    fade: float  # in which it halves from then on
    back: float  # when a returner is keen again
    app: bool
    subscriber: bool
    consents: bool
    hour: float  # of the day, the usual one
    favourites: tuple[Product, ...]
    first: str
    last: str
    home: tuple[str, str, str]
    channel: str
    browser: str  # anonymousId on the web
    phone: str  # anonymousId in the app

    @property
    def user_id(self) -> str:
        """The account number."""
        return str(self.number)

    @property
    def denies(self) -> dict[str, bool]:
        """What they do not allow, as the plan's traits: one in twenty a score, one in fifteen being contacted."""
        asked = {"profiling_consent": self.number % 20 == 7, "outreach_consent": self.number % 15 == 4}
        return {trait: False for trait, denied in asked.items() if denied}

    @property
    def email(self) -> str:
        """An address in a domain that never gets mail."""
        return f"{self.first}.{self.last}.{self.number}@example.com".lower()

    def keen(self, time: float) -> float:
        """From 0, gone, to 1."""
        if time < self.turn or time >= self.back:
            return 1.0
        left = 0.5 ** ((time - self.turn) / self.fade)
        return left if left > 0.06 else 0.0


def make_person(number: int, start: float, random: Random) -> Person:
    """The customer with a number; the same for the same start and state of `random`."""
    kinds = list(_SHARES)
    kind = random.choices(kinds, [_SHARES[kind] for kind in kinds])[0]
    joined = start + (random.uniform(0, 3 * WEEK) if random.random() < 0.6 else random.uniform(0, ARRIVALS))
    subscriber = kind not in {Kind.ONCE, Kind.VISITOR} and random.random() < 0.3
    if number == EXAMPLE:
        kind, joined, subscriber = Kind.FADER, start + random.uniform(0, DAY), True
    never = float("inf")
    turn = joined + random.uniform(6, 17) * WEEK if kind in {Kind.FADER, Kind.RETURNER} else never
    return Person(
        number=number,
        kind=kind,
        joined=joined,
        gap=random.uniform(6, 16) * DAY,
        visits=random.uniform(0.08, 0.35),
        turn=turn,
        fade=random.uniform(1, 2.5) * WEEK if kind is not Kind.RETURNER else WEEK,
        back=turn + random.uniform(9, 13) * WEEK if kind is Kind.RETURNER else never,
        app=random.random() < 0.4,
        subscriber=subscriber,
        consents=random.random() < 0.7,
        hour=random.uniform(8, 21),
        favourites=tuple(random.sample(PRODUCTS, 4)),
        first=random.choice(FIRST_NAMES),
        last=random.choice(LAST_NAMES),
        home=random.choice(CITIES),
        channel=random.choice(CAMPAIGNS),
        browser=_uuid(random),
        phone=_uuid(random),
    )


def _uuid(random: Random) -> str:
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
