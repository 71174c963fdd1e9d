"""What the audit trail says, as people and tools read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field

from console.views.document import Document, Page, Time
from streams.audit.trail import AuditRow

__all__ = ["ACTIONS", "AuditPage", "AuditView"]


class AuditView(Document):
    """Something that somebody did."""

    at: Time
    actor: str = Field(
        description="The account, or the token, by name; of a command, the machine's user; empty where nobody is known."
    )
    via: str = Field(
        description="page, api, embed (a frame or an app in another tool), command, or oidc: the provider said so."
    )
    action: str = Field(examples=["profile.view"])
    object: str = Field(description="What it was about: a profile id, or a model, a split… Never personal data.")
    token: str = Field(description="Id of the token; empty for a session.")
    address: str = Field(description="Where the request came from; of a command, the machine.")
    fields: list[str] = Field(description="What was revealed, decided or given.")
    reason: str
    result: str = Field(description="ok, or the status that was answered.")

    @classmethod
    def of_row(cls, row: AuditRow) -> Self:
        """What a record says."""
        return cls.of(row, fields=list(row.fields))


class AuditPage(Page[AuditView]):
    """One page of what people did."""

    unreadable: int = Field(0, description="Records that were passed over: damaged, or of something else.")


ACTIONS: Mapping[str, str] = {
    "profile.view": "looked",
    "embed.token": "let a frame show customers",
    "profile.events": "read the events",
    "profile.links": "looked why these are one customer",
    "profile.explain": "looked why the risk is as it is",
    "profile.reveal": "revealed personal data",
    "profile.export": "exported",
    "profile.join": "joined",
    "profile.split": "split",
    "profile.erase": "erased",
    "erasure.lift": "lifted an erasure",
    "company.view": "looked at a company",
    "company.events": "read a company's events",
    "company.erase": "erased a company",
    "company.export": "exported a company",
    "company.join": "joined companies",
    "company.unjoin": "took companies apart",
    "search": "searched",
    "table.csv": "took a table as CSV",
    "analysis.customers": "looked who is behind a figure",
    "case.decide": "decided on a case",
    "alert.decide": "decided on an alert",
    "model.promote": "promoted a model",
    "model.release": "let the models decide again",
    "model.rollback": "rolled the models back",
    "rejected.replay": "replayed what was rejected",
    "source.resume": "resumed a source",
    "deliveries.replay": "put back what a sink was not told",
    "deliveries.enable": "let a sink be told again",
    "deliveries.reconcile": "compared what a sink was told with the store",
    "sign-in": "signed in",
    "session.end": "ended a session",
    "password.change": "changed the password",
    "user.add": "added a person",
    "user.change": "changed a person",
    "user.link": "made a sign-in link",
    "user.password": "gave a person a password",
    "user.remove": "removed a person",
    "token.add": "made a token",
    "token.rotate": "rotated a token",
    "token.revoke": "revoked a token",
}
"""By what the trail calls it, in words of pages."""
