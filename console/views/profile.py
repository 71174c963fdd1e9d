"""A customer as people and tools read them: the documents, and the pure functions that make them of what is stored.

Everything that shows a customer (support API, command line, pages) goes through `profile_view`, so that no figure is
worked out twice.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field

from console.views.document import Document, Money, Risk, Time
from models.churn.counterfactuals import Counterfactual
from models.churn.outlook import Outlook
from models.churn.panel import basis
from models.churn.reasons import departure, explain
from models.config import Definition
from models.durations import DAY
from models.features.orders import occasions
from models.features.readers import is_open, lasting, subscriptions_of
from models.segments.alert_document import alert_document
from plan import Plan
from profiles.claims import believed_traits
from profiles.companies.affiliation import spans_of
from profiles.consent import PROFILING, is_consent, said
from profiles.doings import last_done
from profiles.state import latest_of
from profiles.types import Alert, Identity, Profile, Score, Ticket

__all__ = [
    "Advice", "AlertView", "ProfileSummary", "ProfileView", "ThinIdentity", "alert_view", "may_be_scored",
    "profile_view", "strongest_first", "summary_view",
]  # fmt: skip

STEADY = 0.02
"""A risk that moved by less than this, in either direction, is shown as steady."""

Trend = Literal["new", "rising", "falling", "steady"]


class Advice(NamedTuple):
    """What would lower a risk, the model that says so, and what is to be expected."""

    model: str
    counterfactuals: list[Counterfactual] | None  # None while the band is low
    outlook: Outlook | None = None


class ThinIdentity(Document):
    """A name that a customer is known by."""

    type: str = Field(examples=["user_id"])
    value: str = Field(examples=["42"])
    hashed: bool = Field(
        description="The value is a keyed hash. Ask for the customer by the plain one, or by `TYPE:hashed:VALUE`."
    )

    @classmethod
    def of_plan(cls, identity: Identity, plan: Plan) -> Self:
        """An identity as profiles hold it, of this plan."""
        hashed = any(rule.type == identity[0] and rule.hashed for rule in plan.identities)
        return cls(type=identity[0], value=identity[1], hashed=hashed)


class IdentityView(ThinIdentity):
    """A customer's identity."""

    first_seen: Time


class Figure(Document):
    """A trait: the value of the latest event that set it."""

    value: Any
    at: Time
    claimed: bool = Field(False, description="Said with a key that anybody can read.")


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


class ReasonView(Document):
    """One share of a risk. Contributions and the model's baseline add up to the log-odds of the risk."""

    feature: str
    text: str = Field(description="In words.")
    effect: Literal["raises", "lowers"]
    contribution: float = Field(description="Log-odds; positive raises the risk.")
    value: float = Field(description="Of the feature, in its own unit.")


class CounterfactualView(Document):
    """Something that would lower a risk, by what the model says of customers of whom it is true."""

    action: str = Field(
        description="order, solve_tickets, visit, login, use, complaint, payment, subscription or click."
    )
    text: str = Field(description="In words.", examples=["The open ticket solved"])
    risk: Risk = Field(description="What the risk would be.")


class AheadView(Document):
    """One point of what is to be expected."""

    weeks: int = Field(description="From the score on.")
    here: float = Field(description="Chance that the customer is still there then.")
    ordered: float = Field(description="Chance of an order by then.")


class IntervalView(Document):
    """A number and how sure it is."""

    low: float = Field(description="Nine in ten lie above.")
    middle: float
    high: float = Field(description="One in ten lies above.")


class OutlookView(Document):
    """What is to be expected of a customer, by their orders and visits."""

    model: str
    curve: list[AheadView]
    next_order: IntervalView | None = Field(
        description="Weeks until the next order, with the median, if there is one; null: hardly to be expected."
    )
    year: IntervalView = Field(
        description="Revenue of a year if the customer stays, with its mean: major units of the plan's currency."
    )
    at_risk: float = Field(
        description="What of that is likely to be lost: the mean times the chance that they are lost."
    )


class DepartureView(Document):
    """When a customer has left, and why."""

    around: Time = Field(description="The last thing that they did as a customer.")
    text: str = Field(examples=["Has probably left, around 3 May 2026, after: 2 payments refused in the last 30 days"])


