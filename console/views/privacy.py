"""What the support API answers on privacy: receipts of erasures, and exports."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from console.views.documents import Document, EventView, ProfileView, Time

__all__ = ["ErasureReceipt", "Export", "ExportedEvent", "ExportedTrait", "RemainsView", "RemovedView"]


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
    subject: str = Field(description="The keyed hash that keeps the customer from coming back.")
    removed: list[RemovedView]
    remains: list[RemainsView]


class ExportedTrait(Document):
    """A trait, what it is for, and who answers for it."""

    name: str
    value: Any
    since: Time
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


class Export(Document):
    """All that is known about a customer."""

    profile: ProfileView
    traits: list[ExportedTrait]
    events: list[ExportedEvent] = Field(description="All of them, the oldest first.")
    missing: str | None = Field(description="Why events are missing, if any are.")
    latest_events: list[EventView] = Field(description="Where `events` is missing: what the profile itself keeps.")
