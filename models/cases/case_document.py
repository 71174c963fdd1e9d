"""A case as everybody outside reads it: in the support API, the live feed and the topic `alerts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from profiles.times import rfc3339
from profiles.types import Case, CaseEntry

__all__ = ["CaseDocument", "EntryDocument", "case_document", "stored_case"]


@dataclass(frozen=True, slots=True)
class EntryDocument:
    """Something that happened to a case, or a note."""

    at: str
    action: str
    by: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class CaseDocument:
    """A case, ready to be written as JSON; the support API's description of it says what the fields are."""

    id: str
    profile: str
    kind: str
    state: str
    opened: str
    changed: str
    rules: dict[str, str]  # rule → since
    risk: float | None
    model: str | None
    as_of: str | None
    reasons: list[str]
    owner: str | None
    value: int | None  # minor units of the plan's currency
    valued_at: str | None
    assignee: str | None
    outcome: str | None
    until: str | None
    worse: bool
    slept_risk: float | None
    slept_complaints: int
    notes: list[EntryDocument]
    history: list[EntryDocument]
    merged: list[str]
    given: str | None = None  # when a person gave it to somebody


def case_document(profile: str, case: Case) -> CaseDocument:
    """The document of a case of this profile."""
    return CaseDocument(
        case.id,
        profile,
        case.kind,
        case.state,
        rfc3339(case.opened),
        rfc3339(case.changed),
        {rule: rfc3339(since) for rule, since in case.rules.items()},
        case.risk,
        case.model or None,
        _written(case.as_of),
        case.reasons,
        case.owner or None,
        case.value,
        _written(case.valued_at),
        case.assignee or None,
        case.outcome or None,
        _written(case.until),
        case.worse,
        case.slept_risk,
        case.slept_complaints,
        [_entry(one) for one in case.notes],
        [_entry(one) for one in case.history],
        case.merged,
        _written(case.given),
    )


def stored_case(told: CaseDocument) -> Case:
    """The case that a document was made of, its times to the microsecond."""
    return Case(
        told.id,
        told.kind,
        told.state,
        _read(told.opened),
        _read(told.changed),
        {rule: _read(since) for rule, since in told.rules.items()},
        told.risk,
        told.model or "",
        _read(told.as_of),
        told.reasons,
        told.owner or "",
        told.value,
        _read(told.valued_at),
        told.assignee or "",
        told.outcome or "",
        _read(told.until),
        told.worse,
        told.slept_risk,
        told.slept_complaints,
        [_stored(one) for one in told.notes],
        [_stored(one) for one in told.history],
        told.merged,
        _read(told.given),
    )


def _entry(entry: CaseEntry) -> EntryDocument:
    return EntryDocument(rfc3339(entry.at), entry.action, entry.by or None, entry.text or None)


def _stored(entry: EntryDocument) -> CaseEntry:
    return CaseEntry(_read(entry.at), entry.action, entry.by or "", entry.text or "")


def _written(at: float) -> str | None:
    return rfc3339(at) if at else None


def _read(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0
