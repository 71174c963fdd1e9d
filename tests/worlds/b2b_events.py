"""What happens in the simulated companies as events: people in the product, billing, the help desk and the CRM.

Every event names its company in `context.groupId`, and group calls say who belongs where. What billing, help desk and
CRM tell is about the company's buyer, who is the first of its people.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from random import Random
from typing import Any

import numpy as np

from models.durations import DAY, WEEK
from tests.worlds.b2b import MONTH, YEAR, Companies
from tests.worlds.lives import HERE, WRONG_SIGNS

__all__ = ["KEY_FEATURES", "START", "company_events", "contracts", "events", "invoices"]

START = 1_577_836_800.0
"""2020-01-01: the first week begins."""

KEY_FEATURES = ("reports", "exports", "approvals", "dashboards")
_FEATURES = (*KEY_FEATURES, "search", "comments", "mobile", "api")
_INDUSTRIES = ("retail", "health", "finance", "logistics", "education")
_OWNERS = ("anna", "bo", "cem", "dora")

Moment = tuple[float, dict[str, Any]]


def events(world: Companies) -> Iterator[dict[str, Any]]:
    """All events with `source`, `messageId` and `timestamp`, by company, each company's in order of time."""
    for company in range(len(world.begins)):
        yield from company_events(world, company)


def company_events(world: Companies, company: int) -> list[dict[str, Any]]:
    """The events of one company in order of time."""
    teller = _Teller(world, company)
    return _stamped(teller.life(), f"b2b-{world.seed}-{company}", world)


def invoices(world: Companies) -> Iterator[dict[str, Any]]:
    """The companies that pay by the month as customers of the shipped plan: an invoice a month is an order."""
    for company in np.flatnonzero(~world.yearly).tolist():
        yield from _stamped(_Teller(world, company).as_customer(), f"bills-{world.seed}-{company}", world)


def contracts(world: Companies) -> Iterator[dict[str, Any]]:
    """All companies as customers of the shipped plan: invoices are orders, and each contract is a subscription."""
    for company in range(len(world.begins)):
        teller = _Teller(world, company)
        moments = chain(teller.as_customer(), teller.subscription())
        yield from _stamped(moments, f"contracts-{world.seed}-{company}", world)


def _stamped(moments: Iterator[Moment], prefix: str, world: Companies) -> list[dict[str, Any]]:
    end = START + world.weeks * WEEK
    inside = sorted((moment for moment in moments if moment[0] < end), key=operator.itemgetter(0))
    return [
        {**event, "messageId": f"{prefix}-{count}", "timestamp": _iso(time)}
        for count, (time, event) in enumerate(inside)
    ]


