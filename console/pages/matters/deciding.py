"""What people decide on cases, on whichever page: of one or of many at once, each case a decision of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from fastapi import APIRouter, Depends, Form, Request, Response
from pydantic import StringConstraints

from console.access.scopes import Scope, Viewer
from console.api.error_answers import ApiError
from console.api.matters.cases import Action, CaseDecision, decide_case
from console.pages.frame import Frame
from console.services.ports import ApiDeps
from console.views.label import label
from models.cases.decisions import OUTCOMES
from models.cases.following import profile_of_case
from profiles.errors import RapportError
from profiles.stores import AWAY

__all__ = ["MOST", "Lets", "deciding_router"]

MOST = 200  # cases decided on at once
_AT_ONCE = 40  # decisions on their way at a time
_AWAY: tuple[type[Exception], ...] = (RapportError, *AWAY)
_HOURS = {"4h": 4, "1d": 24, "3d": 72, "7d": 168}
"""How long a snooze may last, in hours; `worse` has no end."""

_Case = Annotated[str, StringConstraints(max_length=100)]


class Lets(Protocol):
    """Who lets somebody decide: the entry of the console, or the gate of a frame in another tool."""

    def may(self, scope: Scope) -> Callable[[Request], Awaitable[Viewer]]:
        """A dependency that answers who asks, and refuses who may not."""
        ...

    def note(self, request: Request, viewer: Viewer, action: str, object_: str = "", **more: Any) -> None:
        """Write down what somebody did."""
        ...


class _Answer(NamedTuple):
    """What became of the decision on one case."""

    case: str
    profile: str
    status: int  # as of the API: 200 carried out, 202 on its way
    code: str = ""
    message: str = ""


class _Refused(NamedTuple):
    """A case on which nothing was decided, for the page."""

    profile: str
    label: str
    company: str | None  # of a company: what events call it
    code: str
    message: str


def deciding_router(deps: ApiDeps, entry: Lets, frame: Frame) -> APIRouter:
    """The route /cases/{action}: answers, as a part of a page, how many decisions were carried out, and for whom none
    was, and why. What the cases come to is told by the stream of each page."""
    router = APIRouter(include_in_schema=False)
    writes = Depends(entry.may("alerts:write"))

    @router.post("/cases/{action}")
    async def decide(
        request: Request,
        action: Action,
        case: Annotated[list[_Case], Form(min_length=1, max_length=MOST)],
        assignee: Annotated[str, Form(max_length=200)] = "",
        snooze: Annotated[Literal["4h", "1d", "3d", "7d", "worse"] | None, Form()] = None,
        outcome: Annotated[str | None, Form(max_length=20)] = None,
        note: Annotated[str, Form(max_length=2000)] = "",
        viewer: Viewer = writes,
    ) -> Response:
        if outcome is not None and outcome not in OUTCOMES:
            raise ApiError(400, "invalid_request", f"an outcome is one of {', '.join(OUTCOMES)}")
        until = None
        if snooze in _HOURS:
            until = datetime.fromtimestamp(await deps.now() + _HOURS[snooze] * 3600, UTC)
        said = CaseDecision.model_validate(
            {
                "by": viewer.name, "note": note, "outcome": outcome, "until": until, "until_worse": snooze == "worse",
                "assignee": assignee if action == "assign" else None,
            }
        )  # fmt: skip
        few = asyncio.Semaphore(_AT_ONCE)

        async def one(id_: str) -> _Answer:
            async with few:
                answer = await _decided(deps, id_, action, said, viewer)
            result = "ok" if answer.status < 300 else str(answer.status)
            # What is no case may be any text, personal data, too, which is not written down.
            whom = "" if answer.status == 404 else answer.profile
            entry.note(request, viewer, "case.decide", whom, fields=(action,), result=result)
            return answer

        answers = await asyncio.gather(*map(one, dict.fromkeys(case)))
        return await frame.part(
            request, viewer, "decided", "decided", action=action, said=said, refused=await named(answers, viewer),
            done=sum(answer.status == 200 for answer in answers),
            waiting=sum(answer.status == 202 for answer in answers),
        )  # fmt: skip

    async def named(answers: list[_Answer], viewer: Viewer) -> list[_Refused]:
        refused = [answer for answer in answers if answer.status >= 300]
        try:
            known = await deps.reader.profiles([answer.profile for answer in refused]) if refused else {}
        except AWAY:
            known = {}
        masked = not viewer.sees_names
        return [
            _Refused(
                one.profile, label(whom, deps.plan, masked=masked) if whom is not None else "",
                whom.company.key if whom is not None and whom.company is not None else None, one.code, one.message,
            )
            for one in refused
            for whom in (known.get(one.profile),)
        ]  # fmt: skip

    return router


async def _decided(deps: ApiDeps, case: str, action: Action, said: CaseDecision, viewer: Viewer) -> _Answer:
    """What became of one decision; a store or a broker that is away refuses this one, and tells nothing of others."""
    began_with = profile_of_case(case)
    try:
        profile, _, done = await decide_case(deps, case, action, said, viewer.name)
    except ApiError as error:
        return _Answer(case, began_with, error.status, error.code, error.message)
    except _AWAY:
        return _Answer(case, began_with, 503, "unavailable", "")
    return _Answer(case, profile.id, 200 if done else 202)
