"""A case of a customer or a company as people and tools read it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.views.churn import may_be_scored
from console.views.document import Document, Money, Page, Risk, Time
from console.views.label import label
from models.cases.routes import severest
from models.cases.worth import FORMULA, FORMULA_OF_CONTRACTS, formula_of
from plan import Plan
from profiles.types import Case, CaseEntry, Profile

__all__ = ["AssigneeView", "CasePage", "CaseRowView", "CaseView", "Tally", "case_row_view", "case_view"]


class EntryView(Document):
    """Something that happened to a case, or a note about it."""

    at: Time
    action: str = Field(
        description="opened, joined (a further rule), routed (to another owner), acknowledged, assigned, snoozed, "
        "woken, resolved, cleared, reopened, merged; note."
    )
    by: str | None = Field(description="A person; null if nobody decided it.")
    text: str | None = Field(description="Which rules, who, until when, with which outcome, why; what a note says.")


class RuleView(Document):
    """A rule whose alert belongs to the case."""

    name: str
    description: str | None
    severity: str | None
    since: Time


class AtRiskView(Document):
    """What is likely to be lost with the customer."""

    money: Money
    at: Time
    formula: str = Field(FORMULA, examples=[FORMULA, FORMULA_OF_CONTRACTS])


class CaseView(Document):
    """What people have to do with one customer, or one company: one open matter, whichever alerts it came from."""

    id: str
    profile: str = Field(description="Profile id; of a company that of its document.")
    grain: str = Field(description="customer or company.")
    company: str | None = Field(description="Of a company: what events call it; null of a customer.")
    kind: str = Field(description="retention, or win_back of who has left.")
    state: str = Field(description="new, acknowledged, snoozed, resolved (by a person) or cleared (by itself).")
    opened: Time
    changed: Time
    rules: list[RuleView] = Field(description="The first to open first.")
    severity: str | None = Field(description="That of its severest rule; null if the plan has none of them any more.")
    risk: Risk | None = Field(description="As of opening, as `reasons`; null without a score, as is `value_at_risk`.")
    as_of: Time | None
    reasons: list[str] = Field(description="Why it opened, in words as of then; those of now are the customer's.")
    value_at_risk: AtRiskView | None
    owner: str | None = Field(description="The team or person to whom the plan's routes, or a person, gave it.")
    assignee: str | None = Field(description="The person who has it.")
    outcome: str | None = Field(description="stayed, left, no_answer, wrong or not_worth.")
    until: Time | None = Field(description="When a snooze ends by itself.")
    until_worse: bool = Field(description="A snooze ends when the risk is 0.1 higher, a rule joins, or they complain.")
    notes: list[EntryView] = Field(description="The latest 10.")
    history: list[EntryView] = Field(description="The latest 20, those of the customer's earlier cases included.")


class CaseRowView(CaseView):
    """A row of the list: the case, and whose it is."""

    label: str = Field(description='What the customer or company is called; "" for a visitor nobody knows.')
    stage: str | None
    segments: list[str]
    band: str | None
    risk_now: Risk | None
    health: float | None = Field(description="Of a company, 0 to 100; null of a customer, and where it is not known.")


class AssigneeView(Document):
    """Somebody who can be given a case."""

    name: str = Field(description="As `assign` takes it.")
    kind: Literal["person", "team"] = Field(description="person: who has an account here; team: whom the plan names.")


class Tally(Document):
    """How many cases there are, and what is at risk with them."""

    count: int
    value_at_risk: Money


class CasePage(Page[CaseRowView]):
    """A page of cases, with how many there are in each state."""

    previous: str | None = Field(None, description='`cursor` of the page before, "" of the first one; null on it.')
    start: int | None = Field(None, description="How many come before this page; null in later pages of those done.")
    total: int | None = Field(None, description="In all pages, under filters and state; null of those done.")
    as_of: Time | None = Field(
        None,
        description="Of a later page: when its first one was read, in whose order it is; none comes twice or is left "
        "out. null on the first page, of those done, and where that order is not known any more.",
    )
    counts: dict[str, Tally] = Field(description="By state, under the other filters; `done` ones without filters.")


def case_view(profile: Profile, case: Case, plan: Plan) -> CaseView:
    """The case of a customer or a company, without what is left of a score that may not be shown."""
    return CaseView(**_fields(profile, case, plan))


def case_row_view(profile: Profile, case: Case, plan: Plan, *, masked: bool = False) -> CaseRowView:
    """A row of the list of cases.

    Args:
        profile: whose it is.
        case: theirs.
        plan: says what rules are.
        masked: for somebody who may not see personal data.
    """
    scored = profile.score is not None and may_be_scored(profile, plan)
    return CaseRowView(
        **_fields(profile, case, plan),
        label=label(profile, plan, masked=masked),
        stage=profile.stage or None,
        segments=sorted(profile.segments),
        band=profile.score.band if scored and profile.score else None,
        risk_now=profile.score.risk if scored and profile.score else None,
        health=health.value if profile.company is not None and (health := profile.company.health) else None,
    )


def _fields(profile: Profile, case: Case, plan: Plan) -> dict[str, object]:
    scored = may_be_scored(profile, plan)
    known = {rule.name: rule for rule in plan.alerts}
    worth = case.value if scored else None
    return {
        "id": case.id,
        "profile": profile.id,
        "grain": "customer" if profile.company is None else "company",
        "company": None if profile.company is None else profile.company.key,
        "kind": case.kind,
        "state": case.state,
        "opened": case.opened,
        "changed": case.changed,
        "rules": [
            RuleView(
                name=name,
                description=(rule.description or None) if (rule := known.get(name)) else None,
                severity=rule.severity if rule else None,
                since=since,
            )
            for name, since in sorted(case.rules.items(), key=lambda item: (item[1], item[0]))
        ],
        "severity": severest(case.rules, known),
        "risk": case.risk if scored else None,
        "as_of": (case.as_of or None) if scored else None,
        "reasons": case.reasons if scored else [],
        "value_at_risk": None
        if worth is None
        else AtRiskView(money=Money.of_minor(worth, plan.currency), at=case.valued_at, formula=formula_of(profile)),
        "owner": case.owner or None,
        "assignee": case.assignee or None,
        "outcome": case.outcome or None,
        "until": case.until or None,
        "until_worse": case.worse,
        "notes": [_entry(one) for one in case.notes],
        "history": [_entry(one) for one in case.history],
    }


def _entry(entry: CaseEntry) -> EntryView:
    return EntryView(at=entry.at, action=entry.action, by=entry.by or None, text=entry.text or None)