class _Teller:
    """Puts the life of one company into events."""

    def __init__(self, world: Companies, company: int) -> None:
        self._world, self._company = world, company
        self._random = Random(f"{world.seed}:{company}")
        self._people = np.flatnonzero(world.members.company == company).tolist()
        self._buyer = self._people[0]
        self._group = f"company-{company}"
        self._at = START + float(world.begins_at[company])
        self._plan = "enterprise" if len(self._people) > 40 else "team" if len(self._people) > 8 else "starter"
        self._subscription = f"sub-{company}"
        left = int(world.left[company])
        self._weeks = range(int(world.begins[company]), min(left, world.weeks))
        period = YEAR if world.yearly[company] else MONTH
        periods = math.ceil((START + left * WEEK - self._at) / period) if left < HERE else 0
        self._end = self._at + periods * period  # of what is paid, if it leaves

    def life(self) -> Iterator[Moment]:
        """Everything, in no order."""
        yield from self._beginning()
        yield from self._contract()
        for person in self._people:
            yield from self._person(person)
        for week in self._weeks:
            yield from self._week(week)

    def as_customer(self) -> Iterator[Moment]:
        """The company as one customer: logins, use, tickets, an invoice a month."""
        who, features = {"userId": self._group}, _FEATURES
        yield self._at, {"source": "purchase", **_track("Signed Up", {"type": "business"}), **who}
        for number, (at, amount) in enumerate(self._invoices()):
            bill = {"order_id": f"inv-{self._company}-{number}", "revenue": amount, "currency": "EUR"}
            yield at, {"source": "purchase", **_track("Order Completed", bill), **who}
        for week in self._weeks:
            at = START + week * WEEK
            for time in self._times(at, int(self._world.members.sessions[self._people, week].sum())):
                used = {"feature": self._random.choice(features)}
                yield time, {"source": "web", **_track("Signed In", {"method": "sso"}), **who}
                yield time + 60, {"source": "web", **_track("Feature Used", used), **who}
            for time, event in self._tickets(week):
                yield time, {**event, "source": "support", **who}

    def subscription(self) -> Iterator[Moment]:
        """The contract of a company that is one customer: start, renewals with their price, cancellation."""
        world, company = self._world, self._company
        about = {"subscription_id": self._subscription, "plan": "business"}
        period = "year" if world.yearly[company] else "month"
        for number, (at, amount) in enumerate(self._invoices()):
            terms = {**about, "price": amount, "currency": "EUR", "period": period}
            terms["next_payment_at"] = _iso(at + (YEAR if world.yearly[company] else MONTH))
            name = "Subscription Renewed" if number else "Subscription Started"
            yield at - 5, {"source": "purchase", **_track(name, terms), "userId": self._group}
        if world.told[company] < world.weeks:
            reason = {"usage": "not_used", "support": "service"}.get(world.cause[company], "other")
            ended = {**about, "reason": reason, "ends_at": _iso(self._end)}
            at = START + (int(world.told[company]) + 1) * WEEK - 3600
            yield at, {"source": "purchase", **_track("Subscription Cancelled", ended), "userId": self._group}

    def _beginning(self) -> Iterator[Moment]:
        at, random = self._at, self._random
        yield at - 60, self._server(self._buyer, "Workspace Created", {"name": self._group})
        traits = {
            "name": f"Company {self._company}", "industry": random.choice(_INDUSTRIES),
            "country": random.choice(("NL", "DE", "US")), "owner": random.choice(_OWNERS),
            "employees": len(self._people) * random.randint(2, 20), "tier": self._plan,
            "contract_ends": _iso(at + (YEAR if self._world.yearly[self._company] else MONTH)), "auto_renew": True,
        }  # fmt: skip
        yield at - 30, {"source": "crm", "type": "group", "userId": self._name(self._buyer), "groupId": self._group,
                        "traits": traits}  # fmt: skip
        if self._world.begins[self._company] > 4:
            trial = {"plan": self._plan, "ends_at": _iso(at)}
            yield at - 14 * DAY, self._billing("Trial Started", trial)
            yield at, self._billing("Trial Ended", trial)
        if random.random() < 0.5:
            yield at + 3 * DAY, self._product(self._buyer, "Integration Connected", {"feature": "crm"})
        if random.random() < 0.7:
            yield at + 6 * DAY, self._server(self._buyer, "Data Imported", {"rows": 500})

    def _terms(self, week: int, begins: float) -> dict[str, Any]:
        world, company = self._world, self._company
        yearly = bool(world.yearly[company])
        return {
            "subscription_id": self._subscription, "plan": self._plan, "currency": "EUR",
            "seats": int(world.seats[company, week]), "mrr": int(world.mrr[company, week]) / 100,
            "interval": "year" if yearly else "month", "starts_at": _iso(begins),
            "ends_at": _iso(begins + (YEAR if yearly else MONTH)),
        }  # fmt: skip

    def _contract(self) -> Iterator[Moment]:
        """The subscription: start, changes, renewals, invoices, and its end."""
        world, company = self._world, self._company
        first = self._weeks.start
        yield self._at + 1, self._billing("Subscription Started", self._terms(first, self._at))
        seats = int(world.seats[company, first])
        for week in self._weeks:
            if world.seats[company, week] != seats:
                seats = int(world.seats[company, week])
                at = START + week * WEEK + 3600
                changed = self._terms(week, at)
                del changed["starts_at"], changed["ends_at"]  # what is paid ends when it did
                yield at, self._billing("Subscription Changed", changed)
        for number, (at, amount) in enumerate(self._invoices()):
            week = min(int((at - START) // WEEK), world.weeks - 1)
            if number:
                yield at, self._billing("Subscription Renewed", self._terms(week, at))
            bill = {"invoice_id": f"inv-{company}-{number}", "subscription_id": self._subscription, "amount": amount,
                    "currency": "EUR", "due_at": _iso(at + 14 * DAY)}  # fmt: skip
            yield at + 60, self._billing("Invoice Issued", bill)
            late = self._random.random() < (0.15 if world.use[company, week] >= 2 else 0.03)
            if late:
                yield at + 14 * DAY, self._billing("Invoice Overdue", bill)
            paid = at + (self._random.uniform(16, 24) if late else self._random.uniform(1, 13)) * DAY
            yield paid, self._billing("Invoice Paid", bill)
        if world.told[company] < world.weeks:
            reason = {"usage": "not_used", "support": "service"}.get(world.cause[company], "other")
            ended = {
                "subscription_id": self._subscription,
                "plan": self._plan,
                "reason": reason,
                "ends_at": _iso(self._end),
            }
            yield START + (int(world.told[company]) + 1) * WEEK - 3600, self._billing("Subscription Cancelled", ended)

    def _invoices(self) -> Iterator[tuple[float, float]]:
        """Each at the beginning of a paid period: (time, amount)."""
        world, company = self._world, self._company
        yearly, number = bool(world.yearly[company]), 0
        while True:
            at = self._at + number * (YEAR if yearly else MONTH)
            week = int((at - START) // WEEK)
            if week not in self._weeks:
                return
            yield at + 10, int(world.mrr[company, week]) * (12 if yearly else 1) / 100
            number += 1

    def _person(self, person: int) -> Iterator[Moment]:
        members, random = self._world.members, self._random
        joins, leaves = int(members.joins[person]), int(members.leaves[person])
        if joins not in self._weeks:
            return
        at = max(START + joins * WEEK, self._at) + random.uniform(60, DAY)
        role = "admin" if person == self._buyer or random.random() < 0.1 else "member"
        if person != self._buyer:
            yield at, self._product(self._buyer, "Member Invited", {"role": role})
        at += 600
        traits = {"role": role, "department": random.choice(("sales", "it", "finance"))}
        yield at, self._server(person, "Signed Up", {"method": "email"})
        yield at + 1, {**self._who(person), "source": "server", "type": "identify", "traits": traits}
        yield at + 2, {"source": "server", "type": "group", "userId": self._name(person), "groupId": self._group,
                       "traits": {}}  # fmt: skip
        yield at + 3, self._server(person, "Member Joined", {"role": role})
        for week in range(joins, min(leaves, self._weeks.stop)):
            for time in self._times(max(START + week * WEEK, at + 60), int(members.sessions[person, week])):
                yield from self._session(person, time, week)
        if leaves in self._weeks:
            yield START + leaves * WEEK - 60, self._server(person, "Member Left", {"role": role})

    def _session(self, person: int, time: float, week: int) -> Iterator[Moment]:
        random, level = self._random, int(self._world.use[self._company, week])
        yield time, self._product(person, "Signed In", {"method": "sso"})
        page = {"type": "page", "source": "product", "name": "Home", "properties": {"path": "/home"}}
        yield time + 5, {**page, **self._who(person)}
        known = _FEATURES[: max(2, len(_FEATURES) - 2 * level)]
        for step in range(random.choice((0, 1, 1, 2))):
            used = {"feature": random.choice(known), "quantity": random.randrange(1, 9)}
            yield time + 60 + 60 * step, self._product(person, "Feature Used", used)

    def _week(self, week: int) -> Iterator[Moment]:
        """Support, opinions and the account's owner."""
        world, company, random = self._world, self._company, self._random
        at = START + week * WEEK
        yield from ((time, {**event, **self._who(self._buyer)}) for time, event in self._tickets(week))
        if world.reviewed[company, week]:
            held = {"department": "customer_success", "channel": "video"}
            yield at + 2 * DAY, self._of("crm", self._buyer, "Business Review Held", held)
        if random.random() < 0.04:
            call = {"department": "customer_success", "channel": "phone"}
            yield at + 3 * DAY, self._of("crm", self._buyer, "Call Held", call)
        if random.random() < 0.03:
            unwell = int(world.use[company, week]) + int(world.support[company, week])
            rating = max(0, min(10, round(random.gauss(8.5 - 1.5 * unwell, 1.2))))
            answered = {"score": rating, "role": "admin"}
            yield at + 4 * DAY, self._of("helpdesk", self._buyer, "NPS Answered", answered)
        used = int((world.members.sessions[self._people, week] > 0).sum())
        if used >= 0.95 * world.seats[company, week] and random.random() < 0.3:
            limit = {"limit": "seats", "plan": self._plan}
            yield at + 5 * DAY, self._product(self._buyer, "Limit Reached", limit)

    def _tickets(self, week: int) -> Iterator[Moment]:
        """The week's tickets; the last one tells how support did."""
        world, random = self._world, self._random
        count, bits = int(world.tickets[self._company, week]), int(world.signs[self._company, week])
        shown = {name for bit, name in enumerate(WRONG_SIGNS) if bits >> bit & 1}
        for number in range(count):
            at = max(START + week * WEEK, self._at) + random.uniform(0, 2) * DAY
            ticket = {"ticket_id": f"t-{self._company}-{week}-{number}"}
            said = shown if number == count - 1 else set()
            priority = "urgent" if said else "normal"
            yield at, self._help("Ticket Opened", {**ticket, "priority": priority, "type": "problem"})
            solved = at + (random.uniform(9, 20) if "long" in said else 0.5) * DAY
            if "reopened" in said and "long" not in said:
                yield solved, self._help("Ticket Solved", ticket)
                solved += 3 * DAY
            if "reopened" in said:
                yield at + 1.5 * DAY, self._help("Ticket Reopened", ticket)
            yield solved, self._help("Ticket Solved", ticket)
            if "csat" in said or random.random() < 0.2:
                score = random.choice((1, 2)) if "csat" in said else random.choice((4, 5))
                yield at + 4 * DAY, self._help("CSAT Answered", {**ticket, "score": score})
            if "ces" in said:
                yield at + 4.1 * DAY, self._help("CES Answered", {**ticket, "score": random.choice((1, 2, 3))})

    def _help(self, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        return {"source": "helpdesk", **_track(name, properties)}

    def _times(self, at: float, count: int) -> list[float]:
        """So many moments of the rest of a week."""
        rest = WEEK - (at - START) % WEEK
        return sorted(at + self._random.uniform(0.01, 0.9) * rest for _ in range(count))

    def _who(self, person: int) -> dict[str, Any]:
        return {"userId": self._name(person), "context": {"groupId": self._group}}

    def _name(self, person: int) -> str:
        return f"person-{person}"

    def _of(self, source: str, person: int, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        return {"source": source, **_track(name, properties), **self._who(person)}

    def _product(self, person: int, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        return self._of("product", person, name, properties)

    def _server(self, person: int, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        return self._of("server", person, name, properties)

    def _billing(self, name: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        return self._of("billing", self._buyer, name, properties)


def _track(event: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "track", "event": event, "properties": dict(properties)}


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
