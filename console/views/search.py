"""What a search has found, as people and tools read it."""

from __future__ import annotations

from pydantic import Field

from console.services.finder import COMPANY, Hit, Hits
from console.views.churn import churn_view
from console.views.companies import summary_of_company
from console.views.document import Document, Risk, Time
from console.views.label import label
from plan import Plan
from profiles.doings import last_done

__all__ = ["MatchView", "SearchHit", "SearchView", "search_view"]


class MatchView(Document):
    """What of a customer was found."""

    kind: str = Field(
        description="name, email, phone, order, ticket, company, the type of an identity, or profile_id.",
        examples=["email"],
    )
    value_masked: str = Field(description="As much of it as tells it from another.", examples=["d…@example.com"])


class SearchHit(Document):
    """A customer, or a company, that was found."""

    profile: str = Field(description="Profile id.")
    company: str | None = Field(None, description="What events call it, where it is a company; null of a customer.")
    label: str = Field(description='What the customer is called; "" for a visitor nobody knows.')
    matched: MatchView
    exact: bool = Field(description="It is an identity as a whole, found by key.")
    risk: Risk | None = Field(description="null without a score, and for who does not allow profiling.")
    band: str | None
    stage: str | None
    last_seen: Time | None


class SearchView(Document):
    """An answer to a search."""

    data: list[SearchHit] = Field(description="Exact identities first.")
    took_ms: float = Field(description="In the console, from the question to here.")
    more: bool = Field(description="There are more, or the time was over: type more.")
    timed_out: bool = Field(description="Not done in time: who is not here may be found if asked again.")


_NOBODYS = frozenset({"order", "ticket", "profile_id", COMPANY})
"""What is searched for that is not personal."""


def search_view(found: Hits, plan: Plan, took: float, *, masked: bool = False) -> SearchView:
    """An answer.

    Args:
        found: who, and by what.
        plan: knows what customers are called.
        took: seconds.
        masked: for somebody who may not see personal data. They find by a whole identity only: by beginnings they
            could find out letter by letter what they may not see.
    """
    rows = [_row(hit, plan, masked) for hit in found.hits if not masked or hit.exact or hit.kind in _NOBODYS]
    return SearchView(data=rows, took_ms=round(1000 * took, 1), more=found.more, timed_out=found.timed_out)


def _row(hit: Hit, plan: Plan, masked: bool) -> SearchHit:
    profile = hit.profile
    if profile.company is not None:
        return _company(hit, plan)
    churn, done = churn_view(profile, plan), last_done(profile)
    return SearchHit(
        profile=profile.id,
        label=label(profile, plan, masked=masked),
        matched=MatchView(kind=hit.kind, value_masked=_masked(hit, plan)),
        exact=hit.exact,
        risk=None if churn is None else churn.risk,
        band=None if churn is None else churn.band,
        stage=profile.stage or None,
        last_seen=done if done > 0 else None,
    )


def _company(hit: Hit, plan: Plan) -> SearchHit:
    shown = summary_of_company(hit.profile)
    return SearchHit(
        profile=shown.id,
        company=shown.company,
        label=(shown.name if plan.searchable.companies else None) or shown.company,
        matched=MatchView(kind=hit.kind, value_masked=_masked(hit, plan)),
        exact=hit.exact,
        risk=shown.risk,
        band=shown.band,
        stage=shown.stage,
        last_seen=shown.last_seen,
    )


def _masked(hit: Hit, plan: Plan) -> str:
    kind, value = hit.kind, hit.value
    if kind in _NOBODYS:
        return value
    if kind == "name":
        return " ".join(f"{word[0]}." for word in value.split()[:4])
    if kind == "email":
        return f"{value[:1]}…@{value.rpartition('@')[2]}"
    if kind == "phone":
        digits = "".join(sign for sign in value if sign.isdigit())
        return f"… {digits[-2:] if hit.exact else digits[1::-1]}"
    rule = next((rule for rule in plan.identities if rule.type == kind), None)
    return value if rule is not None and rule.pii == "none" else f"…{value[-2:]}"
