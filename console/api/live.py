"""Server-sent events: what is committed, as it is committed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse

from console.access.masking import Sight, masked, sight_of
from console.access.scopes import Scope, Viewer
from console.api.entrance.callers import Callers, require
from console.api.error_answers import ApiError
from console.api.guard import guarded, viewer_of, wants
from console.http.event_stream import Event, event_stream
from console.services.ports import ApiDeps
from console.views.companies import summary_of_company
from console.views.operating.pipeline import RawEventView
from console.views.profile import summary_view
from profiles.types import Profile
from streams.watching.raw_feed import WhichEvents

__all__ = ["live_router"]

_BETWEEN = 0.25  # seconds between two looks at raw events

_LOOK = 30.0
"""Seconds after which it is looked anew whether who listens still may."""

_KINDS: Mapping[str, Scope] = {
    "profile": "profiles:read", "company": "profiles:read", "gone": "profiles:read", "alert": "alerts:read",
    "case": "alerts:read", "notice": "models:read", "event": "pipeline:read",
}  # fmt: skip
"""What is told, and the scope that each asks for besides that of the feed."""


def live_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/live."""
    router = APIRouter(route_class=guarded(deps), tags=["live"])
    callers = Callers(deps.access, deps.token, deps.ways.proxy)

    @router.get(
        "/live",
        summary="Changes of profiles and alerts as they happen; raw events as they come",
        description="Server-sent events with JSON data: `profile`, a row of the list of customers; `company`, one of "
        "the list of companies; `gone`, the id of one who was erased or merged into another; `alert`, as in the list "
        "of alerts; `case`, as on the topic `cases`; `notice`, news of the models. With `kind=event`, raw events as "
        "they come, personal data masked: "
        "`event`, a sample of at most 40 a second, narrowed by `source`, `event`, `user` and `only_bad`; `sample`, how "
        "many of those that `came` were `shown`, and the `trouble` if nothing can be read. A comment every 15 s while "
        "nothing happens. There is no replay: after reconnecting, read what is shown anew.",
        response_class=EventSourceResponse,
    )
    @wants("events:read")
    async def live(
        request: Request,
        kind: Annotated[
            Literal["profile", "company", "gone", "alert", "case", "notice", "event"] | None,
            Query(description="Only these."),
        ] = None,
        source: Annotated[str, Query(max_length=200, description="With `kind=event`: only of this source.")] = "",
        event: Annotated[str, Query(max_length=500, description="Only this event, as its sender names it.")] = "",
        user: Annotated[str, Query(max_length=500, description="Only of this userId or anonymousId.")] = "",
        only_bad: Annotated[bool, Query(description="Only rejected or flagged ones.")] = False,
    ) -> EventSourceResponse:
        viewer = viewer_of(request)
        if kind is not None:
            require(viewer, _KINDS[kind])

        async def still_in() -> bool:
            try:
                return (await callers.of(request)).scopes == viewer.scopes
            except ApiError:
                return False

        wanted = WhichEvents(source, event, user, only_bad)
        if kind == "event":
            told = _raw(deps, wanted, still_in)
        elif wanted != WhichEvents():
            raise ApiError(400, "invalid_request", "source, event, user and only_bad narrow `kind=event` alone")
        else:
            told = _events(deps, kind, viewer, still_in)
        return event_stream(told)

    return router


async def _events(
    deps: ApiDeps, kind: str | None, viewer: Viewer, still_in: Callable[[], Awaitable[bool]]
) -> AsyncIterator[Event]:
    """Until who listens goes, or may no more: whoever was put out hears nothing half a minute later."""
    kinds = {name for name, scope in _KINDS.items() if viewer.may(scope)} if kind is None else {kind}
    sight = sight_of(viewer, deps.plan)
    subscription, looked = deps.feed.subscribe(), time.monotonic()
    async with aclosing(subscription):  # type: ignore[type-var]
        yield Event(comment="connected")
        async for event in subscription:
            if event.kind not in kinds:
                continue
            if time.monotonic() - looked > _LOOK:
                if not await still_in():
                    return
                looked = time.monotonic()
            yield Event(_json(event.data, sight), event=event.kind, id=event.id)


async def _raw(deps: ApiDeps, wanted: WhichEvents, still_in: Callable[[], Awaitable[bool]]) -> AsyncIterator[Event]:
    looked = time.monotonic()
    yield Event(comment="connected")
    with deps.raw.watch(wanted) as watcher:
        while True:
            for row in await watcher.take(1.0):
                yield Event(RawEventView.of(row).model_dump_json(), event="event", id=row.id)
            told = {"shown": watcher.shown, "came": watcher.came, "trouble": watcher.trouble}
            yield Event(orjson.dumps({**told, "reading": watcher.reading}).decode(), event="sample")
            await asyncio.sleep(_BETWEEN)
            if time.monotonic() - looked > _LOOK:
                if not await still_in():
                    return
                looked = time.monotonic()


def _json(data: Profile | dict[str, Any], sight: Sight) -> str:
    if isinstance(data, Profile) and data.company is not None:
        return masked(summary_of_company(data), sight).model_dump_json()
    if isinstance(data, Profile):
        return masked(summary_view(data, sight.plan), sight).model_dump_json()
    return orjson.dumps(data).decode()
