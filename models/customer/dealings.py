"""Orders and refunds as they count, each at its time: of as far back as the ledger keeps them one by one."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from profiles.ledger.counting import Occurrence
from profiles.ledger.entries import KINDS, accounts_of, entries_of, occurrences_of
from profiles.types import Profile

__all__ = ["Dealings", "Kept", "dealings_of"]


class Kept(NamedTuple):
    """What became of one order."""

    time: float
    quantity: float  # items; one where none is told
    category: str
    returned: bool  # whether anything of it was paid back
    whole: bool  # …and as much as it came to


class Dealings(NamedTuple):
    """What the ledger tells one by one."""

    orders: list[Occurrence]  # the earliest first; so are the others
    refunds: list[Occurrence]
    payments: list[float]  # times
    kept: list[Kept]  # of each order
    since: float  # the time after which nothing is missing of orders and refunds; -inf: ever

    def after(self, time: float) -> Dealings | None:
        """What is later than a time; None if some of it is no longer known one by one."""
        if time < self.since:
            return None
        return Dealings(
            [each for each in self.orders if each.time > time],
            [each for each in self.refunds if each.time > time],
            [each for each in self.payments if each > time],
            [each for each in self.kept if each.time > time],
            time,
        )


def dealings_of(profile: Profile) -> Dealings:
    """What a profile's ledger tells."""
    ledger = accounts_of(profile)
    if ledger is None:
        return Dealings([], [], [], [], -inf)
    entries = entries_of(ledger)
    told = sorted(occurrences_of(entries), key=lambda each: (each.time, each.worth, each.category))
    orders, refunds, payments = (
        [each for each in told if each.role == role] for role in ("purchase", "refund", "payment")
    )
    since = -inf
    if ledger.settled is not None:
        settled = ledger.settled
        times = [settled.purchases.last] if settled.purchases.orders else []
        times += [tally.last for role, tally in settled.roles.items() if role in ("purchase", "refund")]
        since = max(times, default=-inf)
    back: dict[bytes, int | None] = {}  # by order, what was paid back; None if a report says no amount
    for entry in entries:
        if entry.kind == KINDS["refund"]:
            so_far = back.get(entry.key, 0)
            back[entry.key] = so_far + entry.amount if entry.currency and so_far is not None else None
    bought = [entry for entry in entries if entry.kind == KINDS["purchase"]]
    kept = [
        Kept(
            entry.time,
            float(entry.quantity) or 1.0,
            entry.category,
            entry.key in back,
            entry.key in back and _covers(back[entry.key], entry.amount),
        )
        for entry in sorted(bought, key=lambda each: (each.time, each.key, each.part))
    ]
    return Dealings(orders, refunds, [each.time for each in payments], kept, since)


def _covers(paid_back: int | None, amount: int) -> bool:
    return paid_back is None or paid_back >= amount
