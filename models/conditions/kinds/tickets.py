"""`open_tickets`: what the customer waits for."""

from __future__ import annotations

from pydantic import field_validator

from models.conditions.comparisons import Compare, require_threshold
from models.conditions.kind import Kind
from models.conditions.words import ENGLISH, Say
from models.conditions.writer import Writer
from profiles.types import Profile

__all__ = ["OpenTickets"]


class OpenTickets(Kind):
    """Tickets that are open now."""

    key = "open_tickets"
    examples = ("{open_tickets: at least 1}",)

    open_tickets: Compare

    _threshold = field_validator("open_tickets")(require_threshold)

    def write(self, writer: Writer, margin: float, slack: int) -> str:
        return writer.compare(f"{writer.bind(_open)}(p)", self.open_tickets, 0.0, slack)

    def in_words(self, say: Say = ENGLISH) -> str:
        return f"{say('open tickets')} {self.open_tickets.in_words(say)}"


def _open(profile: Profile) -> int:
    if not profile.tickets:
        return 0
    return sum(1 for ticket in profile.tickets if max(ticket.opened, ticket.reopened) > ticket.solved)