class ChurnView(Document):
    """A churn risk, never without its model, its time and its reasons."""

    risk: Risk = Field(description="Probability of no purchase within the plan's horizon.")
    band: str = Field(examples=["high"])
    trend: Trend = Field(description="Against `previous`; `new` when there is none, `steady` within 2 points of it.")
    previous: float | None = Field(
        description="The risk about a week before; null while the same kind of model said none."
    )
    previous_at: Time | None
    scored_at: Time
    model: str
    spoke: str = Field(
        description="What stands behind the risk, in words: something learned, or rules before anything is.",
        examples=["rules set by hand, before anything is learned"],
    )
    left: float | None = Field(None, description="Chance that the customer has left for good; null: not known yet.")
    leaving: float | None = Field(
        None, description="Chance that they are still here and leave within the plan's `leaving_within`; null as well."
    )
    departure: DepartureView | None = Field(
        None, description="Of who has left with a chance of .75 or more: a risk says nothing any more of them."
    )
    reasons: list[ReasonView] = Field(description="What went wrong for the customer first, then the strongest.")
    would_lower: list[CounterfactualView] | None = Field(
        None,
        description="What would lower the risk by a point or more: the strongest first, at most 3; "
        "null in lists, and while the band is low.",
    )
    would_lower_model: str | None = Field(
        None, description="The model that says so: of the kind that scored, as it is now; the champion if it is gone."
    )
    outlook: OutlookView | None = Field(
        None, description="What is to be expected from `scored_at` on, by what the model knows now; null in lists."
    )


class DefinedChurnView(Document):
    """What is known by a further definition of churn."""

    name: str = Field(examples=["cancels"])
    description: str
    stage: Literal["active", "at_risk", "ended"]
    words: str = Field(description="The stage as the plan calls it.", examples=["may cancel"])
    since: Time
    churn: ChurnView | None = Field(description="null once it has ended, and for who does not allow profiling.")


class ConsentView(Document):
    """Whether a customer allows one purpose."""

    status: Literal["granted", "denied"]
    source: Literal["customer", "claimed", "default"] = Field(
        description="Whether the customer said so; a browser or phone whose owner nobody knows, with a key that "
        "anybody can read; or nobody, and the plan's default holds."
    )
    since: Time | None = Field(description="When the customer last said so; null for a default.")
    event: str | None = Field(description="Digest of the event that said so, 16 hex digits; null for a default.")


Withheld = Annotated[
    Literal["profiling"] | None,
    Field(description="What the customer does not allow, for which `churn` is null; null if nothing is paused."),
]


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
    found: str | None = Field(description='"load": it opened in events of the past; told if it still held.')


class MembershipView(Document):
    """A company that a customer is, or was, a member of."""

    company: str = Field(description="As events name it.", examples=["acme"])
    since: Time = Field(description="The first event that named it.")
    until: Time | None = Field(description="When the membership ended; null while it lasts.")


class ClaimsView(Document):
    """What was said of the customer with a key that anybody can read, and does not count."""

    traits: dict[str, Figure] = Field(
        description="Other than those that count; `consent.PURPOSE` is what was said of a purpose."
    )
    unlinked: dict[str, Time] = Field(
        description="Types of identities of people that were named and not believed, with the latest time."
    )


class ProfileView(Document):
    """One customer."""

    id: str = Field(description="Profile id, 22 characters.")
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
    churns: list[DefinedChurnView] = Field(description="By further definitions of churn that the customer is one of.")


class ProfileSummary(Document):
    """One row of a list of customers."""

    id: str
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
        identities=_identities(profile, plan),
        traits={
            name: Figure(value=value, at=at, claimed=name not in profile.traits)
            for name, (value, at, _) in sorted(believed_traits(profile).items())
            # A removed trait is kept only to win over late events; consent has a place of its own.
            if value is not None and not is_consent(name)
        },
        companies=_memberships(profile),
        claims=_claims(profile),
        first_seen=profile.created or 0.0,
        last_seen=_last_seen(profile),
        activity={source: ActivityView.of(activity) for source, activity in sorted(profile.activity.items())},
        purchases=_purchases(profile, now),
        subscriptions=_subscriptions(profile),
        support=_support(profile),
        churn=_churn(profile, plan, advice),
        withheld=None if may_be_scored(profile, plan) else "profiling",
        consent={purpose: _consent(profile, purpose, plan) for purpose in plan.consent.purposes},
        segments=_segments(profile, plan),
        lifecycle=_stage(profile),
        alerts=[alert_view(profile, alert, plan) for alert in sorted(profile.alerts.values(), key=_newest_alert)],
        churns=[view for definition in plan.churn.definitions if (view := _defined(profile, definition, plan))],
    )


def summary_view(profile: Profile, plan: Plan) -> ProfileSummary:
    """One row of a list of customers."""
    return ProfileSummary(
        id=profile.id,
        identities=_identities(profile, plan),
        last_seen=_last_seen(profile),
        stage=profile.stage or None,
        segments=sorted(profile.segments),
        orders=profile.purchases.orders,
        revenue=Money.by_currency(profile.purchases.revenue),
        churn=_churn(profile, plan),
        withheld=None if may_be_scored(profile, plan) else "profiling",
    )


