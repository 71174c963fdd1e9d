"""Who a simulated company is, who works there, and how keen it is at a time: the truth that Rapport has to find out."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

from console.demo.people import DAY, WEEK
from console.demo.shop import FIRST_NAMES, LAST_NAMES

__all__ = ["EXAMPLE", "EXAMPLE_KEY", "MONTH", "PRICES", "YEAR", "Contract", "Fate", "Firm", "Worker", "make_firm"]

MONTH, YEAR = 30 * DAY, 365 * DAY
EXAMPLE, EXAMPLE_KEY = 8, "globex-freight"
"""This company has a yearly contract that ends some weeks after the present; its admin left, and it slowly leaves."""

PRICES = {"starter": 19.0, "team": 29.0, "enterprise": 39.0}
"""Of a seat a month; by the year a fifth less."""

_FIRST = ("Acme", "Initech", "Umbra", "Northwind", "Contoso", "Fabrikam", "Hooli", "Globex", "Vandelay", "Soylent")
_SECOND = ("Logistics", "Health", "Freight", "Foods", "Media", "Energy", "Legal", "Retail")
_INDUSTRIES = ("logistics", "health", "logistics", "food", "media", "energy", "legal", "retail")
_COUNTRIES = ("NL", "DE", "BE", "US", "GB")
_OWNERS = ("Anna", "Bo", "Cem", "Dora")
_DEPARTMENTS = ("Operations", "Finance", "Sales", "IT")
_SENIORITY = ("staff", "staff", "staff", "lead", "manager")


class Fate(StrEnum):
    """What becomes of a company."""

    STEADY = "steady"  # stays
    GROWS = "grows"  # reaches its limits, and takes more seats
    FADES = "fades"  # works with it less and less, takes fewer seats, and leaves
    TROUBLED = "troubled"  # leaves after urgent tickets that come back
    DESERTED = "deserted"  # its admin leaves, and use goes with them
    STUCK = "stuck"  # never gets going
    SILENT = "silent"  # pays, and nobody logs in any more
    LATE = "late"  # stays, and pays late


_SHARES = {
    Fate.STEADY: 38, Fate.GROWS: 14, Fate.FADES: 14, Fate.TROUBLED: 10, Fate.DESERTED: 8, Fate.STUCK: 6,
    Fate.SILENT: 5, Fate.LATE: 5,
}  # fmt: skip


@dataclass(slots=True)
class Worker:
    """One of a company's people. Times are seconds since the epoch."""

    user_id: str
    first: str
    last: str
    email: str
    role: str
    department: str
    seniority: str
    language: str
    browser: str  # anonymousId
    joins: float
    leaves: float
    sessions: float  # a working day, when the company is keen
    hour: float  # of the day, the usual one
    denies: dict[str, bool]
    known: bool = False  # whether the product has seen them


@dataclass(slots=True)
class Contract:
    """What a company has signed. Money is in euros."""

    plan: str
    seats: int
    yearly: bool
    begins: float
    ends: float  # of the period that is paid
    told: bool = False  # whether its end has been told

    @property
    def period(self) -> float:
        """What a renewal pays for, seconds."""
        return YEAR if self.yearly else MONTH

    @property
    def mrr(self) -> float:
        """What it brings a month."""
        return round(self.seats * PRICES[self.plan] * (0.8 if self.yearly else 1.0), 2)


@dataclass(slots=True)
class Firm:
    """A company. Times are seconds since the epoch, `fade` is seconds."""

    number: int
    key: str
    name: str
    fate: Fate
    begins: float  # when it is seen for the first time
    turn: float  # when the keenness begins to go
    fade: float  # in which it halves from then on
    contract: Contract
    traits: dict[str, object]
    workers: list[Worker] = field(default_factory=list)

    @property
    def buyer(self) -> Worker:
        """Who holds the contract: the first, or who follows."""
        return self.workers[0]

    def keen(self, time: float) -> float:
        """From 0, gone, to 1."""
        if self.fate is Fate.STUCK:
            return 0.12
        if time < self.turn:
            return 1.0
        left = 0.5 ** ((time - self.turn) / self.fade)
        return left if left > 0.05 else 0.0


