"""Alerts: the list, and a person's decisions, which go through the profile's one writer."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, wants
from console.api.profiles import Cursor, Limit
from console.services.ports import ApiDeps
from console.views.document import Page
from console.views.matters.alerts import AlertRow, alert_row
from profiles.types import Alert, AlertCommand, Profile

__all__ = ["Decision", "alerts_router"]

_BECOMES = {"acknowledge": "acknowledged", "resolve": "resolved"}
_OVER = frozenset({"resolved", "cleared"})
_LOOK = 0.05
"""Seconds between looks at whether a decision has been carried out."""


class Decision(BaseModel):
    """Who decided, and why."""

    model_config = ConfigDict(extra="forbid")

    by: str = Field(default="", max_length=200, description="Who.")
    note: str = Field(default="", max_length=2000, description="Why, or what was done.")


def alerts_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/alerts."""
    router = APIRouter(route_class=guarded(deps), prefix="/alerts", tags=["alerts"])

    @router.get("", summary="Alerts, the newest first")
    @wants("alerts:read")
    async def alerts(
        state: Annotated[
            Literal["open", "acknowledged", "resolved", "cleared"] | None,
            Query(description="Only those in this state."),
        ] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[AlertRow]:
        rows, following = await deps.reader.alerts(state=state, limit=limit, cursor=cursor)
        profiles = await deps.reader.profiles([id_ for id_, _ in rows])
        data = [alert_row(profiles.get(id_) or Profile(id=id_), alert, deps.plan) for id_, alert in rows]
        return Page(data=data, next=following)

    @router.post(
        "/{alert}/{action}",
        summary="Acknowledge or resolve an alert",
        description="200 with the alert once the decision is carried out; 202 with the alert as it still is when that "
        "takes longer than five seconds. The decision is safe in both cases.",
        responses={202: {"model": AlertRow, "description": "Accepted"}, **describe_errors(404, 409)},
    )
    @wants("alerts:write", audit="alert.decide")
    async def decide(
        alert: str, action: Literal["acknowledge", "resolve"], response: Response, decision: Decision | None = None
    ) -> AlertRow:
        profile, now = await _known(alert)
        about(alert)
        target = _BECOMES[action]
        if now.state == target:
            return alert_row(await _profile(profile), now, deps.plan)
        if now.state in _OVER:
            raise ApiError(409, "alert_over", f"the alert is already {now.state}; there is nothing to {action}")
        said = decision or Decision()
        await deps.commands.send(AlertCommand(profile, alert, action, await deps.now(), said.by, said.note))
        until = time.monotonic() + deps.wait
        while now.state != target and time.monotonic() < until:
            await asyncio.sleep(_LOOK)
            profile, now = await _known(alert)
        if now.state != target:
            response.status_code = 202
        return alert_row(await _profile(profile), now, deps.plan)

    async def _known(alert: str) -> tuple[str, Alert]:
        found = await deps.reader.alert(alert)
        if found is None:
            raise ApiError(404, "unknown_alert", f"there is no alert {alert!r}")
        return found

    async def _profile(id_: str) -> Profile:
        return await deps.reader.profile(id_) or Profile(id=id_)

    return router
