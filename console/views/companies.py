"""A company as people and tools read it: what its members come to together, and who they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from console.views.churn import ChurnView, churn_view, may_be_scored
from console.views.dealings import ActivityView, PurchaseView, SubscriptionView, SupportView
from console.views.document import Document, Money, Risk, Time
from console.views.label import label
from console.views.matters.alerts import AlertView
from console.views.matters.cases import CaseView
from console.views.person import Figure
from console.views.profile import SegmentView, StageView, profile_view
from models.companies.measures import alive, figures
from models.companies.words import part_in_words, why_no_health, why_no_risk
from plan import Plan
from profiles.companies.days import day_of, days_of
from profiles.companies.team import MONTH, week_of
from profiles.doings import last_done
from profiles.types import Part, Profile, is_company, is_joined

__all__ = [
    "CompanySummary", "CompanyView", "HealthView", "MemberView", "company_view", "key_of", "last_of",
    "member_views", "members_of", "summary_of_company",
]  # fmt: skip


class HealthPartView(Document):
    """One part of the health."""

    part: str = Field(examples=["use"])
    points: float | None = Field(description="0 to 100; null where nothing is known of it.")
    weight: float = Field(description="What it counts, by the plan.")
    text: str = Field(description="What it was judged by, or what is not known.")


class HealthView(Document):
    """How a company does, by rules that anybody can check; the risk is another question."""

    value: float | None = Field(description="0 to 100: the mean of the known parts by weight; null while under 3 are.")
    band: str | None = Field(description="green, amber, red; null without a value.")
    why: str | None = Field(description="Why there is no value, in words; null where there is one.")
    at: Time | None
    parts: list[HealthPartView]


class MeasuresView(Document):
    """What is measured of the members, as of now; null where it is not known."""

    members: int | None
    active_members: int | None = Field(description="Within 28 days.")
    active_change: float | None = Field(
        description="Active members a week against the 12 weeks before: -0.4 is 40 % fewer."
    )
    active_unusual: float | None = Field(
        description="The same in standard deviations of its own weeks: from -2.5 on it is no chance."
    )
    champions: int | None
    champions_gone: int | None = Field(description="Within 8 weeks.")
    features: int | None = Field(description="That two members or more used within 28 days.")
    seats: int | None
    seats_used: float | None = Field(description="Share; may be above 1.")
    seats_free: int | None
    silent_members: float | None = Field(description="Share of the members who have probably stopped.")
    silent_use: float | None = Field(description="The same, by how much each used it.")
    silent_worth: float | None = Field(description="The same, by what each bought for.")
    silent_most: float | None = Field(description="The highest chance of any member.")


class JoinedView(Document):
    """A company that counts for another one, on a person's word."""

    company: str = Field(description="As events name it.")
    into: str = Field(description="The other one.")
    at: Time
    by: str | None
    reason: str | None


class CompanyView(Document):
    """One company."""

    id: str = Field(description="Of its document: `~` and 22 characters.")
    company: str = Field(description="As events name it.")
    traits: dict[str, Figure] = Field(description="The value of the latest event that told it.")
    members: int = Field(description="Customers whose events count for it, those who have left included.")
    joined: list[JoinedView] = Field(description="Companies that count for this one, or this one for another.")
    measures: MeasuresView
    health: HealthView
    churn: ChurnView | None = Field(description="The risk of the company; null of one that cannot leave.")
    no_churn: str | None = Field(description="Why there is none, in words; null where there is one.")
    churn_means: str = Field(description="What the risk is about.", examples=["no subscription left within 13 weeks"])
    first_seen: Time
    last_seen: Time | None = Field(description="When a member last did something; null: nothing yet.")
    activity: dict[str, ActivityView] = Field(description="By source.")
    purchases: PurchaseView
    subscriptions: list[SubscriptionView] = Field(description="The latest, those that last first.")
    support: SupportView
    segments: list[SegmentView] = Field(description="The latest entered first.")
    lifecycle: StageView | None
    alerts: list[AlertView] = Field(description="The latest changed first.")
    case: CaseView | None = Field(description="What people have to do with the company, or had last.")


class CompanySummary(Document):
    """One row of a list of companies."""

    id: str
    company: str
    name: str | None = Field(description="Its trait `name`; null, too, for who may not see it.")
    last_seen: Time | None
    stage: str | None
    health: float | None = Field(description="0 to 100; null while too little is known.")
    risk: Risk | None = Field(description="null of one that cannot leave.")
    band: str | None = Field(description="Of the risk.")
    segments: list[str]
    orders: int
    revenue: list[Money]


class MemberView(Document):
    """One customer of a company."""

    company: str = Field(description="Whose member they are: the company itself, or one that was joined with it.")
    profile: str = Field(description="Profile id.")
    label: str = Field("", description='What the customer is called; "" for a visitor nobody knows.')
    since: Time = Field(description="The first event that named the company.")
    until: Time | None = Field(description="When the membership ended; null while it lasts.")
    last_seen: Time | None
    events: int = Field(description="That count for the company.")
    limited: bool = Field(description="They allow no more to count than what was bought and paid.")
    key: bool = Field(description="Their trait says that they matter most.")
    active_days: int | None = Field(
        description="Days of the last 28 on which they worked with it; null of who is limited."
    )
    stopped: float | None = Field(description="Chance that they work with it no more; null of who never did, or left.")
    risk: Risk | None = Field(
        None,
        description="Their own churn risk, by the definition that their stage goes by; null without one, or without "
        "leave to profile.",
    )
    band: str | None = None


