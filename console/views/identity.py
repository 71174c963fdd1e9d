"""What the support API answers on identities: links, refusals, splits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.views.documents import Document, Time

__all__ = ["IdentityLinks", "LinkView", "LinkedIdentity", "RefusalView", "SplitState", "SplitView", "ThinIdentity"]


class ThinIdentity(Document):
    """An identity and nothing more."""

    type: str = Field(examples=["user_id"])
    value: str = Field(examples=["42"])
    hashed: bool = Field(description="The value is a keyed hash.")


class LinkView(Document):
    """One event that made identities one customer."""

    source: str
    event: str = Field(description="Its messageId.")
    time: Time = Field(description="When it happened.")
    decided: Time = Field(description="When the link was made.")
    identities: list[ThinIdentity] = Field(description="That met in it, the strongest first.")


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


class SplitState(Document):
    """What has become of a split."""

    id: str
    state: Literal["asked", "splitting", "done"] = Field(
        description="asked: the linker has not decided yet; splitting: it is being carried out; done."
    )
    split: SplitView | None = Field(description="While it is being carried out.")
