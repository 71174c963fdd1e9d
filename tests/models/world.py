"""A world whose truth is known: simulated customers, why each of them leaves, and what nobody could know better.

Everyone buys at a rate of their own and lives on until a cause makes them leave:

- support: a ticket goes wrong (reopened, complaint, low CSAT), and most of those who live through it leave;
- price: prices rise for a customer; the sensitive fill carts they do not buy, ask for money back, and leave;
- interest: visits and logins dwindle for some weeks, and then there is nobody any more.

Seasonal buyers order every twenty weeks and are not gone in between. From the week `drift` on, everybody orders less.

The oracle is the best anybody could do who looks from outside: it knows every rule and each customer's own rates and
seasons, sees all events up to now, and works out by Bayes' rule how likely it is that the customer has decided to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.durations import DAY, WEEK
from profiles.types import Event

START = 1_577_836_800.0  # 2020-01-01
Cause = Literal["support", "price", "interest"]

_DECISION = {"support": 0.75, "price": 0.7}  # chance that trouble of a kind makes a customer leave
_WRONG = 0.4  # chance that a ticket goes wrong
_LATEST = 3  # weeks from the trouble to the end
_FADING = 5  # weeks in which interest dwindles
_LOST_INTEREST = 0.006  # chance a week


@dataclass
class Customer:
    """One simulated life."""

    id: str
    begins: int  # week of the first order
    rate: float  # orders a week
    visits: float  # a week
    logins: float
    tickets: float  # chance of one, a week
    sensitive: bool  # to prices
    seasonal: bool
    events: list[Event] = field(default_factory=list)
    decided: int | None = None  # the week in which it became certain that the customer will leave…
    left: int | None = None  # …the first week of nothing…
    cause: Cause | None = None  # …and why
    seasons: list[int] = field(default_factory=list)


@dataclass
class World:
    """All customers, and what is true of them."""

    customers: list[Customer]
    weeks: int
    drift: int
    slump: float  # rates of orders are multiplied by it from `drift` on
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def oracle(self, who: list[Customer], week: int, horizon: int) -> NDArray[np.float64]:
        """P(no order in the `horizon` weeks from `week` on | all events before), by who knows the rules and rates."""
        return np.array([self._risk(customer, week, horizon) for customer in who])

    def _risk(self, customer: Customer, week: int, horizon: int) -> float:
        seen = self._seen.setdefault(customer.id, _Seen(customer, self))
        leaving = list(seen.leaving(week))
        weights = np.array([0.0, *(weight for weight, _ in leaving)])  # log-odds against "has not decided to leave"
        belief = np.exp(weights - weights.max())
        risks = [self._while_staying(customer, week, horizon)]
        risks += [self._until(customer, week, min(max(left - week, 0), horizon)) for _, left in leaving]
        return float(belief @ np.array(risks) / belief.sum())

    def _while_staying(self, customer: Customer, week: int, horizon: int) -> float:
        stays = (1 - _LOST_INTEREST) * (1 - customer.tickets * _WRONG * _DECISION["support"])
        if customer.seasonal:
            coming = [season - week for season in customer.seasons if week <= season < week + horizon]
            return 1.0 - (stays ** coming[0] if coming else 0.0)
        nothing = np.exp(-customer.rate * self.slump_at(week))
        risk, here = 0.0, 1.0
        for _ in range(horizon):
            risk += here * (1 - stays)
            here *= stays * nothing
        return float(risk + here)

    def _until(self, customer: Customer, week: int, weeks: int) -> float:
        """P(no order in the next `weeks`, the last there are)."""
        if customer.seasonal:
            return float(not any(week <= season < week + weeks for season in customer.seasons))
        return float(np.exp(-customer.rate * self.slump_at(week) * weeks))

    def slump_at(self, week: int) -> float:
        """What rates of orders are multiplied by."""
        return self.slump if week >= self.drift else 1.0


class _Seen:
    """What the oracle has seen of a customer, week by week."""

    def __init__(self, customer: Customer, world: World) -> None:
        weeks = world.weeks
        self._customer = customer
        counts = {role: np.zeros(weeks) for role in ("visit", "login")}
        self._busy = np.zeros(weeks, dtype=bool)
        self._trouble: dict[int, str] = {}
        for event in customer.events:
            week = int((event.time - START) // WEEK)
            self._busy[week] = True
            if event.role in counts:
                counts[event.role][week] += 1
            elif event.role == "complaint":
                self._trouble[week] = "support"
            elif event.role == "refund":
                self._trouble[week] = "price"
        alive = np.arange(weeks)
        orders = customer.rate * np.where(alive >= world.drift, world.slump, 1.0)
        if customer.seasonal:  # a season without an order proves that the customer is gone
            orders = np.where(np.isin(alive, customer.seasons), 50.0, 0.0)
        self._silence = np.concatenate([[0.0], np.cumsum(customer.visits + customer.logins + orders)])
        rates = ((counts["visit"], customer.visits), (counts["login"], customer.logins))
        # Log-likelihood of a week at 2^-k of the usual visits and logins, against the usual: Poisson.
        self._faded = np.array(
            [
                sum(rate * (1 - 0.5**k) - count * k * np.log(2) for count, rate in rates if rate)
                for k in range(1, _FADING)
            ]
        )
        chance = np.full(weeks, _LOST_INTEREST)
        for week, cause in self._trouble.items():
            chance[week] = _DECISION[cause] if cause == "support" or customer.sensitive else 0.0
        self._chance = chance
        self._stayed = np.concatenate([[0.0], np.cumsum(np.log1p(-chance))])

    def leaving(self, week: int) -> Iterator[tuple[float, int]]:
        """Every way in which the customer may have decided by now: (log-odds against not having, week of the end)."""
        begins = self._customer.begins + 1
        active = np.flatnonzero(self._busy[:week])
        last = int(active[-1]) if len(active) else begins
        for decided in range(max(begins, last - _FADING - 1), week):
            cause = self._trouble.get(decided, "interest")
            if not self._chance[decided]:
                continue
            prior = np.log(self._chance[decided]) + self._stayed[decided] - self._stayed[week]
            ends = [decided + _FADING] if cause == "interest" else range(decided + 1, decided + _LATEST + 1)
            for left in ends:
                if left <= last:
                    continue
                fading = range(1, min(left, week) - decided) if cause == "interest" else ()
                likelihood = sum(self._faded[k - 1, decided + k] for k in fading)
                if week > left:
                    likelihood += self._silence[week] - self._silence[left]
                yield float(prior + likelihood - np.log(len(ends))), left


def build(customers: int = 700, weeks: int = 130, drift: int = 95, slump: float = 0.6, seed: int = 0) -> World:
    """The world of a seed."""
    rng = np.random.default_rng(seed)
    world = World([], weeks, drift, slump)
    for i in range(customers):
        seasonal = rng.random() < 0.1
        customer = Customer(
            id=f"{i:022d}",
            begins=int(rng.integers(0, weeks - 30)),
            rate=0.0 if seasonal else float(np.clip(rng.lognormal(np.log(1 / 5), 0.6), 0.04, 1.5)),
            visits=float(rng.uniform(1.0, 4.0)),
            logins=float(rng.choice([0.0, 2.0])),
            tickets=float(rng.choice([0.01, 0.06], p=[0.7, 0.3])),
            sensitive=rng.random() < 0.35,
            seasonal=seasonal,
        )
        _live(customer, world, rng)
        world.customers.append(customer)
    return world


def _live(customer: Customer, world: World, rng: np.random.Generator) -> None:
    tell = _Teller(customer, rng)
    rises = customer.begins + int(rng.integers(8, 70))  # when prices rise for this customer
    fading_since: int | None = None
    if customer.seasonal:
        customer.seasons = [*_seasons(customer.begins, world.weeks + 60, rng)]
    tell.order(customer.begins)
    for week in range(customer.begins + 1, world.weeks):
        if customer.left is not None and week >= customer.left:
            return
        fading = 1.0 if fading_since is None else 0.5 ** (week - fading_since)
        tell.some("visit", week, customer.visits * fading)
        tell.some("login", week, customer.logins * fading)
        if customer.seasonal:
            orders = int(week in customer.seasons)
        else:
            orders = int(rng.random() < 1 - np.exp(-customer.rate * world.slump_at(week)))
        for _ in range(orders):
            tell.order(week)
        if customer.decided is not None:
            continue
        if rng.random() < customer.tickets:
            wrong = rng.random() < _WRONG
            tell.ticket(week, wrong=wrong)
            if wrong and rng.random() < _DECISION["support"]:
                _leave(customer, "support", week, rng)
        elif week == rises and customer.sensitive:
            tell.haggle(week)
            if rng.random() < _DECISION["price"]:
                _leave(customer, "price", week, rng)
        elif rng.random() < _LOST_INTEREST:
            fading_since = week
            customer.decided, customer.left, customer.cause = week, week + _FADING, "interest"


def _leave(customer: Customer, cause: Cause, week: int, rng: np.random.Generator) -> None:
    customer.decided, customer.cause = week, cause
    customer.left = week + int(rng.integers(1, _LATEST + 1))


def _seasons(begins: int, until: int, rng: np.random.Generator) -> Iterator[int]:
    week = begins + int(rng.integers(18, 23))
    while week < until:
        yield week
        week += int(rng.integers(18, 23))


class _Teller:
    """Crossings what a customer does into events."""

    def __init__(self, customer: Customer, rng: np.random.Generator) -> None:
        self._customer = customer
        self._rng = rng

    def some(self, role: str, week: int, rate: float) -> None:
        """A Poisson number of events within a week."""
        for _ in range(int(self._rng.poisson(rate))):
            self._say(role, week + self._rng.random())

    def order(self, week: int) -> None:
        """A cart, and the order that follows."""
        at = week + 0.9 * self._rng.random()
        self._say("cart", at)
        self._say("purchase", at + 0.01, amount=int(self._rng.integers(1500, 9000)), quantity=1.0)

    def ticket(self, week: int, *, wrong: bool) -> None:
        """A ticket that is solved at once, or one that goes wrong."""
        at = week + 0.3 * self._rng.random()
        subject = f"{self._customer.id}-{week}"
        self._say("ticket_opened", at, subject=subject)
        if wrong:
            self._say("ticket_solved", at + 0.25, subject=subject)
            self._say("ticket_reopened", at + 0.35, subject=subject)
            self._say("complaint", at + 0.4)
            self._say("csat", at + 0.6, rating=float(self._rng.integers(1, 3)))
        else:
            self._say("ticket_solved", at + 0.2, subject=subject)
            self._say("csat", at + 0.3, rating=float(self._rng.integers(4, 6)))

    def haggle(self, week: int) -> None:
        """Carts that come to nothing, searches for a better offer, money back for the last order."""
        for _ in range(int(self._rng.integers(3, 6))):
            self._say("cart", week + 0.8 * self._rng.random())
            self._say("search", week + 0.8 * self._rng.random())
        self._say("refund", week + 0.85, amount=1500)

    def _say(self, role: str, week: float, **facts: object) -> None:
        time = START + week * WEEK
        customer = self._customer
        event = Event(
            customer.id, f"{customer.id}-{len(customer.events)}", "web", "track", role, role, time, time, [],
            currency="EUR", **facts,  # type: ignore[arg-type]
        )  # fmt: skip
        customer.events.append(event)


def day(time: float) -> float:
    """Days since the world began."""
    return (time - START) / DAY
