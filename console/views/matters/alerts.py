"""An alert about a customer as people and tools read it."""

from __future__ import annotations

from pydantic import Field

from console.views.churn import ReasonView, may_be_scored
from console.views.document import Document, Risk, Time
from console.views.label import label
from models.segments.alert_document import alert_document
from plan import Plan
from profiles.types import Alert, Profile

__all__ = ["AlertRow", "AlertView", "alert_row", "alert_view"]


class AlertView(Document):
    """The latest alert of one rule for one customer."""

    id: str
    profile: str = Field(description="Profile id.")
    rule: str
    state: str = Field(description="open, acknowledged, resolved (by a person) or cleared (by the customer).")
    opened: Time
    changed: Time
    risk: Risk | None = Field(description="When it opened, or was cleared; null without a score.")
    model: str | None
    held_out: bool = Field(description="The customer is one whom no alert that looks at the risk opens for.")
    reasons: list[ReasonView]
    by: str | None
    note: str | None
    outcome: str | None = Field(description="Of one that was resolved with its case.")
    found: str | None = Field(description='"load": it opened in events of the past; told if it still held.')


class AlertRow(AlertView):
    """One row of a list of alerts."""

    label: str = Field(description='What the customer or company is called; "" for a visitor nobody knows.')


def alert_row(profile: Profile, alert: Alert, plan: Plan) -> AlertRow:
    """An alert in a list, beside whom it is about."""
    return AlertRow.of(alert_view(profile, alert, plan), label=label(profile, plan))


def alert_view(profile: Profile, alert: Alert, plan: Plan) -> AlertView:
    """An alert about a customer, with why it was raised in words, if a score may be shown."""
    return AlertView.of(alert_document(profile, alert, may_be_scored(profile, plan)))
