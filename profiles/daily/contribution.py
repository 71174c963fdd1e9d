"""What a customer adds to the counters of the latest days, and of now: a pure function of the profile."""

from __future__ import annotations

from profiles.calendar.local_time import LocalTime
from profiles.consent import ANALYTICS, INTERNAL, Consent, trait_of
from profiles.daily.counters import (
    CUSTOMERS,
    KEPT,
    NEW,
    NOW,
    OPEN_TICKETS,
    ORDERS,
    REFUNDS,
    REVENUE,
    SOLVED,
    STAGE_FIELDS,
    TICKETS,
    Added,
)
from profiles.daily.noting import add_mark
from profiles.doings import NOT_OF_THEIR_OWN
from profiles.ledger.entries import entries_of, occurrences_of
from profiles.types import Profile, is_company

__all__ = ["Contribution"]


class Contribution:
    """Tells what customers add. Built once from a plan.

    Args:
        days: of the plan's time zone.
        consent: who does not allow analyses adds nothing.
    """

    def __init__(self, days: LocalTime, consent: Consent) -> None:
        self._day = days.of
        self._consent = consent
        self._granted = consent.defaults.get(ANALYTICS, True)

    def of(self, profile: Profile) -> Added | None:
        """What a customer adds; None for nothing. Companies are no customers."""
        if profile.redirect or profile.created is None or is_company(profile.id):
            return None
        traits = profile.traits
        if profile.claims is None and _SAID not in traits and INTERNAL not in traits:  # as of most
            if not self._granted:
                return None
        elif not self._consent.allows(profile, ANALYTICS):
            return None
        found: Added = {}
        held = profile.days
        if held is not None:
            for day, counts in held.counts.items():
                found[day] = {**counts, CUSTOMERS: 1}
            if held.newest is not None:
                for day, (_, mark) in held.newest.items():
                    add_mark(found[day], "nps", mark)
        bought = profile.purchases
        if bought.orders or bought.refund_count or profile.tickets:
            since = self._day(profile.updated) - KEPT + 1
            self._orders(profile, since, found)
            self._tickets(profile, since, found)
        if profile.stage and (held is not None or not profile.roles.keys() <= _NOT_OWN):
            _add(found, NOW, STAGE_FIELDS[profile.stage], 1)
        return found or None

    def _tickets(self, profile: Profile, since: int, found: Added) -> None:
        for ticket in profile.tickets:
            if not ticket.opened:
                continue
            if (day := self._day(ticket.opened)) >= since:
                _add(found, day, TICKETS, 1)
            if max(ticket.opened, ticket.reopened) > ticket.solved:
                _add(found, NOW, OPEN_TICKETS, 1)
            elif (day := self._day(ticket.solved)) >= since:
                _add(found, day, SOLVED, 1)

    def _orders(self, profile: Profile, since: int, found: Added) -> None:
        bought, day_of = profile.purchases, self._day
        back = profile.roles.get("refund")
        ledger = profile.ledger
        if ledger is None or (day_of(bought.last) < since and (back is None or day_of(back.last) < since)):
            return
        for occurrence in occurrences_of(entries_of(ledger)):
            role = occurrence.role
            if role not in _MONEY or (day := day_of(occurrence.time)) < since:
                continue
            if role == "purchase":
                _add(found, day, ORDERS, 1)
                _add(found, day, REVENUE, occurrence.worth)
            else:
                _add(found, day, REFUNDS, occurrence.worth)
        if bought.orders and (day := day_of(bought.first)) >= since:
            _add(found, day, NEW, 1)


_MONEY = frozenset({"purchase", "refund"})
_SAID = trait_of(ANALYTICS)
_NOT_OWN = frozenset(NOT_OF_THEIR_OWN)


def _add(found: Added, day: int, field: int, number: int) -> None:
    counts = found.setdefault(day, {})
    counts[field] = counts.get(field, 0) + number
