"""A profile as people and tools read it: a pure function from the stored document to the API's.

Everything that shows a customer (support API, command line, pages) goes through `profile_view`, so that no figure is
worked out twice. Times are RFC 3339 in UTC; money is a decimal string beside its minor units.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple, Protocol

from msgspec.msgpack import encode
from msgspec.structs import replace

from console.views.documents import (
    ActivityView,
    AlertView,
    ChurnView,
    ConsentView,
    CounterfactualView,
    EarlierStage,
    EventView,
    Figure,
    IdentityView,
    Money,
    OpinionView,
    ProfileSummary,
    ProfileView,
    PurchaseView,
    ReasonView,
    SegmentView,
    StageView,
    SupportView,
    TicketView,
    Trend,
)
from models.churn.counterfactuals import Counterfactual
from models.churn.panel import who_spoke
from models.churn.reasons import explain
from models.conditions.rules import SegmentRule
from models.durations import DAY
from models.features.features import is_open, occasions
from profiles.consent import PROFILING, Consent, is_consent, said
from profiles.identity.extract import IdentityRule
from profiles.money import exponent
from profiles.times import rfc3339
from profiles.types import Alert, Identity, Profile, Reason, Score, Ticket, TimelineEntry

__all__ = [
    "Advice", "Described", "alert_view", "event_view", "may_be_scored", "money_view", "profile_view",
    "segments_described", "summary_view",
]  # fmt: skip

STEADY = 0.02
"""A risk that moved by less than this, in either direction, is shown as steady."""


class Described(Protocol):
    """What is taken from a plan: the words for its segments, how identities are spelt, what holds without a word."""

    @property
    def segments(self) -> list[SegmentRule]: ...

    @property
    def consent(self) -> Consent: ...

    @property
    def currency(self) -> str: ...

    @property
    def windows(self) -> dict[str, int]: ...

    def problems_of(self, rule: SegmentRule, others: Sequence[SegmentRule]) -> list[str]: ...

    def role_of(self, source: str, name: str) -> str: ...
    @property
    def identities(self) -> list[IdentityRule]: ...

    def identity(self, kind: str, value: object) -> Identity | None: ...


class Advice(NamedTuple):
    """What would lower a risk, and the model that says so."""

    model: str
    counterfactuals: list[Counterfactual]


def profile_view(
    profile: Profile, now: float, plan: Described | None = None, advice: Advice | None = None
) -> ProfileView:
    """The whole document of a customer.

    Args:
        profile: as stored; not a tombstone.
        now: seconds since the epoch, on the clock that the workers' timers run on.
        plan: gives segments their descriptions, and identities their order: the strongest first.
        advice: what would lower the risk; shown only where the risk is.
    """
    return ProfileView(
        id=profile.id,
        identities=_identities(profile, plan),
        traits={
            name: Figure(value=value, at=rfc3339(at))
            for name, (value, at, _) in sorted(profile.traits.items())
            # A removed trait is kept only to win over late events; consent has a place of its own.
            if value is not None and not is_consent(name)
        },
        first_seen=rfc3339(profile.created),
        last_seen=rfc3339(profile.updated),
        activity={
            source: ActivityView(count=activity.count, first=rfc3339(activity.first), last=rfc3339(activity.last))
            for source, activity in sorted(profile.activity.items())
        },
        purchases=_purchases(profile, now),
        support=_support(profile),
        churn=_churn(profile, plan, advice),
        withheld=None if may_be_scored(profile, plan) else "profiling",
        consent=_consent(profile, plan),
        segments=_segments(profile, plan),
        lifecycle=_stage(profile),
        alerts=[alert_view(profile, alert, plan) for alert in sorted(profile.alerts.values(), key=_newest_alert)],
    )


def summary_view(profile: Profile, plan: Described | None = None) -> ProfileSummary:
    """One row of a list of customers."""
    return ProfileSummary(
        id=profile.id,
        identities=_identities(profile, plan),
        last_seen=rfc3339(profile.updated),
        stage=profile.stage or None,
        segments=sorted(profile.segments),
        orders=profile.purchases.orders,
        revenue=_money(profile.purchases.revenue),
        churn=_churn(profile, plan),
        withheld=None if may_be_scored(profile, plan) else "profiling",
    )


def may_be_scored(profile: Profile, plan: Described | None = None) -> bool:
    """Whether a score may be shown, also one that was stored before the plan's default became "denied"."""
    return (plan.consent if plan else Consent()).allows(profile, PROFILING)


