"""A company as people and tools read it: what its members come to together, and who they are."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from console.views.alerts import AlertView
from console.views.dealings import ActivityView, PurchaseView, SubscriptionView, SupportView
from console.views.document import Document, Money, Time
from console.views.person import Figure
from console.views.profile import SegmentView, StageView, profile_view
from plan import Plan
from profiles.companies.counting import parts_of
from profiles.doings import last_done
from profiles.types import Part, Profile, is_cell

__all__ = ["CompanySummary", "CompanyView", "MemberView", "company_view", "member_views", "summary_of_company"]


class CompanyView(Document):
    """One company."""

    id: str = Field(description="Of its document: `~` and 22 characters.")
    company: str = Field(description="As events name it.")
    traits: dict[str, Figure] = Field(description="The value of the latest event that told it.")
    members: int = Field(description="Customers whose events count for it, those who have left included.")
    first_seen: Time
    last_seen: Time | None = Field(description="When a member last did something; null: nothing yet.")
    activity: dict[str, ActivityView] = Field(description="By source.")
    purchases: PurchaseView
    subscriptions: list[SubscriptionView] = Field(description="The latest, those that last first.")
    support: SupportView
    segments: list[SegmentView] = Field(description="The latest entered first.")
    lifecycle: StageView | None
    alerts: list[AlertView] = Field(description="The latest changed first.")


class CompanySummary(Document):
    """One row of a list of companies."""

    id: str
    company: str
    name: str | None = Field(description="Its trait `name`.")
    last_seen: Time | None
    stage: str | None
    segments: list[str]
    orders: int
    revenue: list[Money]


class MemberView(Document):
    """One customer of a company."""

    profile: str = Field(description="Profile id.")
    since: Time = Field(description="The first event that named the company.")
    until: Time | None = Field(description="When the membership ended; null while it lasts.")
    last_seen: Time | None
    events: int = Field(description="That count for the company.")
    limited: bool = Field(description="They allow no more to count than what was bought and paid.")


def company_view(company: Profile, members: int, now: float, plan: Plan) -> CompanyView:
    """The whole document of a company.

    Args:
        company: as stored.
        members: how many it has.
        now: seconds since the epoch.
        plan: gives segments their descriptions.
    """
    return CompanyView.of(profile_view(company, now, plan), company=_key(company), members=members)


def summary_of_company(company: Profile) -> CompanySummary:
    """One row of a list of companies."""
    done, name = last_done(company), company.traits.get("name")
    return CompanySummary(
        id=company.id,
        company=_key(company),
        name=name[0] if name is not None and isinstance(name[0], str) else None,
        last_seen=done if done > 0 else None,
        stage=company.stage or None,
        segments=sorted(company.segments),
        orders=company.purchases.orders,
        revenue=Money.by_currency(company.purchases.revenue),
    )


def member_views(documents: Sequence[Profile]) -> list[MemberView]:
    """The members of a company, those who did something last first.

    Args:
        documents: the company's, and its cells' if it is divided.
    """
    parts = {id_: part for document in documents for id_, part in parts_of(document).items() if not is_cell(id_)}
    found = [_member(id_, part) for id_, part in parts.items()]
    return sorted(found, key=lambda member: (-(member.last_seen or 0.0), member.profile))


def _key(company: Profile) -> str:
    return company.company.key if company.company is not None else ""


def _member(id_: str, part: Part) -> MemberView:
    done = last_done(part.state)
    return MemberView(
        profile=id_,
        since=part.since,
        until=part.until or None,
        last_seen=done if done > 0 else None,
        events=sum(activity.count for activity in part.state.activity.values()),
        limited=part.limited,
    )
