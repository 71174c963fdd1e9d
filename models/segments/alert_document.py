"""An alert as everybody outside reads it: in the support API, the live feed, the topic `alerts` and an export."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from models.churn.reasons import Explanation, explain
from profiles.times import rfc3339
from profiles.types import Alert, Profile, Reason

__all__ = ["AlertDocument", "alert_document", "stored_alert"]


@dataclass(frozen=True, slots=True)
class AlertDocument:
    """An alert, ready to be written as JSON; the support API's description of it says what the fields are."""

    id: str
    profile: str
    rule: str
    state: str
    opened: str
    changed: str
    risk: float | None  # null as is `model`, where there was no score or it may not be shown
    model: str | None
    held_out: bool
    reasons: list[Explanation]
    by: str | None
    note: str | None
    found: str | None = None  # "load": in events of the past
    outcome: str | None = None  # of one that was resolved with its case


def alert_document(profile: Profile, alert: Alert, scored: bool = True) -> AlertDocument:
    """The document of a customer's alert.

    Args:
        profile: whose alert it is; its score gives the reasons their words.
        alert: as stored.
        scored: whether what is left of a score may be shown; the customer may not allow it any more.
    """
    scored = scored and bool(alert.model)
    return AlertDocument(
        id=alert.id,
        profile=profile.id,
        rule=alert.rule,
        state=alert.state,
        opened=rfc3339(alert.opened),
        changed=rfc3339(alert.changed),
        risk=alert.risk if scored else None,
        model=alert.model if scored else None,
        held_out=alert.held_out,
        reasons=explain(profile, alert.reasons) if scored else [],
        by=alert.by or None,
        note=alert.note or None,
        found=alert.found or None,
        outcome=alert.outcome or None,
    )


def stored_alert(told: AlertDocument) -> Alert:
    """The alert that a document was made of, its times to the microsecond."""
    return Alert(
        id=told.id,
        rule=told.rule,
        state=told.state,
        opened=_seconds(told.opened),
        changed=_seconds(told.changed),
        risk=told.risk or 0.0,
        by=told.by or "",
        note=told.note or "",
        reasons=[Reason(reason.feature, reason.contribution, reason.value, reason.cause) for reason in told.reasons],
        model=told.model or "",
        held_out=told.held_out,
        found=told.found or "",
        outcome=told.outcome or "",
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
