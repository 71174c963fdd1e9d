"""What sinks were and are to be told, with each attempt and its answer; and how the sinks are."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from console.views.document import Document, Page, Time
from plan import Plan
from streams.records.deliveries import STATES, Attempt, Letter, Reconciled
from streams.sinks.desk import Found, SinkState

__all__ = ["STATES", "DeliveriesView", "LetterView", "ReconciledView", "SinkView", "deliveries_view"]


class AttemptView(Document):
    """One try."""

    at: Time
    seconds: float = Field(description="That it took.")
    status: int | None = Field(description="Of HTTP; null if there was none.")
    answer: str = Field(description="At most 500 characters, masked; or what went wrong.")


class LetterView(Document):
    """A message to a sink."""

    sink: str
    id: str = Field(description="As the receiver knows it; the same at each attempt.")
    state: str = Field(description="due, trying, again (it is tried again), delivered, dead, dropped (nobody is left).")
    types: list[str] = Field(description="What it tells, as alert.opened.")
    profiles: list[str]
    formed: Time
    next: Time | None = Field(description="Not before.")
    attempts: list[AttemptView]
    reason: str | None = Field(description="Of one that is dead or dropped.")
    replayed: int = Field(description="How often it was put back.")


class ReconciledView(Document):
    """How what a sink knows of segments was compared with the store."""

    began: Time
    ended: Time
    members: int = Field(description="Customers who belong into its segments, each segment counted.")
    entered: int = Field(description="Who was missing, and is told of.")
    exited: int = Field(description="Who was taken for a member, and is told to have left.")
    unnamed: int = Field(description="Members without an identity by which this sink could be told.")


class SinkView(Document):
    """How a sink is."""

    name: str
    type: str | None = Field(description="Null of one that the plan no longer has.")
    told: str | None = Field(description="What, and when, in words.")
    disabled: str | None = Field(description="Why it is told nothing any more.")
    failing_since: Time | None = Field(description="Since when every attempt has failed.")
    pending: int = Field(description="Messages to be sent, or sent again.")
    waiting: int = Field(description="Alerts that wait for others, for the morning or for a digest.")
    delivered: int = Field(description="Lately.")
    dead: int
    reconciled: ReconciledView | None = Field(
        description="The last time; null if never, or of a sink without segments."
    )
    audiences: bool = Field(description="It is told who enters and leaves segments.")
    reconcile_asked: bool = Field(description="Somebody asked for it, and it is not done yet.")


class DeliveriesView(Page[LetterView]):
    """Messages, the newest first, and the sinks."""

    sinks: list[SinkView]


def deliveries_view(found: Found, plan: Plan) -> DeliveriesView:
    """The page of what was found."""
    return DeliveriesView(
        data=[_letter(letter) for letter in found.letters], next=None, sinks=[_sink(one, plan) for one in found.sinks]
    )


def _letter(letter: Letter) -> LetterView:
    return LetterView(
        sink=letter.sink,
        id=letter.id,
        state=letter.state,
        types=list(dict.fromkeys(entry.type for entry in letter.entries)),
        profiles=list(dict.fromkeys(entry.profile for entry in letter.entries if entry.profile)),
        formed=letter.formed,
        next=letter.next or None,
        attempts=_attempts(letter.attempts),
        reason=letter.reason or None,
        replayed=letter.replayed,
    )


def _attempts(attempts: Sequence[Attempt]) -> list[AttemptView]:
    return [
        AttemptView(at=one.at, seconds=one.seconds, status=one.status or None, answer=one.answer) for one in attempts
    ]


def _sink(state: SinkState, plan: Plan) -> SinkView:
    spec = plan.file.sinks.get(state.name)
    return SinkView(
        name=state.name,
        type=spec.type if spec is not None else None,
        told=spec.in_words() if spec is not None else None,
        disabled=state.disabled or None,
        failing_since=state.failing or None,
        pending=state.pending,
        waiting=state.waiting,
        delivered=state.delivered,
        dead=state.dead,
        reconciled=_reconciled(state.reconciled),
        audiences=spec is not None and spec.keeps_audiences,
        reconcile_asked=state.asked,
    )


def _reconciled(found: Reconciled | None) -> ReconciledView | None:
    if found is None:
        return None
    return ReconciledView(
        began=found.began, ended=found.ended, members=found.members, entered=found.entered, exited=found.exited,
        unnamed=found.unnamed,
    )  # fmt: skip
