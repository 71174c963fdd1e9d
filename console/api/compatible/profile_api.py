"""Segment's Profile API: what tools that were written for it ask, answered from the live profile.

Source of paths, parameters and errors: https://segment.com/docs/unify/profile-api/. The token is one of ours with
`profiles:read` (and `events:read`); a space may have any name, as there is one.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError

from console.access.masking import Sight, masked, sight_of
from console.api.companies import company_named, documents_of
from console.api.error_answers import NO_STORE, ApiError
from console.api.guard import about, guarded, viewer_of, wants
from console.api.profiles import MAX_EVENTS, named
from console.services.ports import ApiDeps
from console.views import profile_api as shapes
from console.views.companies import CompanyView, company_view
from console.views.person import IdentityView
from console.views.profile import ProfileView, profile_view
from console.views.timeline import EventView, timeline_view
from profiles.times import parse_time

__all__ = ["profile_api_router"]

_CODES = {400: "invalid_request_error", 401: "authentication_error", 403: "authorization_error", 404: "not_found",
          429: "rate_limit_error"}  # fmt: skip
_KEPT = '299 - "a profile keeps its latest events; older ones are in the archive"'

Space = Annotated[str, Path(description="Any name: there is one space.", max_length=200, examples=["rapport"])]
Collection = Annotated[Literal["users", "accounts"], Path(description="Customers, or companies.")]
External = Annotated[
    str, Path(alias="external", description="TYPE:ID; of companies group_id:ID.", examples=["user_id:42"])
]
Names = Annotated[str | None, Query(description="Only these, with commas between.", max_length=4000)]
Limit = Annotated[int, Query(ge=1, le=200, description="Rows of a page.")]
Verbose = Annotated[bool, Query(description="Each value with its time.")]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": shapes.Failure, "description": f"{status}"} for status in (400, 401, 403, 404, 429, "default")
}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def profile_api_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/spaces."""
    router = APIRouter(
        route_class=_answering_as_segment(deps),
        prefix="/spaces/{space}/collections/{collection}/profiles/{external}",
        tags=["profile api"],
        responses=_PROBLEMS,
    )

    async def seen(request: Request, collection: str, external: str) -> ProfileView | CompanyView:
        """Who is asked for, as the caller may see them."""
        view: ProfileView | CompanyView
        if collection == "users":
            found, _ = await named(deps, external)
            view = profile_view(found, await deps.now(), deps.plan)
        else:
            company = await company_named(deps, _company_key(external))
            about(company.id)
            view = company_view(company, await documents_of(deps, company), await deps.now(), deps.plan)
        return masked(view, sight(request, collection))

    def sight(request: Request, collection: str) -> Sight:
        """A company is no single customer: it holds what many said."""
        return sight_of(viewer_of(request), deps.plan, one=collection == "users")

    @router.get("/traits", summary="Traits, segments and figures of a customer")
    @wants("profiles:read", one=True, audit="profile.view")
    async def traits(
        request: Request, space: Space, collection: Collection, external: External, limit: Limit = 10,
        include: Names = None,
        kind: Annotated[shapes.Kind | None, Query(alias="class", description="audience: segments.")] = None,
        verbose: Verbose = False,
        following: Annotated[str, Query(alias="next", max_length=1000, description="Of the page before.")] = "",
    ) -> dict[str, Any]:  # fmt: skip
        view = await seen(request, collection, external)
        try:
            return shapes.traits(
                view,
                request.url.path,
                limit=limit,
                after=following,
                include=_names(include),
                kind=kind,
                verbose=verbose,
            )
        except ValueError as error:
            raise ApiError(400, "invalid_cursor", str(error)) from error

    @router.get("/external_ids", summary="What a customer is known by")
    @wants("profiles:read", one=True, audit="profile.view")
    async def external_ids(
        request: Request, space: Space, collection: Collection, external: External, limit: Limit = 25,
        include: Names = None, verbose: Verbose = False,
    ) -> dict[str, Any]:  # fmt: skip
        view = await seen(request, collection, external)
        if isinstance(view, CompanyView):
            known = [IdentityView(type="group_id", value=view.company, hashed=False, first_seen=view.first_seen)]
        else:
            known = view.identities
        return shapes.external_ids(known, collection, request.url.path, limit=limit, include=_names(include))

    @router.get("/events", summary="A customer's latest events")
    @wants("events:read", "profiles:read", one=True, audit="profile.events")
    async def events(
        request: Request, response: Response, space: Space, collection: Collection, external: External,
        limit: Limit = 10, include: Names = None, exclude: Names = None,
        start: Annotated[str | None, Query(description="Not before this time.")] = None,
        end: Annotated[str | None, Query(description="Before this time.")] = None,
        sort: Annotated[Literal["asc", "desc"], Query(description="desc: the newest first.")] = "desc",
    ) -> dict[str, Any]:  # fmt: skip
        found = (
            (await named(deps, external))[0]
            if collection == "users"
            else await company_named(deps, _company_key(external))
        )
        about(found.id)
        happened: list[EventView] = masked(timeline_view(found, MAX_EVENTS, deps.plan), sight(request, collection))
        response.headers["Warning"] = _KEPT
        return shapes.events_of(
            happened, found.id, request.url.path, limit=limit, include=_names(include), exclude=_names(exclude) or (),
            since=_time(start, -math.inf), until=_time(end, math.inf), ascending=sort == "asc",
        )  # fmt: skip

    @router.get("/metadata", summary="Since when a customer is known")
    @wants("profiles:read", one=True, audit="profile.view")
    async def metadata(
        request: Request, space: Space, collection: Collection, external: External, verbose: Verbose = False
    ) -> dict[str, Any]:
        return shapes.metadata(await seen(request, collection, external))

    @router.get("/links", summary="The companies of a customer")
    @wants("profiles:read", one=True, audit="profile.view")
    async def links(
        request: Request, space: Space, collection: Collection, external: External, limit: Limit = 20
    ) -> dict[str, Any]:
        view = await seen(request, collection, external)
        companies = [] if isinstance(view, CompanyView) else view.companies
        return shapes.links(companies, request.url.path, limit=limit)

    return router


def _names(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(filter(None, map(str.strip, text.split(","))))


def _time(text: str | None, otherwise: float) -> float:
    if text is None:
        return otherwise
    try:
        return parse_time(text)
    except ValueError:
        raise ApiError(400, "invalid_request", f"{text[:100]!r} is no time; write it as RFC 3339") from None


def _company_key(external: str) -> str:
    kind, _, key = unquote(external).partition(":")
    if kind != "group_id" or not key:
        raise ApiError(400, "invalid_identity", "write a company as group_id:ID")
    return key


def _answering_as_segment(deps: ApiDeps) -> type:
    """Guarded routes whose errors have Segment's shape, each answer with an id."""

    class Answering(guarded(deps)):  # type: ignore[misc]
        def get_route_handler(self) -> Handler:
            answer: Handler = super().get_route_handler()

            async def handler(request: Request) -> Response:
                try:
                    response = await answer(request)
                except ApiError as error:
                    response = _failed(error.status, error.message, error.headers)
                except RequestValidationError as error:
                    told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
                    response = _failed(400, told, {})
                response.headers["Request-Id"] = uuid.uuid4().hex
                return response

            return handler

    return Answering


def _failed(status: int, message: str, headers: dict[str, str]) -> Response:
    message = "Profile was not found." if status == 404 else message
    error = {"code": _CODES.get(status, "api_error"), "message": message}
    return Response(orjson.dumps({"error": error}), status, {**NO_STORE, **headers}, "application/json")