def alert_view(profile: Profile, alert: Alert, plan: Described | None = None) -> AlertView:
    """An alert about a customer, with why it was raised in words, if a score may be shown."""
    if not may_be_scored(profile, plan):
        alert = replace(alert, risk=0.0, reasons=[], model="")
    return AlertView(
        id=alert.id,
        profile=profile.id,
        rule=alert.rule,
        state=alert.state,
        opened=rfc3339(alert.opened),
        changed=rfc3339(alert.changed),
        risk=alert.risk if alert.model else None,
        model=alert.model or None,
        reasons=_reasons(profile, alert.reasons),
        by=alert.by or None,
        note=alert.note or None,
    )


def event_view(entry: TimelineEntry, plan: Described | None = None) -> EventView:
    """One event of a customer's timeline."""
    role = plan.role_of(entry.source, entry.name) if plan else ""
    return EventView(
        id=blake2b(encode(entry), digest_size=8).hexdigest(),
        time=rfc3339(entry.time),
        source=entry.source,
        name=entry.name,
        role=role or None,
        amount=money_view(entry.amount, entry.currency) if entry.currency else None,
        about=entry.about or None,
    )


def segments_described(plan: Described | None) -> dict[str, str]:
    """Descriptions of the plan's segments by name."""
    return {rule.name: rule.description for rule in plan.segments} if plan else {}


def _identities(profile: Profile, plan: Described | None) -> list[IdentityView]:
    rules = plan.identities if plan else []
    strength = {rule.type: rule.priority for rule in rules}
    hashed = {rule.type for rule in rules if rule.hashed}
    kinds = sorted(profile.identities, key=lambda kind: (strength.get(kind, len(strength) + 1), kind))
    return [
        IdentityView(type=kind, value=value, hashed=kind in hashed, first_seen=rfc3339(first))
        for kind in kinds
        for value, first in sorted(profile.identities[kind].items(), key=lambda item: (item[1], item[0]))
    ]


def _purchases(profile: Profile, now: float) -> PurchaseView:
    purchases = profile.purchases
    return PurchaseView(
        orders=purchases.orders,
        items=purchases.items,
        revenue=_money(purchases.revenue),
        refund_count=purchases.refund_count,
        refunds=_money(purchases.refunds),
        first=_when(purchases.first),
        last=_when(purchases.last),
        days_since_last=round(max(0.0, now - purchases.last) / DAY, 1) if purchases.orders else None,
        usual_gap_days=_usual_gap_days(profile),
    )


def _usual_gap_days(profile: Profile) -> float | None:
    """Mean days between orders, as the reasons tell it; None before the second."""
    times = occasions(profile)
    bought = profile.purchases
    return round((bought.last - bought.first) / DAY / (times - 1), 3) if times > 1 else None


def _support(profile: Profile) -> SupportView:
    tickets = sorted(profile.tickets, key=lambda ticket: (-_last_touch(ticket), ticket.id))
    asked = {role: profile.roles[role].count for role in ("ticket_opened", "ticket_solved", "ticket_reopened")
             if role in profile.roles}  # fmt: skip
    return SupportView(
        open_tickets=sum(is_open(ticket) for ticket in tickets),
        opened=asked.get("ticket_opened", 0),
        solved=asked.get("ticket_solved", 0),
        reopened=asked.get("ticket_reopened", 0),
        complaints=profile.roles["complaint"].count if "complaint" in profile.roles else 0,
        inquiries=profile.roles["inquiry"].count if "inquiry" in profile.roles else 0,
        tickets=[
            TicketView(
                id=ticket.id,
                state="open" if is_open(ticket) else "solved",
                opened=_when(ticket.opened),
                solved=_when(ticket.solved),
                reopened=_when(ticket.reopened),
            )
            for ticket in tickets
        ],
        opinions={
            kind: OpinionView(
                count=opinion.count,
                average=round(opinion.total / opinion.count, 2),
                last=opinion.last,
                at=rfc3339(opinion.time),
            )
            for kind, opinion in sorted(profile.opinions.items())
            if opinion.count
        },
    )


