"""The messages that sinks are told, as receivers read them; `docs/schemas/` describes them as JSON Schema.

`schema` names the version: fields may be added within one, none is taken away or given another meaning.
"""

from __future__ import annotations

from decimal import Decimal
from inspect import cleandoc
from typing import Any, Literal

import msgspec

from profiles.money import exponent

__all__ = [
    "Alert", "AlertMessage", "Audience", "Body", "Consents", "Customer", "DigestData", "DigestMessage",
    "Lever", "Links",
    "Money", "NoticeData", "NoticeMessage", "Owner", "Reason", "Risk", "Rule", "SegmentData", "SegmentMessage", "Value",
    "money", "schemas", "written",
]  # fmt: skip


class Money(msgspec.Struct, frozen=True):
    """An amount of one currency: a decimal, and the same in minor units for arithmetic."""

    amount: str
    currency: str
    minor: int


def money(minor: int, currency: str) -> Money:
    """An amount of minor units."""
    decimals = exponent(currency)
    return Money(f"{Decimal(minor).scaleb(-decimals):.{decimals}f}", currency, minor)


class Rule(msgspec.Struct, frozen=True):
    """The plan's rule of an alert."""

    name: str
    description: str | None
    severity: Literal["info", "warning", "critical"] | None
    version: int
    """Of the plan."""


class Consents(msgspec.Struct, frozen=True):
    """What the customer allows."""

    outreach: Literal["granted", "denied"]
    profiling: Literal["granted", "denied"]


class Customer(msgspec.Struct, frozen=True):
    """Whom it is about. `label` and `ids` are null of a thin payload; no e-mail address or telephone number is among
    them."""

    profile: str
    label: str | None
    ids: dict[str, str] | None
    language: str | None
    timezone: str | None
    url: str | None
    """In the console, which asks who you are."""
    stage: str | None
    segments: list[str]
    consent: Consents


class Risk(msgspec.Struct, frozen=True):
    """The churn risk as it is shown now."""

    value: float
    band: str
    previous: float | None
    previous_at: str | None
    as_of: str
    model: str


class Reason(msgspec.Struct, frozen=True):
    """One share of the risk, as of the alert's state."""

    text: str
    effect: Literal["raises", "lowers"]
    contribution: float
    feature: str


class Lever(msgspec.Struct, frozen=True):
    """Something that would lower the risk, by what the model says of customers of whom it is true."""

    action: str
    text: str
    risk: float
    """What the risk would be."""


class Links(msgspec.Struct, frozen=True):
    """Where people go on; each asks who you are, and none does anything by itself."""

    acknowledge: str | None
    """The case in the console, where it is taken up; null once the alert has ended."""


class Value(msgspec.Struct, frozen=True):
    """What the customer brought within the last horizon, and what of that is likely to be lost; null without a risk."""

    net_last_horizon: Money
    at_risk: Money | None


class Owner(msgspec.Struct, frozen=True):
    """Whose it is."""

    team: str | None
    user: str | None


class Alert(msgspec.Struct, frozen=True):
    """One alert in a state. `risk`, `reasons` and what is at risk are null if the customer does not allow profiling."""

    id: str
    case: str | None
    state: Literal["open", "acknowledged", "resolved", "cleared"]
    sequence: int
    """Of what this sink is told of this alert: order by it."""
    rule: Rule
    customer: Customer
    risk: Risk | None
    reasons: list[Reason] | None
    value: Value | None
    owner: Owner
    opened: str
    changed: str
    by: str | None
    note: str | None
    outcome: str | None
    snoozed_until: str | None
    reminder: int
    """How often it was told before, because nobody has taken it up."""
    would_lower: list[Lever] | None = None
    """Null of a thin payload, without profiling, and where the risk is low."""
    suggested_action: str | None = None
    """Where to begin, in English; null of a thin payload, and where there is nothing to do."""
    links: Links = Links(None)


class AlertMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A new state of one alert."""

    type: Literal[
        "alert.opened", "alert.worsened", "alert.acknowledged", "alert.assigned", "alert.snoozed", "alert.woken",
        "alert.resolved", "alert.cleared", "alert.reopened", "alert.escalated", "alert.reminded",
    ]  # fmt: skip
    timestamp: str
    data: Alert
    schema: Literal["rapport.alert/1"] = "rapport.alert/1"


class DigestData(msgspec.Struct, frozen=True):
    """The alerts of a day or a night, those of the highest value first; at most twenty are named."""

    owner: str | None
    alerts: list[Alert]
    total: int
    """With those that are not named."""
    value_at_risk: Money
    ended: int
    """Alerts that were told before and have ended since."""
    still_open: int
    """Alerts that were told before and are open."""
    url: str | None


class DigestMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Several alerts together."""

    timestamp: str
    data: DigestData
    type: Literal["alert.digest"] = "alert.digest"
    schema: Literal["rapport.digest/1"] = "rapport.digest/1"


class Audience(msgspec.Struct, frozen=True):
    """A segment of the plan."""

    name: str
    description: str | None
    version: int
    """Of the plan."""


class Member(msgspec.Struct, frozen=True):
    """Who enters or leaves; `ids` is null of a thin payload."""

    profile: str
    ids: dict[str, str] | None


class SegmentData(msgspec.Struct, frozen=True):
    """A customer's move."""

    id: str
    segment: Audience
    change: Literal["entered", "exited"]
    customer: Member
    since: str
    reason: str | None


class SegmentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A customer has entered or left a segment."""

    type: Literal["segment.entered", "segment.exited"]
    timestamp: str
    data: SegmentData
    schema: Literal["rapport.segment/1"] = "rapport.segment/1"


class NoticeData(msgspec.Struct, frozen=True):
    """Something about Rapport itself."""

    text: str
    about: str | None
    details: dict[str, Any]


class NoticeMessage(msgspec.Struct, frozen=True, kw_only=True):
    """News of the models; a sink that is told nothing any more; a test."""

    type: Literal["model.notice", "sink.disabled", "sink.test"]
    timestamp: str
    data: NoticeData
    schema: Literal["rapport.notice/1"] = "rapport.notice/1"


Body = AlertMessage | DigestMessage | SegmentMessage | NoticeMessage

_encode = msgspec.json.Encoder().encode


def written(body: Body) -> bytes:
    """A message as it is sent."""
    return _encode(body)


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema (2020-12) of each kind of message, by the name of its file in `docs/schemas/`."""
    found = {}
    for name, kind in (
        ("alert", AlertMessage), ("digest", DigestMessage), ("segment", SegmentMessage), ("notice", NoticeMessage),
    ):  # fmt: skip
        schema = msgspec.json.schema(kind)
        for described in schema["$defs"].values():  # as the interpreter has it, which may have indented it
            described["description"] = cleandoc(described.get("description", ""))
        found[f"{name}.json"] = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return found
