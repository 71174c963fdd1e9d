"""A log of a business that sells to businesses: accounts with seats, invoices by the month, logins, tickets; seeded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

DAY = 86_400.0
WEEK = 7 * DAY
MONTH = 30 * DAY
SEAT = 29.0
"""Price of one seat a month, EUR."""

FEATURES = ("reports", "exports", "approvals", "integrations")


@dataclass(slots=True)
class Account:
    """One customer, who is a company."""

    number: int
    joins: float  # seconds
    seats: int
    keen: float  # logins of a seat on a working day
    leaves: float  # when it has decided to; infinite if it stays

    @property
    def user(self) -> str:
        """Who signs in and pays."""
        return f"b2b-{self.number:03}"

    def warmth(self, time: float) -> float:
        """1 while all is well; falls over the eight weeks before it leaves."""
        return min(1.0, max(0.05, (self.leaves - time) / (8 * WEEK)))


def b2b_log(start: float, weeks: int = 26, accounts: int = 60, seed: int = 1) -> list[dict[str, Any]]:
    """All events of some weeks in order of time: Segment events with their `source` and `messageId`.

    The same arguments give the same events. A third of the accounts leave: they log in less and give up seats, some
    after tickets that helped nobody or a payment that failed; their invoices end.

    Args:
        start: when the first accounts are there, seconds since the epoch.
        weeks: how long.
        accounts: how many; a quarter join later.
        seed: of all chance.
    """
    end = start + weeks * WEEK
    found: list[tuple[float, int, int, dict[str, Any]]] = []
    for number in range(1, accounts + 1):
        random = Random(f"{seed}:{number}")
        account = _account(number, start, weeks, random)
        for count, (time, event) in enumerate(_life(account, end, random)):
            if time < end:
                event |= {"messageId": f"b2b-{seed}-{number}-{count}", "timestamp": _iso(time)}
                found.append((time, number, count, event))
    found.sort(key=lambda entry: (entry[3]["timestamp"], *entry[1:3]))
    return [event for *_, event in found]


def _account(number: int, start: float, weeks: int, random: Random) -> Account:
    joins = start + random.uniform(0, 5) * DAY
    if number % 4 == 0:
        joins += random.uniform(2, weeks * 0.6) * WEEK
    leaves = joins + random.uniform(0.35, 1.1) * weeks * WEEK if number % 3 == 0 else float("inf")
    return Account(number, joins, random.choice((3, 5, 8, 12, 20, 40)), random.uniform(0.02, 0.12), leaves)


Moment = tuple[float, dict[str, Any]]


def _life(account: Account, end: float, random: Random) -> Iterator[Moment]:
    subscription = {"subscription_id": f"sub-{account.number}", "plan": "business", "currency": "EUR"}
    yield account.joins, _track(account, "web", "Signed Up", {"method": "email", "type": "business"})
    yield account.joins + 30, _company(account)
    yield (
        account.joins + 60,
        _track(
            account,
            "purchase",
            "Subscription Started",
            {**subscription, "price": account.seats * SEAT, "period": "month"},
        ),
    )
    yield from _bills(account, end, random)
    yield from _days(account, end, random)
    if account.leaves < end:
        why = {"subscription_id": f"sub-{account.number}", "reason": random.choice(("price", "service"))}
        yield account.leaves, _track(account, "purchase", "Subscription Cancelled", why)


def _bills(account: Account, end: float, random: Random) -> Iterator[Moment]:
    """An invoice a month, and how it is paid."""
    time, number = account.joins + 2 * DAY, 0
    while time < min(end, account.leaves):
        number += 1
        if account.warmth(time) < 0.7 and account.seats > 2:
            account.seats -= max(1, account.seats // 4)
            yield time - 3600, _company(account)
        invoice, amount = f"inv-{account.number}-{number}", round(account.seats * SEAT, 2)
        yield time, _track(
            account, "purchase", "Order Completed",
            {"order_id": invoice, "revenue": amount, "currency": "EUR", "quantity": account.seats,
             "payment_method": "invoice"},
        )  # fmt: skip
        paid = time + random.uniform(1, 14) * DAY
        bill = {"order_id": invoice, "amount": amount, "currency": "EUR"}
        payment = f"pay-{account.number}-{number}"
        if random.random() > 0.6 + 0.38 * account.warmth(paid):
            refused = {**bill, "payment_id": f"{payment}-1", "reason": "refused"}
            yield paid, _track(account, "purchase", "Payment Failed", refused)
            paid += random.uniform(1, 6) * DAY
        yield paid, _track(account, "purchase", "Payment Succeeded", {**bill, "payment_id": f"{payment}-2"})
        time += MONTH


def _days(account: Account, end: float, random: Random) -> Iterator[Moment]:
    """Logins and use on working days, tickets, and what the account says of us."""
    day, ticket = account.joins + DAY, 0
    while day < min(end, account.leaves + 2 * WEEK):
        warmth = account.warmth(day)
        if datetime.fromtimestamp(day, UTC).weekday() < 5:
            for _ in range(_some(account.seats * account.keen * warmth, random)):
                yield from _session(account, day + random.uniform(-4, 4) * 3600, random)
        if random.random() < 0.02 + 0.08 * (1 - warmth):
            ticket += 1
            yield from _ticket(account, day + random.uniform(0, 8) * 3600, ticket, warmth, random)
        if int((day - account.joins) // DAY) % 90 == 60:
            score = round(9 * warmth + random.uniform(-2, 1))
            yield day + 7200, _track(account, "support", "NPS Answered", {"score": min(10, max(0, score))})
        day += DAY


def _session(account: Account, time: float, random: Random) -> Iterator[Moment]:
    source = random.choice(("web", "web", "app"))
    yield time, _track(account, source, "Signed In", {"method": "sso"})
    for step in range(random.randrange(3)):
        use = {"feature": random.choice(FEATURES), "duration": random.randrange(20, 900)}
        yield time + 60 + 300 * step, _track(account, source, "Feature Used", use)


def _ticket(account: Account, time: float, number: int, warmth: float, random: Random) -> Iterator[Moment]:
    ticket = {"ticket_id": f"t-{account.number}-{number}", "channel": "email", "type": "problem"}
    yield (
        time,
        _track(account, "support", "Ticket Opened", {**ticket, "priority": "high" if warmth < 0.5 else "normal"}),
    )
    solved = time + random.uniform(2, 72) * 3600
    good = random.random() < 0.2 + 0.75 * warmth
    answer = {**ticket, "resolution": "answered" if good else "not_solved", "minutes_to_solve": (solved - time) / 60}
    yield solved, _track(account, "support", "Ticket Solved", answer)
    if not good:
        yield solved + 4 * 3600, _track(account, "support", "Ticket Reopened", ticket)
        yield solved + 50 * 3600, _track(account, "support", "Ticket Solved", {**ticket, "resolution": "other"})
    if random.random() < 0.5:
        said = {"score": random.choice((4, 5)) if good else random.choice((1, 2)), "ticket_id": ticket["ticket_id"]}
        yield solved + 51 * 3600, _track(account, "support", "CSAT Answered", said)


def _company(account: Account) -> dict[str, Any]:
    """Who pays, and for how many."""
    company = {"id": f"company-{account.number}", "name": f"Company {account.number}", "plan": f"{account.seats} seats"}
    traits = {"company": {**company, "employee_count": account.seats}, "plan": "business"}
    return {"source": "purchase", "type": "identify", "userId": account.user, "traits": traits}


def _track(account: Account, source: str, event: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"source": source, "type": "track", "event": event, "userId": account.user, "properties": properties}


def _some(mean: float, random: Random) -> int:
    """A whole number with this mean."""
    return int(mean) + (random.random() < mean % 1)


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