def _last_touch(ticket: Ticket) -> float:
    return max(ticket.opened, ticket.solved, ticket.reopened)


def _churn(profile: Profile, plan: Described | None, advice: Advice | None = None) -> ChurnView | None:
    score = profile.score
    if score is None or not may_be_scored(profile, plan):
        return None
    return ChurnView(
        risk=score.risk,
        band=score.band,
        trend=_trend(score),
        previous=score.previous,
        previous_at=_when(score.previous_at) if score.previous is not None else None,
        scored_at=rfc3339(score.at),
        model=score.model,
        spoke=who_spoke(score.model),
        reasons=_reasons(profile, score.reasons),
        would_lower=[
            CounterfactualView(action=counterfactual.action, text=counterfactual.text, risk=counterfactual.risk)
            for counterfactual in advice.counterfactuals
        ]
        if advice
        else None,
        would_lower_model=advice.model if advice else None,
    )


def _consent(profile: Profile, plan: Described | None) -> dict[str, ConsentView]:
    consent = plan.consent if plan else Consent()
    found = {}
    for purpose in consent.purposes:
        word = said(profile, purpose)
        found[purpose] = ConsentView(
            status="granted" if consent.allows(profile, purpose) else "denied",
            source="default" if word is None else "customer",
            since=None if word is None else rfc3339(word.at),
            event=None if word is None else word.event.hex(),
        )
    return found


def _trend(score: Score) -> Trend:
    if score.previous is None:
        return "new"
    moved = score.risk - score.previous
    if abs(moved) < STEADY:
        return "steady"
    return "rising" if moved > 0 else "falling"


def _reasons(profile: Profile, reasons: list[Reason]) -> list[ReasonView]:
    # An alert outlives its score when profiles merge; its reasons then have their names only.
    words = [said.text for said in explain(profile, reasons)] or [reason.feature for reason in reasons]
    return [
        ReasonView(
            feature=reason.feature,
            text=text,
            effect="raises" if reason.contribution > 0 else "lowers",
            contribution=reason.contribution,
            value=reason.value,
        )
        for reason, text in zip(reasons, words, strict=True)
    ]


def _segments(profile: Profile, plan: Described | None) -> list[SegmentView]:
    words = segments_described(plan)
    return [
        SegmentView(name=name, since=rfc3339(stay.since), description=words.get(name) or None)
        for name, stay in sorted(profile.segments.items(), key=lambda item: (-item[1].since, item[0]))
    ]


def _stage(profile: Profile) -> StageView | None:
    if not profile.stage:
        return None
    return StageView(
        stage=profile.stage,
        since=rfc3339(profile.stage_since),
        earlier=[EarlierStage(stage=stage, since=rfc3339(since)) for stage, since in profile.stages],
    )


def _money(by_currency: dict[str, int]) -> list[Money]:
    return [money_view(minor, currency) for currency, minor in sorted(by_currency.items())]


def money_view(minor: int, currency: str) -> Money:
    """An amount of minor units."""
    decimals = exponent(currency)
    return Money(amount=f"{Decimal(minor).scaleb(-decimals):.{decimals}f}", currency=currency, minor=minor)


def _when(seconds: float) -> str | None:
    return rfc3339(seconds) if seconds else None


def _newest_alert(alert: Alert) -> tuple[float, str]:
    return (-alert.changed, alert.id)