def company_view(company: Profile, documents: Sequence[Profile], now: float, plan: Plan) -> CompanyView:
    """The whole document of a company.

    Args:
        company: as stored.
        documents: its own, its cells', and those of the companies that count for it.
        now: seconds since the epoch.
        plan: gives segments their descriptions.
    """
    assert plan.judging is not None
    churn = churn_view(company, plan, whole=True)
    return CompanyView.of(
        profile_view(company, now, plan),
        company=key_of(company),
        members=len({id_ for id_, _ in members_of(documents)}),
        joined=[view for one in documents if (view := _joined(one)) is not None],
        measures=MeasuresView(**{name: value for name, value in figures(company, now) if name != "health"}),
        health=_health(company),
        churn=churn,
        no_churn=None if churn is not None else why_no_risk(company, now, plan.judging.ground),
        churn_means=plan.judging.means,
    )


def summary_of_company(company: Profile) -> CompanySummary:
    """One row of a list of companies."""
    done, name = last_done(company), company.traits.get("name")
    return CompanySummary(
        id=company.id,
        company=key_of(company),
        name=name[0] if name is not None and isinstance(name[0], str) else None,
        last_seen=done if done > 0 else None,
        stage=company.stage or None,
        health=health.value if (health := company.company.health if company.company else None) else None,
        risk=company.score.risk if company.score else None,
        band=company.score.band if company.score else None,
        segments=sorted(company.segments),
        orders=company.purchases.orders,
        revenue=Money.by_currency(company.purchases.revenue),
    )


Membership = tuple[str, str]
"""(profile id, the company that the events name)."""


def members_of(documents: Sequence[Profile]) -> dict[Membership, bytes]:
    """What each member's events come to, packed.

    Args:
        documents: the company's, its cells' if it is divided, and those of the companies that count for it.
    """
    return {
        (id_, one.company.key): packed
        for one in documents
        if one.company is not None
        for id_, packed in one.company.shares.items()
        if not is_company(id_)
    }


def member_views(
    members: Mapping[Membership, Part], profiles: Mapping[str, Profile], now: float, plan: Plan
) -> list[MemberView]:
    """Some members of a company, in the given order.

    Args:
        members: what their events come to for it.
        profiles: of those of them that are there.
        now: seconds.
        plan: says whose risk may be shown.
    """
    return [_member(of, part, profiles.get(of[0]), now, plan) for of, part in members.items()]


def last_of(part: Part) -> float:
    """When a member last did something; 0 for never."""
    return max(last_done(part.state), 0.0)


def key_of(company: Profile) -> str:
    """The company as events name it."""
    return company.company.key if company.company is not None else ""


def _health(company: Profile) -> HealthView:
    health = company.company.health if company.company is not None else None
    if health is None:
        return HealthView(value=None, band=None, why=why_no_health(None), at=None, parts=[])
    parts = [
        HealthPartView(part=part.name, points=part.points, weight=part.weight, text=part_in_words(part))
        for part in health.parts
    ]
    why = None if health.value is not None else why_no_health(health)
    return HealthView(value=health.value, band=health.band or None, why=why, at=health.at, parts=parts)


def _joined(company: Profile) -> JoinedView | None:
    held = company.company
    if held is None or held.joined is None or not is_joined(company):
        return None
    said = held.joined
    return JoinedView(company=held.key, into=said.into, at=said.at, by=said.by or None, reason=said.reason or None)


def _member(of: Membership, part: Part, profile: Profile | None, now: float, plan: Plan) -> MemberView:
    done, (latest, bits) = last_of(part), days_of(part.days)
    ago = day_of(now) - latest
    within = bits & ((1 << max(MONTH - ago, 0)) - 1) if bits else 0
    assert plan.judging is not None
    shown = profile is not None and may_be_scored(profile, plan)
    score = plan.judging.lifecycles.score(profile, now) if profile is not None and shown else None
    return MemberView(
        profile=of[0],
        label=label(profile, plan) if profile is not None else "",
        company=of[1],
        since=part.since,
        until=part.until or None,
        last_seen=done if done > 0 else None,
        events=sum(activity.count for activity in part.state.activity.values()),
        limited=part.limited,
        key=part.key,
        active_days=None if part.limited else within.bit_count(),
        stopped=None if part.until or not bits else _stopped(latest, bits, now),
        risk=score.risk if score else None,
        band=score.band if score else None,
    )


def _stopped(latest: int, bits: int, now: float) -> float:
    weeks = {week_of(latest - ago) for ago in range(bits.bit_length()) if bits >> ago & 1}
    spanned = max(weeks) - min(weeks) + 1
    return 1.0 - alive(len(weeks), spanned, spanned + max(week_of(day_of(now)) - max(weeks) - 1, 0))
