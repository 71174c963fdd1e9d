"""Server-sent events: what is committed, as it is committed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from console.api.guard import guarded
from console.services.ports import ApiDeps
from console.views.companies import summary_of_company
from console.views.profile import summary_view
from plan import Plan
from profiles.types import Profile

__all__ = ["HEARTBEAT", "live_router"]

HEARTBEAT = 15
"""Seconds between heartbeats: shorter than the idle time after which proxies close a connection."""


def live_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/live."""
    router = APIRouter(route_class=guarded(deps), tags=["live"])

    @router.get(
        "/live",
        summary="Changes of profiles and alerts as they happen",
        description="Server-sent events with JSON data: `profile`, a row of the list of customers; `company`, one of "
        "the list of companies; `gone`, the id of one who was erased or merged into another; `alert`, as in the list "
        "of alerts; `notice`, news of the models. A comment every 15 s while nothing happens. There is no replay: "
        "after reconnecting, read what is shown anew.",
        response_class=EventSourceResponse,
    )
    async def live(
        kind: Annotated[
            Literal["profile", "company", "gone", "alert", "notice"] | None, Query(description="Only these.")
        ] = None,
    ) -> EventSourceResponse:
        return EventSourceResponse(_events(deps, kind), ping=HEARTBEAT, headers={"X-Accel-Buffering": "no"})

    return router


async def _events(deps: ApiDeps, kind: str | None) -> AsyncIterator[ServerSentEvent]:
    subscription = deps.feed.subscribe()
    async with aclosing(subscription):  # type: ignore[type-var]
        yield ServerSentEvent(comment="connected")
        async for event in subscription:
            if kind is None or event.kind == kind:
                yield ServerSentEvent(_json(event.data, deps.plan), event=event.kind, id=event.id)


def _json(data: Profile | dict[str, Any], plan: Plan) -> str:
    if isinstance(data, Profile) and data.company is not None:
        return summary_of_company(data).model_dump_json()
    if isinstance(data, Profile):
        return summary_view(data, plan).model_dump_json()
    return orjson.dumps(data).decode()
