"""A customer as people and tools read them: the documents, and the pure functions that make them of what is stored.

Everything that shows a customer (support API, command line, live feed) goes through `profile_view`, so that no figure
is worked out twice.
"""

from __future__ import annotations

from pydantic import Field

from console.views.churn import Advice, ChurnView, DefinedChurnView, Withheld, churn_view, defined_view, may_be_scored
from console.views.dealings import (
    ActivityView,
    PurchaseView,
    SubscriptionView,
    SupportView,
    purchases,
    subscriptions,
    support,
)
from console.views.document import Document, Money, Time
from console.views.label import label
from console.views.matters.alerts import AlertView, alert_view
from console.views.matters.cases import CaseView, case_view
from console.views.person import (
    ClaimsView,
    ConsentView,
    Figure,
    IdentityView,
    MembershipView,
    claims_view,
    consent_view,
    identities,
    memberships,
)
from plan import Plan
from profiles.claims import believed_traits
from profiles.consent import is_consent
from profiles.doings import last_done
from profiles.types import Alert, Profile

__all__ = ["ProfileSummary", "ProfileView", "SegmentView", "StageView", "profile_view", "summary_view"]


class SegmentView(Document):
    """A segment that the customer is in."""

    name: str
    since: Time
    description: str | None = None


class EarlierStage(Document):
    """A lifecycle stage that is over."""

    stage: str
    since: Time


class StageView(Document):
    """Where the customer stands."""

    stage: str = Field(examples=["at_risk"])
    since: Time
    earlier: list[EarlierStage]


class ProfileView(Document):
    """One customer."""

    id: str = Field(description="Profile id, 22 characters.")
    label: str = Field(description='What the customer is called; "" for a visitor nobody knows.')
    identities: list[IdentityView] = Field(description="The strongest type first.")
    traits: dict[str, Figure] = Field(description="Those that count.")
    companies: list[MembershipView] = Field(description="Those that their events name, the first one first.")
    claims: ClaimsView | None = Field(description="What does not; null if nothing was claimed.")
    first_seen: Time
    last_seen: Time | None = Field(description="When the customer last did something; null: nothing yet.")
    activity: dict[str, ActivityView] = Field(description="By source.")
    purchases: PurchaseView
    subscriptions: list[SubscriptionView] = Field(description="The latest, those that last first.")
    support: SupportView
    churn: ChurnView | None = Field(description="null until scored, and for who does not allow profiling.")
    withheld: Withheld
    consent: dict[str, ConsentView] = Field(description="By purpose: analytics, profiling, outreach, the plan's own.")
    segments: list[SegmentView] = Field(description="The latest entered first.")
    lifecycle: StageView | None
    alerts: list[AlertView] = Field(description="The latest changed first.")
    case: CaseView | None = Field(description="What people have to do with the customer, or had last.")
    churns: list[DefinedChurnView] = Field(description="By further definitions of churn that the customer is one of.")


class ProfileSummary(Document):
    """One row of a list of customers."""

    id: str
    label: str = Field(description='What the customer is called; "" for a visitor nobody knows.')
    identities: list[IdentityView]
    last_seen: Time | None
    stage: str | None
    segments: list[str]
    orders: int
    revenue: list[Money]
    churn: ChurnView | None
    withheld: Withheld


def profile_view(profile: Profile, now: float, plan: Plan, advice: Advice | None = None) -> ProfileView:
    """The whole document of a customer.

    Args:
        profile: as stored; not a tombstone.
        now: seconds since the epoch, by the watermark of all customers.
        plan: gives segments their descriptions, and identities their order: the strongest first.
        advice: what would lower the risk; shown only where the risk is.
    """
    return ProfileView(
        id=profile.id,
        label=label(profile, plan),
        identities=identities(profile, plan),
        traits={
            name: Figure(value=value, at=at, claimed=name not in profile.traits)
            for name, (value, at, _) in sorted(believed_traits(profile).items())
            # A removed trait is kept only to win over late events; consent has a place of its own.
            if value is not None and not is_consent(name)
        },
        companies=memberships(profile),
        claims=claims_view(profile),
        first_seen=profile.created or 0.0,
        last_seen=_last_seen(profile),
        activity={source: ActivityView.of(activity) for source, activity in sorted(profile.activity.items())},
        purchases=purchases(profile, now),
        subscriptions=subscriptions(profile, now, plan.currency),
        support=support(profile),
        churn=churn_view(profile, plan, advice, whole=True),
        withheld=None if may_be_scored(profile, plan) else "profiling",
        consent={purpose: consent_view(profile, purpose, plan) for purpose in plan.consent.purposes},
        segments=_segments(profile, plan),
        lifecycle=_stage(profile),
        alerts=[alert_view(profile, alert, plan) for alert in sorted(profile.alerts.values(), key=_newest_alert)],
        case=case_view(profile, profile.case, plan) if profile.case is not None else None,
        churns=[
            view
            for definition in plan.churn.definitions
            if (view := defined_view(profile, definition, plan, advice)) is not None
        ],
    )


def summary_view(profile: Profile, plan: Plan) -> ProfileSummary:
    """One row of a list of customers."""
    return ProfileSummary(
        id=profile.id,
        label=label(profile, plan),
        identities=identities(profile, plan),
        last_seen=_last_seen(profile),
        stage=profile.stage or None,
        segments=sorted(profile.segments),
        orders=profile.purchases.orders,
        revenue=Money.by_currency(profile.purchases.revenue),
        churn=churn_view(profile, plan),
        withheld=None if may_be_scored(profile, plan) else "profiling",
    )


def _last_seen(profile: Profile) -> float | None:
    done = last_done(profile)
    return done if done > 0 else None


def _segments(profile: Profile, plan: Plan) -> list[SegmentView]:
    words = {rule.name: rule.description for rule in plan.segments}
    return [
        SegmentView(name=name, since=stay.since, description=words.get(name) or None)
        for name, stay in sorted(profile.segments.items(), key=lambda item: (-item[1].since, item[0]))
    ]


def _stage(profile: Profile) -> StageView | None:
    if not profile.stage:
        return None
    earlier = [EarlierStage(stage=stage, since=since) for stage, since in profile.stages]
    return StageView(stage=profile.stage, since=profile.stage_since, earlier=earlier)


def _newest_alert(alert: Alert) -> tuple[float, str]:
    return (-alert.changed, alert.id)
