"""What a list of cases is chosen and sorted by: a row of each, so that no document is read that is not shown."""

from __future__ import annotations

import msgspec

from profiles.cases.joining import STANDING
from profiles.companies.affiliation import companies_at
from profiles.types import Case, Profile, is_shown

__all__ = ["CaseRow", "case_row", "ended_at", "row_of"]


class CaseRow(msgspec.Struct, array_like=True, gc=False, frozen=True):
    """A case that stands, in short."""

    profile: str  # of a customer, or a company's document
    state: str
    kind: str
    opened: float
    value: int  # minor units at risk; 0 if it is not known
    owner: str
    assignee: str
    rules: list[str]
    segments: list[str]
    band: str  # "" without a score
    companies: list[str] = []  # that the customer belonged to when the case changed last; of a company itself


def case_row(profile: Profile) -> CaseRow | None:
    """The row of a case of a customer or a company; None if they have none, it is over, or the company counts for
    another one."""
    case = profile.case
    if profile.redirect or case is None or case.state not in STANDING or not is_shown(profile):
        return None
    return row_of(profile, case)


def row_of(profile: Profile, case: Case) -> CaseRow:
    """The row of a case, also of one that is over."""
    return CaseRow(
        profile.id,
        case.state,
        case.kind,
        case.opened,
        case.value or 0,
        case.owner,
        case.assignee,
        list(case.rules),
        sorted(profile.segments),
        profile.score.band if profile.score is not None and case.value is not None else "",
        [profile.company.key] if profile.company is not None else sorted(companies_at(profile, case.changed)),
    )


def ended_at(profile: Profile) -> float | None:
    """When a customer's case ended; None if they have none, or it stands."""
    case = profile.case
    if profile.redirect or case is None or case.state in STANDING or not is_shown(profile):
        return None
    return case.changed
