"""The life of one simulated customer, day by day: visits, orders, subscription, trouble."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random

from console.demo.aftermath import Aftermath
from console.demo.journal import Entry, Journal
from console.demo.people import DAY, WEEK, Kind, Person
from console.demo.visits import Visits

__all__ = ["live"]

TROUBLE_AFTER = (5.0, 16.0)
"""Weeks after which an order of a troubled customer goes wrong."""

RENEWS = 0.35
"""How keen a subscriber must be to go on for another month."""


def live(person: Person, journal: Journal, random: Random) -> Iterator[Entry]:
    """All events of a customer from their first visit on, in order of time, without end."""
    life = _Life(person, journal, random)
    day = person.joined // DAY * DAY
    while True:
        yield from journal.until(day)
        life.spend(day)
        day += DAY


class _Life:
    def __init__(self, person: Person, journal: Journal, random: Random) -> None:
        self._person = person
        self._random = random
        self._visits = Visits(person, journal, random)
        self._aftermath = Aftermath(person, journal, random)
        self._orders = 0
        self._next_order = person.joined + (0.0 if random.random() < 0.5 else random.expovariate(1 / person.gap))
        self._trouble_at = person.joined + random.uniform(*TROUBLE_AFTER) * WEEK
        self._next_payment = person.joined + random.uniform(2, 6) * WEEK if person.subscriber else math.inf
        self._subscribed = False

    def spend(self, day: float) -> None:
        """One day, given by its first second."""
        person, random = self._person, self._random
        moment = max(person.joined, day, day + person.hour * 3600 + random.gauss(0, 5400))
        keen = person.keen(moment)
        if self._next_order < day and keen == 1:  # a returner is back, and orders soon
            self._next_order = day + random.uniform(0, 5) * DAY
        if person.kind is not Kind.VISITOR and keen and self._next_order < day + DAY:
            self._order(moment, keen)
        elif day <= person.joined or random.random() < person.visits * keen:
            self._visits.look_around(moment, first=day <= person.joined)
        if self._orders:
            if self._next_payment < day + DAY:
                self._pay(moment + 1800, keen)
            self._hear_from_us(day, moment, keen)

    def _order(self, moment: float, keen: float) -> None:
        person, random = self._person, self._random
        self._orders += 1
        ordered = self._visits.order(moment, first=self._orders == 1)
        self._next_order = ordered + person.gap * random.gammavariate(3, 1 / 3) / max(keen, 0.05)
        if person.kind is Kind.TROUBLED and ordered > self._trouble_at:
            self._trouble_at = math.inf
            if not self._aftermath.disaster(ordered, self._visits.last_order):
                person.turn = ordered + 3 * DAY
        else:
            self._aftermath.follow(ordered, self._visits.last_order)
        if person.kind is Kind.ONCE:
            self._next_order = math.inf
            person.turn, person.fade = ordered, WEEK / 2

    def _pay(self, time: float, keen: float) -> None:
        if self._subscribed and keen < RENEWS:
            self._aftermath.cancel(time)
            self._next_payment = math.inf
            return
        if self._subscribed:
            self._aftermath.renew(time)
        else:
            self._aftermath.subscribe(time)
        self._subscribed = True
        self._next_payment = time + 30 * DAY

    def _hear_from_us(self, day: float, moment: float, keen: float) -> None:
        turn = int(day // DAY) + self._person.number
        if self._person.consents and turn % 7 == 0:
            self._aftermath.newsletter(day + 9 * 3600 + self._random.uniform(0, 3600), keen)
        if turn % 60 == 0:
            self._aftermath.ask_to_recommend(moment + 7200, keen)
