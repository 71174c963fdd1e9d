"""The life of one simulated company, day by day: who works with the product, who asks for help, who calls."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

from console.demo.b2b.billing import Billing
from console.demo.b2b.firms import Fate, Firm, Worker
from console.demo.b2b.teller import Teller
from console.demo.journal import Entry, Journal
from console.demo.people import DAY, WEEK

__all__ = ["FEATURES", "live"]

FEATURES = ("reports", "exports", "approvals", "dashboards", "search", "comments", "mobile", "api")
"""The first four are the key features of the plan."""

_A_MONDAY = 4 * DAY
_WEEKEND = 5
_PAGES = ("Home", "Projects", "Reports", "Settings")


def live(firm: Firm, journal: Journal, random: Random) -> Iterator[Entry]:
    """All events of a company from its first day on, in order of time, until it has left."""
    life = _Life(firm, journal, random)
    day = firm.begins // DAY * DAY
    while day < life.over + 60 * DAY:
        yield from journal.until(day)
        life.spend(day)
        day += DAY
    yield from journal.until(math.inf)


class _Life:
    def __init__(self, firm: Firm, journal: Journal, random: Random) -> None:
        self._firm, self._random = firm, random
        self._teller = Teller(firm, journal)
        self._billing = Billing(firm, self._teller, random)
        self._tickets = 0
        self._trouble = firm.turn if firm.fate is Fate.TROUBLED else math.inf
        self._billing.begin()
        self._teller.of(firm.begins + 30, "server", firm.buyer, "Workspace Created", {"name": firm.name})

    @property
    def over(self) -> float:
        return self._billing.over

    def spend(self, day: float) -> None:
        """One day, given by its first second."""
        self._people(day)
        self._billing.spend(day)
        if day >= self.over:
            return
        keen = self._firm.keen(day)
        if (day - _A_MONDAY) // DAY % 7 < _WEEKEND:
            for worker in self._here(day):
                if self._random.random() < worker.sessions * keen:
                    self._work(worker, day + worker.hour * 3600 + self._random.gauss(0, 3600))
            self._support(day)
        self._relations(day, keen)

    def _here(self, day: float) -> list[Worker]:
        return [worker for worker in self._firm.workers if worker.joins < day < worker.leaves]

    def _people(self, day: float) -> None:
        """Who comes, and who goes; of an admin who goes, somebody else takes over later."""
        firm = self._firm
        for worker in firm.workers:
            if day <= worker.joins < day + DAY and day < self.over:
                if worker is not firm.buyer:
                    self._teller.of(worker.joins - 3600, "server", firm.buyer, "Member Invited", {"role": worker.role})
                self._teller.member(worker.joins, worker)
            if day <= worker.leaves < day + DAY:
                self._teller.of(worker.leaves, "server", worker, "Member Left", {"role": worker.role})
        if day <= firm.buyer.leaves + 3 * WEEK < day + DAY and len(firm.workers) > 1:
            heir = firm.workers[1]
            heir.role = "admin"
            firm.workers = [heir, *(worker for worker in firm.workers if worker is not heir)]

    def _work(self, worker: Worker, time: float) -> None:
        """A session in the product."""
        random = self._random
        if not worker.known:
            worker.known = True
            self._teller.in_product(time - 2, worker, "identify")
        self._teller.in_product(time, worker, "track", "Signed In", method="sso")
        time += random.uniform(2, 20)
        self._teller.in_product(time, worker, "page", random.choice(_PAGES), path="/app")
        for _ in range(random.choice((1, 1, 2, 3))):
            time += random.uniform(20, 600)
            feature = random.choice(FEATURES[:4] if random.random() < 0.6 else FEATURES[4:])
            if self._firm.fate is Fate.STUCK:
                feature = "search"
            self._teller.in_product(
                time, worker, "track", "Feature Used", feature=feature, quantity=random.randrange(1, 20)
            )

    def _support(self, day: float) -> None:
        firm, random = self._firm, self._random
        here = self._here(day)
        if not here:
            return
        moment = day + random.uniform(8, 17) * 3600
        if self._trouble <= day < self._trouble + 3 * WEEK and random.random() < 0.35:
            self._ticket(random.choice(here), moment, "urgent", solved_after=random.uniform(3, 9) * DAY, reopened=True)
        elif random.random() < 0.004 * len(firm.workers):
            self._ticket(random.choice(here), moment, "normal", solved_after=random.uniform(0.1, 2) * DAY)
        if random.random() < 0.001 * len(here):
            self._teller.of(moment, "helpdesk", random.choice(here), "Feature Requested", {"type": "missing"})

    def _ticket(
        self, worker: Worker, time: float, priority: str, *, solved_after: float, reopened: bool = False
    ) -> None:
        self._tickets += 1
        ticket: dict[str, Any] = {
            "ticket_id": f"t-{self._firm.number}-{self._tickets}", "company_id": self._firm.key, "priority": priority,
            "type": "bug" if reopened else "question", "channel": "email", "topic": "exports" if reopened else "how to",
        }  # fmt: skip
        self._teller.of(time, "helpdesk", worker, "Ticket Opened", ticket)
        if reopened:
            report = {"ticket_id": ticket["ticket_id"], "type": "bug", "feature": "exports"}
            self._teller.of(time + 600, "helpdesk", worker, "Bug Reported", report)
            self._teller.of(time + solved_after / 2, "helpdesk", worker, "Ticket Solved", ticket)
            self._teller.of(time + solved_after * 0.7, "helpdesk", worker, "Ticket Reopened", ticket)
        self._teller.of(time + solved_after, "helpdesk", worker, "Ticket Solved", ticket)
        if self._random.random() < 0.5:
            score = self._random.choice((1, 2, 2) if reopened else (3, 4, 4, 5, 5))
            answer = {"score": score, "ticket_id": ticket["ticket_id"]}
            self._teller.of(time + solved_after + 7200, "helpdesk", worker, "CSAT Answered", answer)

    def _relations(self, day: float, keen: float) -> None:
        """Calls every other month with those who have a manager who cares, surveys every quarter, mails."""
        firm, random = self._firm, self._random
        turn, buyer, moment = int(day // DAY) + 13 * firm.number, firm.buyer, day + 14 * 3600
        if turn % 60 == 0 and firm.number % 4:
            call = {"company_id": firm.key, "department": "Customer success", "channel": "video", "topic": "check-in"}
            self._teller.of(moment, "crm", buyer, "Call Held", call)
        if turn % 180 == 90 and firm.number % 3 == 0:
            review = {"company_id": firm.key, "department": "Customer success", "channel": "visit"}
            self._teller.of(moment, "crm", buyer, "Business Review Held", review)
        if turn % 28 == 0:
            mail = {"email_id": f"mail-{turn}", "campaign": "what is new"}
            for worker in self._here(day):
                self._teller.of(moment, "crm", worker, "Email Sent", mail)
                if random.random() < 0.4 * keen:
                    self._teller.of(moment + random.uniform(600, 40_000), "crm", worker, "Email Clicked", mail)
        if turn % 90 == 30:
            for worker in self._here(day):
                if random.random() < 0.35:
                    content = keen > 0.7 and not self._trouble <= day
                    score = random.choice((7, 8, 9, 9, 10)) if content else random.randrange(1, 8)
                    self._teller.of(moment, "helpdesk", worker, "NPS Answered", {"score": score, "role": worker.role})
