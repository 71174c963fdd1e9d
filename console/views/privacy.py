"""Privacy as people and tools read it: receipts of erasures, and all that is known of a customer, for the customer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from console.views.companies import CompanyView, company_view, members_of
from console.views.document import Document, Money, Time
from console.views.profile import ProfileView, profile_view
from console.views.timeline import EventView, timeline_view
from models.durations import DAY
from plan import Plan
from plan.model import Trait
from profiles.companies.counting import read_part
from profiles.ledger.entries import ROLES, entries_of
from profiles.traces.begun import begun_of
from profiles.traces.looked import looked_of
from profiles.traces.mementos import mementos_of
from profiles.traces.taking import BY_DAY
from profiles.types import Event, Profile

__all__ = ["CompanyExport", "ErasureReceipt", "Export", "LiftedView", "company_export_view", "export_view"]

_MAX_TIMELINE = 500


class RemovedView(Document):
    """Something that is gone."""

    where: str
    what: str
    count: int


class RemainsView(Document):
    """Something that is not gone yet."""

    where: str
    what: str = Field(description="What it is, and what is done about it.")
    until: Time | None = Field(description="When it is deleted; null where there is no fixed end.")


class ErasureReceipt(Document):
    """What an erasure did. It holds no personal data."""

    id: str
    at: Time
    by: str
    state: Literal["done", "pending"]
    subject: str = Field(description="The keyed hash that keeps the customer or company from coming back.")
    removed: list[RemovedView]
    remains: list[RemainsView]


class LiftedView(Document):
    """That an erased identity, or company, may come back. It holds no personal data."""

    id: str
    subject: str = Field(description="The keyed hash that kept it away, as on the receipt of its erasure.")
    since: Time = Field(description="What happened before stays away.")
    at: Time = Field(description="When it was decided.")
    by: str = Field(description="Who decided it; empty where another customer's event says that it is theirs.")
    reason: str


class ExportedTrait(Document):
    """A trait, what it is for, and who answers for it."""

    name: str
    value: Any
    since: Time
    claimed: bool = Field(description="Said with a key that anybody can read.")
    pii: str | None = Field(description="Class of personal data, of the tracking plan; null if it is not planned.")
    description: str | None
    purpose: str | None
    owner: str | None


class ExportedEvent(Document):
    """An event, what it was collected for, and who answers for it."""

    time: Time
    received: Time
    source: str
    type: str
    name: str
    message_id: str
    properties: dict[str, Any]
    context: dict[str, Any]
    description: str | None
    purpose: str | None
    owner: str | None


class CountedView(Document):
    """An order, a refund, a payment, a start or end of a subscription, as the profile has counted it."""

    role: str
    time: Time
    amount: Money | None
    items: float
    category: str | None


class MementoView(Document):
    """An answer, a contact, a complaint, a search…, as the profile keeps the latest few."""

    kind: str
    at: Time
    what: str
    more: str
    rating: float | None


class Export(Document):
    """All that is known about a customer."""

    profile: ProfileView
    traits: list[ExportedTrait]
    events: list[ExportedEvent] = Field(description="All of them, the oldest first.")
    missing: str | None = Field(description="Why events are missing, if any are.")
    counted: list[CountedView] = Field(
        description="What the profile keeps, apart from any event, of what adds up; the oldest first."
    )
    kept: list[MementoView] = Field(
        description="The latest few of each kind that the profile keeps beside; oldest first."
    )
    latest_events: list[EventView] = Field(description="Where `events` is missing: what the profile itself keeps.")


def export_view(profile: Profile, events: list[Event], missing: str | None, now: float, plan: Plan) -> Export:
    """All that is known about a customer.

    Args:
        profile: the customer.
        events: of the history.
        missing: why events are missing, if any are.
        now: as of `profile_view`.
        plan: says what each trait and event is for.
    """
    return Export(
        profile=profile_view(profile, now, plan),
        traits=[
            _trait(name, value, at, claimed, plan)
            for claimed, traits in ((False, profile.traits), (True, profile.claims.traits if profile.claims else {}))
            for name, (value, at, _) in sorted(traits.items())
            if value is not None
        ],
        events=[_event(event, plan) for event in sorted(events, key=lambda event: event.time)],
        missing=missing,
        counted=_counted(profile),
        kept=_kept(profile),
        latest_events=timeline_view(profile, _MAX_TIMELINE, plan) if missing else [],
    )


class Membership(Document):
    """That somebody belongs to a company; what they are called, and what they did, is theirs."""

    profile: str = Field(description="Profile id.")
    company: str = Field(description="By which name their events call it.")
    since: Time
    until: Time | None
    events: int = Field(description="That count for the company.")


class CompanyExport(Document):
    """All that is known about a company as such, without what its people are."""

    company: CompanyView
    traits: list[ExportedTrait]
    memberships: list[Membership] = Field(description="The earliest first.")
    counted: list[CountedView] = Field(description="What was bought, paid back, paid and subscribed, the oldest first.")


def company_export_view(company: Profile, documents: Sequence[Profile], now: float, plan: Plan) -> CompanyExport:
    """All that is known about a company as such.

    Args:
        company: as stored.
        documents: as of `company_view`.
        now: seconds.
        plan: says what each trait is for.
    """
    rules = plan.file.groups[plan.group].traits
    members = {of: read_part(packed) for of, packed in members_of(documents).items()}
    return CompanyExport(
        company=company_view(company, documents, now, plan),
        traits=[
            _exported(name, value, at, rules.get(name))
            for name, (value, at, _) in sorted(company.traits.items())
            if value is not None
        ],
        memberships=[
            Membership(
                profile=profile,
                company=called,
                since=part.since,
                until=part.until or None,
                events=sum(activity.count for activity in part.state.activity.values()),
            )
            for (profile, called), part in sorted(members.items(), key=lambda one: (one[1].since, one[0]))
        ],
        counted=_counted(company),
    )


def _counted(profile: Profile) -> list[CountedView]:
    entries = [] if profile.ledger is None else entries_of(profile.ledger)
    return [
        CountedView(
            role=ROLES[entry.kind],
            time=entry.time,
            amount=Money.of_minor(entry.amount, entry.currency) if entry.currency else None,
            items=entry.quantity,
            category=entry.category or None,
        )
        for entry in sorted(entries, key=lambda entry: (entry.time, entry.kind, entry.key, entry.part))
    ]


def _kept(profile: Profile) -> list[MementoView]:
    if profile.traces is None:
        return []
    found = [
        MementoView(
            kind=kind,
            at=each.at * DAY if kind in BY_DAY else each.at,
            what=each.what,
            more=each.more,
            rating=float(each.value) if each.value else None,
        )
        for kind, held in sorted(profile.traces.kept.items())
        for each in mementos_of(held)
    ]
    found += [
        MementoView(kind="looked", at=day * DAY, what=product, more="", rating=None)
        for day, product in looked_of(profile.traces.looked)
    ]
    found += [
        MementoView(kind="came", at=each.second, what=each.origin, more=f"{each.channel} {each.device}", rating=None)
        for each in begun_of(profile.traces.begun)
    ]
    return sorted(found, key=lambda each: (each.at, each.kind, each.what))


def _trait(name: str, value: object, since: float, claimed: bool, plan: Plan) -> ExportedTrait:
    return _exported(name, value, since, plan.traits.get(name), claimed=claimed)


def _exported(name: str, value: object, since: float, rule: Trait | None, *, claimed: bool = False) -> ExportedTrait:
    return ExportedTrait(
        name=name,
        value=value,
        since=since,
        claimed=claimed,
        pii=rule.pii if rule else None,
        description=rule.description if rule else None,
        purpose=rule.why if rule else None,
        owner=rule.owner if rule else None,
    )


def _event(event: Event, plan: Plan) -> ExportedEvent:
    rule = plan.event(event.source, event.type, event.name if event.type in ("track", "page", "screen") else "")
    return ExportedEvent.of(
        event,
        message_id=event.id,
        properties=event.properties or event.traits or (event.claim.traits if event.claim else {}),
        description=rule.description if rule else None,
        purpose=rule.why if rule else None,
        owner=rule.owner if rule else None,
    )
