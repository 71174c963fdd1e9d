"""Who a customer is, as people and tools read it: names, traits, companies, what is claimed, what they allow."""

from __future__ import annotations

from math import isfinite
from typing import Any, Literal, Self

from pydantic import Field

from console.views.document import Document, Time
from plan import Plan
from profiles.claims import believed_traits
from profiles.companies.affiliation import spans_of
from profiles.companies.sharing import ERASED_COMPANY
from profiles.consent import said
from profiles.types import Identity, Profile

__all__ = [
    "ClaimsView", "ConsentView", "Figure", "IdentityView", "MembershipView", "ThinIdentity", "claims_view",
    "consent_view", "identities", "memberships", "strongest_first",
]  # fmt: skip


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


class ConsentView(Document):
    """Whether a customer allows one purpose."""

    status: Literal["granted", "denied"]
    source: Literal["customer", "claimed", "default"] = Field(
        description="Whether the customer said so; a browser or phone whose owner nobody knows, with a key that "
        "anybody can read; or nobody, and the plan's default holds."
    )
    since: Time | None = Field(description="When the customer last said so; null for a default.")
    event: str | None = Field(description="Digest of the event that said so, 16 hex digits; null for a default.")


def strongest_first(kind: str, plan: Plan) -> tuple[int, str]:
    """Sorts types of identities as the plan does; those that it does not know come last."""
    return next((rule.priority for rule in plan.identities if rule.type == kind), len(plan.identities) + 1), kind


def identities(profile: Profile, plan: Plan) -> list[IdentityView]:
    return [
        IdentityView.of(ThinIdentity.of_plan((kind, value), plan), first_seen=first)
        for kind in sorted(profile.identities, key=lambda kind: strongest_first(kind, plan))
        for value, first in sorted(profile.identities[kind].items(), key=lambda item: (item[1], item[0]))
    ]


def memberships(profile: Profile) -> list[MembershipView]:
    members = profile.affiliation.members if profile.affiliation is not None else {}
    return [
        MembershipView(company=company, since=members[company].first, until=until if isfinite(until) else None)
        for company, (_, until) in sorted(spans_of(members).items(), key=lambda item: (members[item[0]].first, item[0]))
        if company != ERASED_COMPANY
    ]


def claims_view(profile: Profile) -> ClaimsView | None:
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


def consent_view(profile: Profile, purpose: str, plan: Plan) -> ConsentView:
    word = said(profile, purpose)
    return ConsentView(
        status="granted" if plan.consent.allows(profile, purpose) else "denied",
        source="default" if word is None else "claimed" if word.claimed else "customer",
        since=None if word is None else word.at,
        event=None if word is None else word.event.hex(),
    )
