"""Customers: one by any identity, a search, lists by risk or recency."""

from __future__ import annotations

import time
from typing import Annotated, Literal
from urllib.parse import unquote

from fastapi import APIRouter, Path, Query, Request

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, viewer_of, wants
from console.api.paths import PROFILE_ID, parse_identity
from console.services.finder import MOST
from console.services.picturing import Picturing
from console.services.ports import ApiDeps
from console.views.churn import may_be_scored
from console.views.document import Page
from console.views.figures.customer_figures import CustomerFigures
from console.views.profile import ProfileSummary, ProfileView, profile_view, summary_view
from console.views.search import SearchView, search_view
from console.views.timeline import EventView, timeline_view
from profiles.identity.secrets import hashed
from profiles.search.query import LONGEST
from profiles.types import Identity, Profile

__all__ = ["Cursor", "Limit", "Who", "known_segment", "named", "profiles_router", "search_router"]

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


async def named(deps: ApiDeps, segment: str) -> tuple[Profile, Identity | None]:
    """The customer that a path names, and the identity by which it does; None for a profile's own id.

    Raises:
        ApiError: nobody is known so.
    """
    kind, value = parse_identity(segment, deps.plan)
    identity = None if kind == PROFILE_ID else (kind, value)
    id_ = value if identity is None else await deps.reader.resolve(identity)
    found = await deps.reader.profile(id_)
    if found is None:
        raise ApiError(404, "unknown_profile", f"no customer is known as {unquote(segment)}")
    about(found.id)
    return found, identity


async def known_segment(deps: ApiDeps, name: str) -> None:
    """See that there is a segment, of the plan or, while workers still know another plan, in the index.

    Raises:
        ApiError: there is none.
    """
    if all(rule.name != name for rule in deps.plan.segments) and name not in await deps.reader.segment_sizes():
        raise ApiError(404, "unknown_segment", f"there is no segment {name[:200]!r}; /v1/segments lists them")


def search_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/search."""
    router = APIRouter(route_class=guarded(deps), tags=["profiles"])

    @router.get("/search", summary="Find customers and companies by what people remember of them")
    @wants("profiles:read", audit="search")
    async def search(
        request: Request,
        q: Annotated[
            str,
            Query(
                min_length=1,
                max_length=LONGEST,
                description="Name, e-mail address, telephone, number of an order or a ticket, or an id; the beginning "
                "is enough, of a telephone number its end. TYPE:VALUE for an identity of one type. Companies by what "
                "events call them, and by their name where that is nobody's.",
                examples=["daan web"],
            ),
        ],
        limit: Annotated[int, Query(ge=1, le=MOST, description="Most customers.")] = MOST,
    ) -> SearchView:
        began = time.perf_counter()
        about(hashed(deps.plan.pii_key, "query", q.strip().casefold()))  # the same query has the same hash
        names = viewer_of(request).sees_names
        found = await deps.finder.find(deps.reader, deps.plan, q, limit, whole=not names)
        return search_view(found, deps.plan, time.perf_counter() - began, masked=not names)

    return router


def profiles_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/profiles."""
    router = APIRouter(route_class=guarded(deps), prefix="/profiles", tags=["profiles"])
    picturing = Picturing(deps.plan, deps.findings)

    async def known(segment: str) -> Profile:
        return (await named(deps, segment))[0]

    @router.get("", summary="List customers", responses=describe_errors(404))
    @wants("profiles:read")
    async def profiles(
        order: Annotated[Literal["risk", "recent"], Query(description="Highest risk or latest event first.")] = "risk",
        segment: Annotated[str | None, Query(description="Only its members; with order=risk.")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ProfileSummary]:
        if segment is not None:
            await known_segment(deps, segment)
        if order == "risk":
            ranked, following = await deps.reader.by_risk(segment=segment, limit=limit, cursor=cursor)
            rows = [row for row in ranked if may_be_scored(row, deps.plan)]
        elif segment is None:
            rows, following = await deps.reader.recent(limit=limit, cursor=cursor)
        else:
            raise ApiError(400, "invalid_request", "segment goes with order=risk; or use /v1/segments/{name}/members")
        return Page(data=[summary_view(row, deps.plan) for row in rows], next=following)

    @router.get("/{identity}", summary="A customer", responses=describe_errors(404))
    @wants("profiles:read", one=True, audit="profile.view")
    async def profile(identity: Who) -> ProfileView:
        found = await known(identity)
        advice = await deps.adviser(found) if may_be_scored(found, deps.plan) else None
        return profile_view(found, await deps.now(), deps.plan, advice)

    @router.get("/{identity}/figures", summary="What a customer comes to", responses=describe_errors(404))
    @wants("profiles:read", one=True, audit="profile.view")
    async def figures(identity: Who) -> CustomerFigures:
        found = await known(identity)
        advice = await deps.adviser(found) if may_be_scored(found, deps.plan) else None
        return await picturing(found, await deps.now(), advice)

    @router.get("/{identity}/events", summary="A customer's latest events", responses=describe_errors(404))
    @wants("events:read", one=True, audit="profile.events")
    async def events(
        identity: Who,
        limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, description="A profile keeps the latest 24.")] = MAX_EVENTS,
    ) -> Page[EventView]:
        return Page(data=timeline_view(await known(identity), limit, deps.plan), next=None)

    return router
