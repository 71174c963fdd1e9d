"""Who is who, as people and tools read it: links, refusals, splits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from console.views.document import Document, Time
from console.views.person import ThinIdentity, strongest_first
from plan import Plan
from profiles.identity.links import Link, Linked, PendingSplit, Refusal
from profiles.types import Identity, Profile

__all__ = [
    "IdentityLinks",
    "JoinState",
    "RefusalView",
    "SplitState",
    "SplitView",
    "identity_links",
    "refusal_view",
    "split_view",
]


class LinkView(Document):
    """One event that made identities one customer."""

    source: str
    event: str = Field(description="Its messageId.")
    time: Time = Field(description="When it happened.")
    decided: Time = Field(description="When the link was made.")
    identities: list[ThinIdentity] = Field(description="That met in it, the strongest first.")
    by: str = Field("", description="The person on whose word it was made; then `event` is the id of that.")


class LinkedIdentity(ThinIdentity):
    """An identity of a customer and how it came to be one."""

    home: str = Field(description="Id of the profile that it is by itself; its events arrive there.")
    links: list[LinkView] = Field(description="What made it join; none for the one that the others joined.")
    apart_from: list[ThinIdentity] = Field(description="What it must not be together with, since a split.")


class RefusalView(LinkView):
    """A link that was not made."""

    refused: list[ThinIdentity] = Field(description="The identities that were left out.")
    reason: str


class IdentityLinks(Document):
    """How a customer came to be one."""

    profile: str
    being_split: bool = Field(description="It is being taken apart, and for some seconds it is not whole.")
    identities: list[LinkedIdentity] = Field(description="The strongest first.")
    refused: list[RefusalView] = Field(description="Of the latest refusals, those that concern it.")


class SplitView(Document):
    """A split."""

    id: str
    profile: str = Field(description="That is taken apart.")
    identity: ThinIdentity = Field(description="That was linked wrongly.")
    apart_from: list[ThinIdentity]
    profiles: list[str] = Field(description="What it becomes.")
    at: Time
    by: str


class JoinState(Document):
    """What has become of a join."""

    id: str
    state: Literal["asked", "done"] = Field(description="asked: the linker has not decided yet; done.")


class SplitState(Document):
    """What has become of a split."""

    id: str
    state: Literal["asked", "splitting", "done"] = Field(
        description="asked: the linker has not decided yet; splitting: it is being carried out; done."
    )
    split: SplitView | None = Field(description="While it is being carried out.")


def identity_links(
    profile: Profile, linked: Linked, apart: dict[Identity, list[Identity]], refused: Iterable[Refusal], plan: Plan
) -> IdentityLinks:
    """How a customer came to be one.

    Args:
        profile: the customer.
        linked: the identities of the customer, and what made each of them join.
        apart: of any identity, those that it must not be together with.
        refused: the latest refusals, of all customers.
        plan: orders identities, and says which are hashed.
    """
    held = sorted(linked.identities, key=lambda identity: (strongest_first(identity[0], plan), identity[1]))
    return IdentityLinks(
        profile=profile.id,
        being_split=profile.splitting is not None and not profile.splitting.done,
        identities=[
            LinkedIdentity.of(
                ThinIdentity.of_plan(identity, plan),
                home=plan.home(identity),
                links=[_link_view(link, plan) for link in linked.links.get(identity, ())],
                apart_from=_thin(apart.get(identity, ()), plan),
            )
            for identity in held
        ],
        refused=[refusal_view(one, plan) for one in refused if not set(held).isdisjoint(one.identities)],
    )


def refusal_view(refusal: Refusal, plan: Plan) -> RefusalView:
    """A link that was not made."""
    return RefusalView.of(refusal, identities=_thin(refusal.identities, plan), refused=_thin(refusal.refused, plan))


def split_view(split: PendingSplit, plan: Plan) -> SplitView:
    """A split that is not finished."""
    return SplitView.of(
        split,
        identity=ThinIdentity.of_plan(split.identity, plan),
        apart_from=_thin(split.apart, plan),
        profiles=sorted(set(split.winners.values())),
    )


def _link_view(link: Link, plan: Plan) -> LinkView:
    return LinkView.of(link, identities=_thin(link.identities, plan))


def _thin(identities: Iterable[Identity], plan: Plan) -> list[ThinIdentity]:
    return [ThinIdentity.of_plan(identity, plan) for identity in identities]
