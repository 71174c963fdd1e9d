"""The contract of a simulated company: what billing tells of it, from its start to its end."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from console.demo.b2b.firms import Fate, Firm
from console.demo.b2b.teller import Teller
from console.demo.journal import iso
from console.demo.people import DAY

__all__ = ["Billing"]

RENEWS = 0.35
"""How keen a company must be to go on for another period."""

_NOTICE = {True: 45 * DAY, False: 7 * DAY}  # of yearly contracts, and of others, who tells that they end
_REASONS = {Fate.TROUBLED: "service", Fate.FADES: "not_used", Fate.DESERTED: "not_used", Fate.STUCK: "not_used"}


class Billing:
    """Renews, changes and ends one contract.

    Args:
        firm: whose; its contract is kept up to date.
        teller: says what happens.
        random: of its own chance.
    """

    def __init__(self, firm: Firm, teller: Teller, random: Random) -> None:
        self._firm = firm
        self._teller = teller
        self._random = random
        self._invoices = 0
        self._tells = random.random() < 0.6  # that it leaves, before the end
        self._cancelled = False
        self._leaves = math.inf

    @property
    def over(self) -> float:
        """When nobody works with the product any more."""
        return self._leaves

    def begin(self) -> None:
        """The contract becomes known."""
        firm, contract = self._firm, self._firm.contract
        self._teller.company(firm.begins, {**firm.traits, "contract_ends": iso(contract.ends)})
        self._teller.billing(firm.begins + 60, "Subscription Started", self._terms(contract.begins))
        self._bill(firm.begins + 120, contract.mrr * (12 if contract.yearly else 1))

    def spend(self, day: float) -> None:
        """One day, given by its first second."""
        firm, contract = self._firm, self._firm.contract
        if firm.fate is Fate.GROWS and not contract.told and self._random.random() < 1 / 70:
            self._grow(day + 10 * 3600)
        stays = firm.keen(contract.ends) >= RENEWS
        if not stays and self._tells and not self._cancelled and day >= contract.ends - _NOTICE[contract.yearly]:
            self._cancel(day + 11 * 3600)
        if contract.ends < day + DAY and self._leaves == math.inf:
            if stays and not self._cancelled:
                self._renew(contract.ends)
            else:
                self._leaves = contract.ends
        if self._leaves + 10 * DAY < day and not self._cancelled:  # nobody has renewed it, so it is closed
            self._cancel(day + 9 * 3600)

    def _grow(self, time: float) -> None:
        contract = self._firm.contract
        for hour in range(3):
            self._teller.of(
                time - (3 - hour) * 3600, "server", self._firm.buyer, "Limit Reached",
                {"limit": "seats", "plan": contract.plan},
            )  # fmt: skip
        contract.seats += max(1, contract.seats // 5)
        terms = self._terms(time)
        del terms["starts_at"]
        self._teller.billing(time, "Subscription Changed", terms)

    def _renew(self, time: float) -> None:
        firm, contract = self._firm, self._firm.contract
        if firm.keen(time) < 0.8:
            contract.seats = max(2, contract.seats * 4 // 5)
        contract.begins, contract.ends = time, time + contract.period
        self._teller.billing(time, "Subscription Renewed", self._terms(time))
        self._teller.company(time + 30, {"contract_ends": iso(contract.ends)})
        self._bill(time + 60, contract.mrr * (12 if contract.yearly else 1))

    def _cancel(self, time: float) -> None:
        contract = self._firm.contract
        self._cancelled = contract.told = True
        ended = {
            "subscription_id": self._subscription, "company_id": self._firm.key, "plan": contract.plan,
            "reason": _REASONS.get(self._firm.fate, "other"), "ends_at": iso(contract.ends),
        }  # fmt: skip
        self._teller.billing(time, "Subscription Cancelled", ended)

    def _bill(self, time: float, amount: float) -> None:
        self._invoices += 1
        firm, random = self._firm, self._random
        bill = {
            "invoice_id": f"inv-{firm.number}-{self._invoices}", "company_id": firm.key, "currency": "EUR",
            "subscription_id": self._subscription, "amount": round(amount, 2), "due_at": iso(time + 14 * DAY),
        }  # fmt: skip
        self._teller.billing(time, "Invoice Issued", bill)
        late = random.random() < (0.7 if firm.fate is Fate.LATE else 0.04)
        if late:
            self._teller.billing(time + 14 * DAY, "Invoice Overdue", bill)
        paid = random.uniform(26, 40) if late else random.uniform(1, 12)
        self._teller.billing(time + paid * DAY, "Invoice Paid", bill)

    @property
    def _subscription(self) -> str:
        return f"sub-{self._firm.number}"

    def _terms(self, begins: float) -> dict[str, Any]:
        contract = self._firm.contract
        return {
            "subscription_id": self._subscription, "company_id": self._firm.key, "plan": contract.plan,
            "seats": contract.seats, "mrr": contract.mrr, "currency": "EUR",
            "interval": "year" if contract.yearly else "month", "starts_at": iso(begins), "ends_at": iso(contract.ends),
        }  # fmt: skip