def make_firm(number: int, start: float, random: Random) -> Firm:
    """The company with a number; the same for the same start and state of `random`."""
    fates = list(_SHARES)
    fate = random.choices(fates, [_SHARES[each] for each in fates])[0]
    yearly, size = random.random() < 0.4, max(2, round(random.lognormvariate(1.5, 0.7)))
    late = random.random() < 0.35  # becomes a customer while the demo goes on
    begins = start + (random.uniform(2, 20) * WEEK if late else random.uniform(0, 2) * DAY)
    random.randrange(len(_SECOND))  # was the second name; drawn still, so that a seed gives the lives it gave
    decade, place = divmod(number - 1, len(_FIRST))
    # No two of eighty are called alike: people tell them apart by their names.
    first, second = _FIRST[place], (3 * place + 5 * decade + 5) % len(_SECOND)
    if number == EXAMPLE:
        fate, yearly, size, begins, late = Fate.DESERTED, True, 9, start + DAY / 2, False
    name = f"{first} {_SECOND[second]}"
    key = name.lower().replace(" ", "-") + ("" if number <= len(_FIRST) else f"-{number}")
    turn = begins + random.uniform(6, 16) * WEEK if fate not in {Fate.STEADY, Fate.GROWS, Fate.LATE} else math.inf
    contract = _contract(begins, yearly, size, late, random)
    if number == EXAMPLE:
        turn, contract.ends = start + 17 * WEEK, start + 32 * WEEK
    fade = (random.uniform(1, 3) if number != EXAMPLE else 4.0) * WEEK
    firm = Firm(number, key, name, fate, begins, turn, fade, contract, {})
    firm.workers = [_worker(firm, place, random) for place in range(size)]
    if fate is Fate.DESERTED:
        firm.buyer.leaves = turn
    firm.traits = {
        "name": name, "industry": _INDUSTRIES[second], "employees": size * random.randint(2, 30),
        "country": random.choice(_COUNTRIES), "tier": contract.plan, "owner": random.choice(_OWNERS),
        "auto_renew": random.random() < 0.7,
    }  # fmt: skip
    return firm


def _contract(begins: float, yearly: bool, size: int, late: bool, random: Random) -> Contract:
    """One that is new, or in the middle of what is paid."""
    plan = "enterprise" if size > 12 else "team" if size > 4 else "starter"
    period = YEAR if yearly else MONTH
    left = 1.0 if late else random.uniform(0.1, 1.0)
    return Contract(plan, size + random.randrange(3), yearly, begins, begins + left * period)


def _worker(firm: Firm, place: int, random: Random) -> Worker:
    first, last = random.choice(FIRST_NAMES), random.choice(LAST_NAMES)
    joins = firm.begins + (0.0 if place == 0 else min(random.expovariate(1 / (4 * DAY)), 3 * WEEK))
    if place > 3 and random.random() < 0.2:
        joins += random.uniform(3, 12) * WEEK
    asked = {"profiling_consent": random.random() < 0.04, "outreach_consent": random.random() < 0.06}
    return Worker(
        user_id=f"{firm.key}.{place + 1}",
        first=first,
        last=last,
        email=f"{first}.{last}.{place + 1}@{firm.key}.example".lower(),
        role="admin" if place == 0 else random.choice(("billing", "member", "member", "member", "viewer")),
        department=random.choice(_DEPARTMENTS),
        seniority="director" if place == 0 else random.choice(_SENIORITY),
        language=random.choice(("nl", "de", "en", "en")),
        browser=str(uuid.UUID(int=random.getrandbits(128), version=4)),
        joins=joins,
        leaves=math.inf,
        sessions=0.9 if place == 0 else random.uniform(0.1, 0.7),
        hour=random.uniform(7, 16),
        denies={} if firm.number == EXAMPLE else {trait: False for trait, denied in asked.items() if denied},
    )
