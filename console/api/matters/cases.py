"""Cases: the list, one of them, and people's decisions, which go through the profile's one writer."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, viewer_of, wants
from console.api.profiles import Cursor, Limit
from console.services.assignees import Assignee, assignees, find_assignee
from console.services.cases import Filters, list_cases
from console.services.ports import ApiDeps
from console.views.document import Page
from console.views.matters.cases import AssigneeView, CasePage, CaseView, case_row_view, case_view
from console.views.matters.outcomes import OutcomesView, outcomes_view
from models.cases.decisions import is_carried_out
from models.cases.following import profile_of_case
from profiles.cases.joining import STANDING, answers_to
from profiles.errors import NotFound
from profiles.money import to_minor
from profiles.types import AlertCommand, Case, Profile

__all__ = ["CaseDecision", "cases_router", "decide_case"]

Action = Literal["acknowledge", "assign", "snooze", "resolve", "note"]

_NOBODY = Assignee("", "person")

_LOOK = 0.05
"""Seconds between looks at whether a decision has been carried out."""


class CaseDecision(BaseModel):
    """Who decided what, and why."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="", max_length=200, description="Who.")
    note: str = Field(default="", max_length=2000, description="Kept with the case.")
    assignee: str | None = Field(
        default=None, max_length=200, description="assign: whom to, a person or a team of /v1/people; empty for nobody."
    )
    until: AwareDatetime | None = Field(default=None, description="snooze: when it ends by itself.")
    until_worse: bool = Field(default=False, description="snooze: it ends when the customer is worse.")
    outcome: Literal["stayed", "left", "no_answer", "wrong", "not_worth"] | None = Field(
        default=None, description="resolve: what it came to."
    )


