"""What a customer has done, as people and tools read it: orders, subscriptions, tickets, answers to surveys."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.views.document import Document, Money, Time
from models.durations import DAY
from models.features.orders import occasions
from models.features.readers import is_open, lasting, subscriptions_of
from profiles.state import latest_of
from profiles.subscriptions.terms import latest_value, paid_until
from profiles.types import Profile, Ticket

__all__ = [
    "ActivityView", "OpinionView", "PurchaseView", "SubscriptionView", "SupportView", "TicketView", "purchases",
    "subscriptions", "support",
]  # fmt: skip


class ActivityView(Document):
    """What came from one source."""

    count: int
    first: Time
    last: Time


class PurchaseView(Document):
    """All that orders say."""

    orders: int
    items: float
    revenue: list[Money] = Field(description="By currency, before refunds.")
    refund_count: int
    refunds: list[Money]
    first: Time | None
    last: Time | None
    days_since_last: float | None
    usual_gap_days: float | None = Field(description="Mean days between orders; null before the second.")


class SubscriptionView(Document):
    """One subscription."""

    id: str | None = Field(description="null for one that its events do not name.")
    state: Literal["active", "ended"]
    started: Time | None = Field(description="The latest start.")
    ended: Time | None = Field(description="The latest end.")
    paid_until: Time | None = Field(description="The end of the period that is paid, as far as events tell it.")
    interval: str | None = Field(description="How often it is paid.", examples=["month", "year"])
    seats: int | None
    mrr: Money | None = Field(description="What it brings a month, in the plan's currency.")


class TicketView(Document):
    """One support ticket."""

    id: str
    state: Literal["open", "solved"]
    opened: Time | None
    solved: Time | None
    reopened: Time | None


class OpinionView(Document):
    """Answers to one kind of survey."""

    count: int
    average: float
    last: float
    at: Time


class SupportView(Document):
    """All that support knows."""

    open_tickets: int
    opened: int = Field(description="Tickets opened, ever.")
    solved: int
    reopened: int
    complaints: int
    inquiries: int
    tickets: list[TicketView] = Field(description="The latest, the last touched first.")
    opinions: dict[str, OpinionView] = Field(description="By kind: csat, nps, ces, review.")


def purchases(profile: Profile, now: float) -> PurchaseView:
    purchases = profile.purchases
    return PurchaseView.of(
        purchases,
        revenue=Money.by_currency(purchases.revenue),
        refunds=Money.by_currency(purchases.refunds),
        first=purchases.first or None,
        last=purchases.last or None,
        days_since_last=round(max(0.0, now - purchases.last) / DAY, 1) if purchases.orders else None,
        usual_gap_days=_usual_gap_days(profile),
    )


def _usual_gap_days(profile: Profile) -> float | None:
    """Mean days between orders, as the reasons tell it; None before the second."""
    times = occasions(profile)
    bought = profile.purchases
    return round((bought.last - bought.first) / DAY / (times - 1), 3) if times > 1 else None


def subscriptions(profile: Profile, now: float, currency: str) -> list[SubscriptionView]:
    last = {subscription.id for subscription in lasting(profile)}
    return [
        SubscriptionView(
            id=each.id or None,
            state="active" if each.id in last else "ended",
            started=each.started or None,
            ended=each.ended or None,
            paid_until=paid_until(each, now),
            interval=each.interval[-1][1] if each.interval else None,
            seats=seats if (seats := latest_value(each.seats)) is None else int(seats),
            mrr=None if (mrr := latest_value(each.mrr)) is None else Money.of_minor(int(mrr), currency),
        )
        for each in sorted(subscriptions_of(profile), key=lambda each: (each.id not in last, -latest_of(each), each.id))
    ]


def support(profile: Profile) -> SupportView:
    tickets = sorted(profile.tickets, key=lambda ticket: (-_last_touch(ticket), ticket.id))
    counts = {role: tally.count for role, tally in profile.roles.items()}
    return SupportView(
        open_tickets=sum(is_open(ticket) for ticket in tickets),
        opened=counts.get("ticket_opened", 0),
        solved=counts.get("ticket_solved", 0),
        reopened=counts.get("ticket_reopened", 0),
        complaints=counts.get("complaint", 0),
        inquiries=counts.get("inquiry", 0),
        tickets=[
            TicketView(
                id=ticket.id,
                state="open" if is_open(ticket) else "solved",
                opened=ticket.opened or None,
                solved=ticket.solved or None,
                reopened=ticket.reopened or None,
            )
            for ticket in tickets
        ],
        opinions={
            kind: OpinionView.of(opinion, average=round(opinion.total / opinion.count, 2), at=opinion.time)
            for kind, opinion in sorted(profile.opinions.items())
            if opinion.count
        },
    )


def _last_touch(ticket: Ticket) -> float:
    return max(ticket.opened, ticket.solved, ticket.reopened)
