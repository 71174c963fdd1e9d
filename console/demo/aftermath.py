"""What follows from an order: deliveries that go wrong, tickets, surveys, newsletters, the subscription."""

from __future__ import annotations

from random import Random
from typing import Any

from console.demo.journal import Journal, iso
from console.demo.people import DAY, Person
from console.demo.shop import TROUBLES
from console.demo.visits import Order

__all__ = ["Aftermath"]

FORGIVEN = 0.2
"""Share of those who stay after a disaster."""

PRICES = {"plus": 4.9, "family": 8.9}


class Aftermath:
    """Writes into the journal of one customer what others than they start, and what comes later."""

    def __init__(self, person: Person, journal: Journal, random: Random) -> None:
        self._person = person
        self._journal = journal
        self._random = random
        self._who = {"userId": person.user_id}
        self._tickets = 0
        self._payments = 0
        self._plan = random.choice(list(PRICES))

    def follow(self, ordered: float, order: Order) -> None:
        """An order that arrives, as nearly all do."""
        random = self._random
        arrived = ordered + random.uniform(1.5, 4) * DAY
        if random.random() < 0.07:
            ticket = self._ticket(arrived, order, "question", "When does it come?", "normal")
            solved = self._solve(ticket, arrived, random.uniform(1, 20), "answered")
            self._csat(solved, ticket, random.choice((3, 4, 4, 5, 5)))
        if random.random() < 0.08:
            stars = {"product_id": order.product.id, "rating": random.choice((3, 4, 4, 5, 5))}
            self._track(arrived + 2 * DAY, "purchase", "Product Reviewed", stars)
        if random.random() < 0.04:
            self._track(arrived + DAY, "web", "Return Requested", {"order_id": order.id, "reason": "changed_mind"})
            self._refund(arrived + 5 * DAY, order, order.product.price)

    def disaster(self, ordered: float, order: Order) -> bool:
        """An order that goes wrong, and support that does not help; answers whether they stay all the same."""
        random = self._random
        kind, subject = random.choice(TROUBLES)
        time = ordered + random.uniform(1, 3) * DAY
        ticket = self._ticket(time, order, kind, subject, "high")
        time = self._solve(ticket, time, random.uniform(40, 90), "not_solved")
        time += random.uniform(2, 30) * 3600
        self._track(time, "support", "Ticket Reopened", {**ticket, "priority": "urgent"})
        said = {"ticket_id": ticket["ticket_id"], "order_id": order.id, "type": "service", "channel": "email"}
        self._track(time + 3600, "support", "Complaint Received", said)
        stays = random.random() < FORGIVEN
        time = self._solve(ticket, time, random.uniform(24, 96), "refunded" if stays else "other")
        self._csat(time, ticket, 4 if stays else random.choice((1, 1, 2)), always=True)
        if stays:
            self._refund(time + 3600, order, order.amount)
        else:
            self._track(time + DAY, "support", "Complaint Received", {**said, "channel": "phone"})
        return stays

    def newsletter(self, time: float, keen: float) -> None:
        """The weekly mail, which the keen open."""
        random = self._random
        mail = {"email_id": f"mail-{int(time // DAY)}", "campaign_name": "weekly", "department": "CRM"}
        self._track(time, "purchase", "Email Delivered", mail)
        if random.random() < 0.1 + 0.4 * keen:
            self._track(time + random.uniform(600, 40_000), "purchase", "Email Opened", mail)
            if random.random() < 0.4 * keen:
                self._track(time + 41_000, "purchase", "Email Link Clicked", mail)
        elif keen < 0.3 and random.random() < 0.1:
            self._person.consents = False
            self._track(time + 5000, "purchase", "Unsubscribed", {**mail, "list_name": "weekly"})
            self._journal.add(time + 5001, "purchase", "identify", self._who, traits={"marketing_consent": False})

    def ask_to_recommend(self, time: float, keen: float) -> None:
        """The survey every other month; the keen answer more often, and better."""
        random = self._random
        if random.random() < 0.15 + 0.35 * keen:
            score = random.choice((8, 9, 9, 10)) if random.random() < 0.2 + 0.7 * keen else random.randrange(2, 8)
            self._track(time, "support", "NPS Answered", {"score": score})

    def subscribe(self, time: float) -> None:
        """The subscription begins."""
        self._track(time, "purchase", "Subscription Started", self._subscription(time))
        self._journal.add(time + 1, "purchase", "identify", self._who, traits={"plan": self._plan})
        self._pay(time + 2)

    def renew(self, time: float) -> None:
        """Another month."""
        self._track(time, "purchase", "Subscription Renewed", self._subscription(time))
        self._pay(time + 2)

    def cancel(self, time: float) -> None:
        """They have had enough of it."""
        reason = self._random.choice(("not_used", "not_used", "price", "service"))
        ended = {"subscription_id": f"S{self._person.number}", "plan": self._plan, "reason": reason}
        self._track(time, "purchase", "Subscription Cancelled", ended)
        self._journal.add(time + 1, "purchase", "identify", self._who, traits={"plan": "none"})

    def _subscription(self, time: float) -> dict[str, Any]:
        return {
            "subscription_id": f"S{self._person.number}", "plan": self._plan, "price": PRICES[self._plan],
            "currency": "EUR", "period": "month", "next_payment_at": iso(time + 30 * DAY),
        }  # fmt: skip

    def _pay(self, time: float) -> None:
        self._payments += 1
        paid = {
            "payment_id": f"pay-S{self._person.number}-{self._payments}", "currency": "EUR",
            "subscription_id": f"S{self._person.number}", "amount": PRICES[self._plan],
        }  # fmt: skip
        self._track(time, "purchase", "Payment Succeeded", paid)

    def _refund(self, time: float, order: Order, amount: int) -> None:
        back = {"order_id": order.id, "total": amount / 100, "currency": "EUR"}
        self._track(time, "purchase", "Order Refunded", back)

    def _ticket(self, time: float, order: Order, kind: str, subject: str, priority: str) -> dict[str, Any]:
        self._tickets += 1
        ticket = {
            "ticket_id": f"T{self._person.number}-{self._tickets}", "order_id": order.id, "type": kind,
            "channel": self._random.choice(("email", "phone", "chat")), "priority": priority, "subject": subject,
        }  # fmt: skip
        self._track(time, "support", "Ticket Opened", ticket)
        return ticket

    def _solve(self, ticket: dict[str, Any], since: float, hours: float, resolution: str) -> float:
        time = since + hours * 3600
        solved = {**ticket, "resolution": resolution, "minutes_to_solve": round(hours * 60)}
        self._track(time, "support", "Ticket Solved", solved)
        return time

    def _csat(self, time: float, ticket: dict[str, Any], score: int, *, always: bool = False) -> None:
        if always or self._random.random() < 0.5:
            answer = {"score": score, "ticket_id": ticket["ticket_id"]}
            self._track(time + self._random.uniform(600, 40_000), "support", "CSAT Answered", answer)

    def _track(self, time: float, source: str, name: str, properties: dict[str, Any]) -> None:
        self._journal.add(time, source, "track", self._who, name, properties=properties)