def cases_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/cases, and /v1/people."""
    router = APIRouter(route_class=guarded(deps), tags=["cases"])

    @router.get("/people", summary="Whom a case can be given to: people, then teams")
    @wants("alerts:write")
    async def people() -> Page[AssigneeView]:
        found = await assignees(deps)
        return Page(data=[AssigneeView(name=one.name, kind=one.kind) for one in found], next=None)

    @router.get("/cases", summary="Cases: who needs somebody", responses=describe_errors(400))
    @wants("alerts:read")
    async def cases(
        request: Request,
        state: Annotated[
            Literal["new", "acknowledged", "snoozed", "done"] | None,
            Query(description="Only those in this state; without it, all that are not done."),
        ] = None,
        kind: Annotated[
            Literal["retention", "win_back"] | None, Query(description="Only these; win_back: who has left.")
        ] = None,
        grain: Annotated[
            Literal["customer", "company"] | None, Query(description="Only those of customers, or of companies.")
        ] = None,
        owner: Annotated[str | None, Query(description="Only those that went to this team or person.")] = None,
        assignee: Annotated[
            str | None,
            Query(description="Only those that this person has, or that went to them and nobody has; empty: nobody's."),
        ] = None,
        segment: Annotated[str | None, Query(description="Only customers and companies in this segment.")] = None,
        band: Annotated[Literal["low", "medium", "high"] | None, Query(description="Only this band of risk.")] = None,
        rule: Annotated[str | None, Query(description="Only those that this rule belongs to.")] = None,
        severity: Annotated[
            Literal["info", "warning", "critical"] | None, Query(description="Only those whose severest rule is so.")
        ] = None,
        company: Annotated[
            str | None,
            Query(description="Only those of this company, as events name it, and of its members."),
        ] = None,
        worth: Annotated[
            Decimal | None,
            Query(ge=0, le=10**12, description="Only those with so much at risk, in the plan's currency."),
        ] = None,
        sort: Annotated[
            Literal["value_at_risk", "newest"], Query(description="What comes first; of those done, the last to end.")
        ] = "value_at_risk",
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> CasePage:
        filters = Filters(
            state, kind, grain, owner, assignee, segment, band, rule, severity, company,
            worth=None if worth is None else to_minor(worth, deps.plan.currency),
            people=() if assignee is None else await deps.access.accounts(),
            rules={known.name: known for known in deps.plan.alerts},
        )  # fmt: skip
        found = await list_cases(deps.reader, deps.cases, filters, sort, limit, cursor or None, deps.plan.currency)
        masked = not viewer_of(request).sees_names
        data = [case_row_view(one, one.case, deps.plan, masked=masked) for one in found.customers if one.case]
        return CasePage(
            data=data, next=found.following, previous=found.previous, start=found.start, total=found.total,
            counts=found.counts, as_of=found.as_of,
        )  # fmt: skip

    @router.get("/cases/outcomes", summary="How the cases of the last seven days ended")
    @wants("alerts:read")
    async def outcomes(
        kind: Annotated[
            Literal["retention", "win_back"] | None, Query(description="Only these; win_back: who has left.")
        ] = None,
        grain: Annotated[
            Literal["customer", "company"] | None, Query(description="Only those of customers, or of companies.")
        ] = None,
    ) -> OutcomesView:
        now = await deps.now()
        ended, acting = await deps.outcomes.of_the_week(deps.reader, now), await deps.outcomes.acting(deps.models)
        return outcomes_view(ended, acting, now, deps.plan, kind, grain)

    @router.get("/cases/{case}", summary="One case", responses=describe_errors(404))
    @wants("alerts:read", one=True)
    async def one_case(case: str) -> CaseView:
        profile, found = await _known(deps, case)
        return case_view(profile, found, deps.plan)

    @router.post(
        "/cases/{case}/{action}",
        summary="Acknowledge, assign, snooze, resolve a case, or add a note to it",
        description="200 with the case once the decision is carried out; 202 with the case as it still is when that "
        "takes longer than five seconds. The decision is safe in both cases.",
        responses={202: {"model": CaseView, "description": "Accepted"}, **describe_errors(400, 404, 409)},
    )
    @wants("alerts:write", audit="case.decide")
    async def decide(
        request: Request, case: str, action: Action, response: Response, decision: CaseDecision | None = None
    ) -> CaseView:
        viewer = viewer_of(request)
        who = viewer.name if viewer.via == "page" else ""  # a token is nobody whom a case can be given to
        profile, now, done = await decide_case(deps, case, action, decision or CaseDecision(), who)
        about(profile.id)
        if not done:
            response.status_code = 202
        return case_view(profile, now, deps.plan)

    return router


async def decide_case(
    deps: ApiDeps, case: str, action: Action, said: CaseDecision, who: str = ""
) -> tuple[Profile, Case, bool]:
    """Hand over a decision on a case and wait for it to be carried out.

    Args:
        deps: of the API.
        case: its id.
        action: what is decided.
        said: by whom, why, and what the action needs.
        who: asks; they may take a case themselves, wherever their account is.

    Returns:
        Whose it is, the case as it is then, and whether it was carried out; if not, it will be.

    Raises:
        ApiError: 400, the decision lacks what its action needs, or names somebody whom nobody knows; 404, there is no
            such case; 409, it is over.
    """
    profile, now = await _known(deps, case)
    at = round(await deps.now(), 6)  # as it is told to others, so that it is known again
    _check(action, said, at)
    if action == "acknowledge" and now.state == "acknowledged":
        return profile, now, True
    if now.state not in STANDING and action != "note":
        raise ApiError(409, "case_over", f"the case is already {now.state}; there is nothing to {action}")
    to = await _assignee(deps, said.assignee, who) if action == "assign" and said.assignee else _NOBODY
    person, team = (to.name, "") if to.kind == "person" else ("", to.name)
    command = AlertCommand(
        profile.id, "", action, at, said.by, said.note, case=case, outcome=said.outcome or "",
        assignee=person, team=team, until=_seconds(said.until), worse=said.until_worse,
    )  # fmt: skip
    await deps.commands.send(command)
    until = time.monotonic() + deps.wait
    while not (done := is_carried_out(now, command)) and time.monotonic() < until:
        await asyncio.sleep(_LOOK)
        profile, now = await _known(deps, case)
    return profile, now, done


async def _assignee(deps: ApiDeps, name: str, who: str) -> Assignee:
    try:
        return await find_assignee(deps, name, who)
    except NotFound as error:
        raise ApiError(400, "unknown_assignee", str(error)) from error


def _check(action: Action, said: CaseDecision, now: float) -> None:
    """See that a decision has what it needs.

    Raises:
        ApiError: 400, it does not.
    """
    lacks = {
        "assign": said.assignee is None and "assign needs an assignee; an empty one takes it from whoever has it",
        "snooze": said.until is None and not said.until_worse and "snooze needs until, or until_worse",
        "resolve": said.outcome is None and "resolve needs an outcome: stayed, left, no_answer, wrong or not_worth",
        "note": not said.note.strip() and "note needs a note",
    }.get(action)
    if not lacks and action == "snooze" and said.until is not None and _seconds(said.until) <= now:
        lacks = "until has passed"
    if lacks:
        raise ApiError(400, "invalid_request", lacks)


def _seconds(until: datetime | None) -> float:
    return until.timestamp() if until is not None else 0.0


async def _known(deps: ApiDeps, case: str) -> tuple[Profile, Case]:
    profile = await deps.reader.profile(profile_of_case(case))
    if profile is None or profile.case is None or not answers_to(profile.case, case):
        raise ApiError(404, "unknown_case", f"there is no case {case!r}; perhaps the customer has a later one")
    return profile, profile.case
