"""The support API as one ASGI application."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.security import HTTPBearer

from console.api.analysing.analyses_routes import analyses_router
from console.api.analysing.today_routes import today_router
from console.api.companies import companies_router
from console.api.company_joins import company_joins_router
from console.api.compatible.profile_api import profile_api_router
from console.api.compatible.profile_api_paths import ProfileApiPaths
from console.api.entrance.audit_routes import audit_router
from console.api.entrance.callers import Callers, require
from console.api.entrance.reveal_routes import reveal_router
from console.api.entrance.tokens_routes import tokens_router
from console.api.entrance.users_routes import users_router
from console.api.error_answers import describe_errors, handle_errors
from console.api.identities import identities_router
from console.api.live import live_router
from console.api.matters.alerts import alerts_router
from console.api.matters.cases import cases_router
from console.api.models import models_router
from console.api.operating.deliveries_routes import deliveries_router
from console.api.operating.pipeline_routes import pipeline_router
from console.api.operations import clock_router, operations_router, rejected_router
from console.api.parameters import known_parameters
from console.api.paths import IdentityPaths
from console.api.privacy import privacy_router
from console.api.profiles import profiles_router, search_router
from console.api.quick_read import add_quick_read
from console.api.reference.docs import add_docs
from console.api.segments import segments_router
from console.api.tracking_plan import plan_router
from console.services.ports import ApiDeps

__all__ = ["create_api"]

LARGEST_BODY = 64 * 1024
"""Bytes of a request's body."""

_SCHEME = HTTPBearer(
    auto_error=False, description="Of `rapport tokens`; `api_token` of rapport.json, or RAPPORT_API_TOKEN."
)

DESCRIPTION = """Live customer profiles, with churn risk, reasons, segments and alerts.

Send `Authorization: Bearer TOKEN` with everything below `/v1`; `x-scopes` of each path are what the token must have.
Lists answer `{"data": […], "next": cursor}`; give the cursor back as `cursor` until `next` is null. Every error is
`{"code", "message"}`. A query parameter that a route does not have is refused with 400, never ignored.
"""


def create_api(deps: ApiDeps) -> FastAPI:
    """Build the application. Further routers (the collector's) may be included in it.

    Args:
        deps: what it reads from and writes to; closing them is the caller's.
    """
    app = FastAPI(
        title="Rapport support API", version=_version(), description=DESCRIPTION, openapi_url=None,
        redirect_slashes=False,  # a redirect would name the host that was asked, which anybody may make up
    )  # fmt: skip
    v1 = APIRouter(
        prefix="/v1",
        dependencies=[Depends(_SCHEME), Depends(known_parameters)],  # the scheme is for its description: see `guard`
        responses=describe_errors(400, 401, 403, 429, "default"),
        max_body_size=LARGEST_BODY,
    )
    for build in (
        profiles_router, search_router, companies_router, company_joins_router, identities_router, privacy_router,
        segments_router, analyses_router, today_router, models_router, alerts_router, cases_router, live_router,
        plan_router, audit_router, clock_router, rejected_router, pipeline_router, deliveries_router, users_router,
        tokens_router, reveal_router, profile_api_router,
    ):  # fmt: skip
        v1.include_router(build(deps))
    app.include_router(v1)
    add_quick_read(app, deps)

    callers = Callers(deps.access, deps.token, deps.ways.proxy)

    async def operator(request: Request) -> None:
        if not deps.open_operations:
            require(await callers.of(request), "pipeline:read")

    async def reader(request: Request) -> None:
        if not deps.open_docs and not deps.open_operations:
            await callers.of(request)

    app.include_router(operations_router(deps.checks, deps.paused, deps.plans, operator))
    app.add_middleware(IdentityPaths)
    app.add_middleware(ProfileApiPaths)
    add_docs(app, reader)
    handle_errors(app)
    return app


def _version() -> str:
    try:
        return version("rapport-cdp")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0"
