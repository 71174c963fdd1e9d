"""How a simulated company speaks: each event names it, and comes from the system that would know."""

from __future__ import annotations

from typing import Any

from console.demo.b2b.firms import Firm, Worker
from console.demo.journal import Journal

__all__ = ["Teller"]


class Teller:
    """Writes into the journal of one company.

    Args:
        firm: whose.
        journal: where its events are collected.
    """

    def __init__(self, firm: Firm, journal: Journal) -> None:
        self._firm = firm
        self._journal = journal
        self._about = {"groupId": firm.key}

    def of(self, time: float, source: str, worker: Worker, name: str, properties: dict[str, Any] | None = None) -> None:
        """Something that somebody did, or that happened to them, told by a system that knows who they are."""
        who = {"userId": worker.user_id}
        self._journal.add(time, source, "track", who, name, properties=properties, context=self._about)

    def billing(self, time: float, name: str, properties: dict[str, Any]) -> None:
        """Something about the contract; of who holds it."""
        self.of(time, "billing", self._firm.buyer, name, properties)

    def company(self, time: float, traits: dict[str, Any]) -> None:
        """The CRM says something of the company."""
        who = {"userId": self._firm.buyer.user_id, "groupId": self._firm.key}
        self._journal.add(time, "crm", "group", who, traits=traits)

    def member(self, time: float, worker: Worker) -> None:
        """Somebody gets an account in the company's workspace."""
        traits: dict[str, Any] = {
            "email": worker.email, "firstName": worker.first, "lastName": worker.last, "role": worker.role,
            "department": worker.department, "seniority": worker.seniority, "language": worker.language,
            **worker.denies,
        }  # fmt: skip
        who = {"userId": worker.user_id}
        self._journal.add(time, "server", "identify", who, traits=traits, context=self._about)
        self._journal.add(time + 1, "server", "group", {**who, "groupId": self._firm.key})
        self.of(time + 2, "server", worker, "Signed Up", {"method": "invitation"})
        self.of(time + 3, "server", worker, "Member Joined", {"role": worker.role})

    def in_product(self, time: float, worker: Worker, type_: str, name: str = "", **properties: Any) -> None:
        """Something that somebody does in their browser."""
        who = {"anonymousId": worker.browser, "userId": worker.user_id}
        self._journal.add(time, "product", type_, who, name, properties=properties, context=self._about)
