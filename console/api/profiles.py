"""Customers: one by any identity, lists by risk or recency."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from console.api.errors import ApiError, describe_errors
from console.api.paths import PROFILE_ID, parse_identity
from console.api.ports import ApiDeps
from console.documents import EventView, Page, ProfileSummary, ProfileView
from console.view import event_view, profile_view, summary_view
from profiles.timeline import latest_events
from profiles.types import Profile

__all__ = ["Cursor", "Limit", "profiles_router"]

Limit = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next` of the page before.")]
Who = Annotated[
    str,
    Path(
        alias="identity",
        description="TYPE:VALUE, URL-encoded; profile_id:ID for the profile itself.",
        examples=["user_id:42"],
    ),
]
MAX_EVENTS = 500


def profiles_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/profiles."""
    router = APIRouter(prefix="/profiles", tags=["profiles"])

    async def known(segment: str) -> Profile:
        kind, value = parse_identity(segment, deps.plan)
        id_ = value if kind == PROFILE_ID else await deps.reader.resolve((kind, value))
        found = await deps.reader.profile(id_)
        if found is None:
            raise ApiError(404, "unknown_profile", f"no customer is known as {kind}:{value}")
        return found

    @router.get("", summary="List customers", responses=describe_errors(400, 401))
    async def profiles(
        order: Annotated[Literal["risk", "recent"], Query(description="Highest risk or latest event first.")] = "risk",
        segment: Annotated[str | None, Query(description="Only its members; with order=risk.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ProfileSummary]:
        if order == "risk":
            rows, following = await deps.reader.by_risk(segment=segment, limit=limit, cursor=cursor)
        elif segment is None:
            rows, following = await deps.reader.recent(limit=limit, cursor=cursor)
        else:
            raise ApiError(400, "invalid_request", "segment goes with order=risk; or use /v1/segments/{name}/members")
        return Page(data=[summary_view(row, deps.plan) for row in rows], next=following)

    @router.get("/{identity}", summary="A customer", responses=describe_errors(400, 401, 404))
    async def profile(identity: Who) -> ProfileView:
        return profile_view(await known(identity), await deps.now(), deps.plan)

    @router.get("/{identity}/events", summary="A customer's latest events", responses=describe_errors(400, 401, 404))
    async def events(
        identity: Who,
        limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, description="A profile keeps the latest 24.")] = MAX_EVENTS,
    ) -> Page[EventView]:
        entries = latest_events(await known(identity), limit)
        return Page(data=[event_view(entry, deps.plan) for entry in entries], next=None)

    return router
