"""What the audit trail says, as people and tools read it."""

from __future__ import annotations

from pydantic import Field

from console.views.document import Document, Page, Time

__all__ = ["AuditPage", "AuditView"]


class AuditView(Document):
    """Something that somebody did."""

    at: Time
    actor: str = Field(description="The account, or the token, by name; empty where nobody is known.")
    via: str = Field(description="page or api.")
    action: str = Field(examples=["profile.view"])
    object: str = Field(description="What it was about: a profile id, or a model, a split… Never personal data.")
    token: str = Field(description="Id of the token; empty for a session.")
    address: str = Field(description="Where the request came from.")
    fields: list[str] = Field(description="What was revealed, decided or given.")
    reason: str
    result: str = Field(description="ok, or the status that was answered.")


class AuditPage(Page[AuditView]):
    """One page of what people did."""

    unreadable: int = Field(0, description="Records that were passed over: damaged, or of something else.")