def may_be_scored(profile: Profile, plan: Plan) -> bool:
    """Whether a score may be shown, also one that was stored before the plan's default became "denied"."""
    return plan.consent.allows(profile, PROFILING)


def alert_view(profile: Profile, alert: Alert, plan: Plan) -> AlertView:
    """An alert about a customer, with why it was raised in words, if a score may be shown."""
    return AlertView.of(alert_document(profile, alert, may_be_scored(profile, plan)))


def strongest_first(kind: str, plan: Plan) -> tuple[int, str]:
    """Sorts types of identities as the plan does; those that it does not know come last."""
    return next((rule.priority for rule in plan.identities if rule.type == kind), len(plan.identities) + 1), kind


def _last_seen(profile: Profile) -> float | None:
    done = last_done(profile)
    return done if done > 0 else None


def _identities(profile: Profile, plan: Plan) -> list[IdentityView]:
    return [
        IdentityView.of(ThinIdentity.of_plan((kind, value), plan), first_seen=first)
        for kind in sorted(profile.identities, key=lambda kind: strongest_first(kind, plan))
        for value, first in sorted(profile.identities[kind].items(), key=lambda item: (item[1], item[0]))
    ]


def _memberships(profile: Profile) -> list[MembershipView]:
    members = profile.affiliation.members if profile.affiliation is not None else {}
    return [
        MembershipView(company=company, since=members[company].first, until=until if isfinite(until) else None)
        for company, (_, until) in sorted(spans_of(members).items(), key=lambda item: (members[item[0]].first, item[0]))
    ]


def _claims(profile: Profile) -> ClaimsView | None:
    claims = profile.claims
    if claims is None:
        return None
    believed = believed_traits(profile)
    traits = {
        name: Figure(value=value, at=at, claimed=True)
        for name, (value, at, _) in sorted(claims.traits.items())
        if name not in believed or believed[name][0] != value  # what somebody else has said as well is confirmed
    }
    return ClaimsView(traits=traits, unlinked=dict(sorted(claims.unlinked.items())))


def _purchases(profile: Profile, now: float) -> PurchaseView:
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


def _subscriptions(profile: Profile) -> list[SubscriptionView]:
    last = {subscription.id for subscription in lasting(profile)}
    return [
        SubscriptionView(
            id=each.id or None,
            state="active" if each.id in last else "ended",
            started=each.started or None,
            ended=each.ended or None,
        )
        for each in sorted(subscriptions_of(profile), key=lambda each: (each.id not in last, -latest_of(each), each.id))
    ]


def _usual_gap_days(profile: Profile) -> float | None:
    """Mean days between orders, as the reasons tell it; None before the second."""
    times = occasions(profile)
    bought = profile.purchases
    return round((bought.last - bought.first) / DAY / (times - 1), 3) if times > 1 else None


def _support(profile: Profile) -> SupportView:
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


def _defined(profile: Profile, definition: Definition, plan: Plan) -> DefinedChurnView | None:
    held = (profile.churns or {}).get(definition.name)
    if held is None or not held.stage:
        return None
    return DefinedChurnView(
        name=definition.name,
        description=definition.description,
        stage=held.stage,
        words=getattr(definition.words, held.stage),
        since=held.stage_since,
        churn=_view(profile, held.score, plan),
    )


def _churn(profile: Profile, plan: Plan, advice: Advice | None = None) -> ChurnView | None:
    return _view(profile, profile.score, plan, advice)


def _view(profile: Profile, score: Score | None, plan: Plan, advice: Advice | None = None) -> ChurnView | None:
    if score is None or not may_be_scored(profile, plan):
        return None
    return ChurnView.of(
        score,
        trend=_trend(score),
        previous_at=(score.previous_at or None) if score.previous is not None else None,
        scored_at=score.at,
        spoke=basis(score.model),
        departure=DepartureView.of(gone) if (gone := departure(profile, score)) else None,
        reasons=explain(profile, score.reasons, score),
        would_lower=advice.counterfactuals if advice else None,
        would_lower_model=advice.model if advice and advice.counterfactuals is not None else None,
        outlook=OutlookView.of(advice.outlook) if advice and advice.outlook else None,
    )


def _consent(profile: Profile, purpose: str, plan: Plan) -> ConsentView:
    word = said(profile, purpose)
    return ConsentView(
        status="granted" if plan.consent.allows(profile, purpose) else "denied",
        source="default" if word is None else "claimed" if word.claimed else "customer",
        since=None if word is None else word.at,
        event=None if word is None else word.event.hex(),
    )


def _trend(score: Score) -> Trend:
    if score.previous is None:
        return "new"
    moved = score.risk - score.previous
    if abs(moved) < STEADY:
        return "steady"
    return "rising" if moved > 0 else "falling"


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
