"""The pages of the console, as routes of the application that serves the API."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from console.access.scopes import Viewer
from console.access.sessions import Sessions
from console.api.entrance.proxied import Proxied
from console.api.error_answers import ApiError
from console.embeds.embed_routes import add_embeds
from console.pages.analysing.analyses_pages import analyses_pages_router
from console.pages.analysing.today_live import today_live_router
from console.pages.at_risk import at_risk_router
from console.pages.companies import companies_pages_router
from console.pages.customer import customer_router
from console.pages.customers import customers_router
from console.pages.entry import Entry, SignInNeeded, entry_router, to_sign_in
from console.pages.frame import Frame
from console.pages.live.boards import Boards
from console.pages.matters.deciding import deciding_router
from console.pages.operating.guide_page import guide_page_router
from console.pages.operating.jobs_page import jobs_page_router
from console.pages.operating.models_page import models_page_router
from console.pages.operating.pipeline_page import pipeline_page_router
from console.pages.plan_pages import plan_pages_router
from console.pages.reveal import reveal_page_router
from console.pages.search_page import search_pages_router
from console.pages.segments import segments_pages_router
from console.pages.settings.account_page import account_page_router
from console.pages.settings.audit_page import audit_page_router
from console.pages.settings.deliveries_page import deliveries_page_router
from console.pages.settings.tokens_page import tokens_page_router
from console.pages.settings.users_page import users_page_router
from console.pages.signing_in.back_channel import back_channel_router
from console.pages.signing_in.oidc_pages import oidc_router
from console.pages.tables.table_routes import tables_router
from console.services.ports import ApiDeps
from profiles.stores import AWAY

__all__ = ["add_pages"]

Handler = Callable[[Request, Exception], Awaitable[Response]]

_OF_PROGRAMS = ("/v1/", "/openapi.json", "/health", "/ready", "/metrics")


def add_pages(app: FastAPI, deps: ApiDeps) -> None:
    """Add the pages and what they need to an application that serves the API."""
    entry = Entry(Sessions(deps.access), deps.audit, deps.ways, Proxied(deps.access, deps.ways.proxy), deps.limiter)
    frame = Frame(deps.now, deps.plan, Boards(deps.feed), without=() if deps.plan.group else ("/companies",))
    app.include_router(entry_router(entry, frame))
    if deps.ways.provider is not None:
        app.include_router(oidc_router(deps.ways.provider, deps.access, entry, frame))
        app.include_router(back_channel_router(deps.ways.provider, deps.access, entry))
    for build in (
        at_risk_router,
        tables_router,
        deciding_router,
        guide_page_router,
        customers_router,
        search_pages_router,
        customer_router,
        reveal_page_router,
        companies_pages_router,
        plan_pages_router,
        segments_pages_router,
        analyses_pages_router,
        today_live_router,
        pipeline_page_router,
        models_page_router,
        jobs_page_router,
        account_page_router,
        users_page_router,
        tokens_page_router,
        audit_page_router,
        deliveries_page_router,
    ):
        app.include_router(build(deps, entry, frame))

    add_embeds(app, deps, entry, frame)

    async def sign_in(request: Request, _: Exception) -> Response:
        return to_sign_in(request)

    app.add_exception_handler(SignInNeeded, sign_in)
    for kind in (ApiError, HTTPException):
        app.add_exception_handler(kind, _as_page(cast(Handler, app.exception_handlers[kind]), entry, frame))


async def _viewer(entry: Entry, request: Request) -> Viewer | None:
    try:
        return await entry.viewer(request)
    except ApiError:  # whom the proxy says may not come in, which is what is told
        return None


def _as_page(answer: Handler, entry: Entry, frame: Frame) -> Handler:
    """Errors as pages for people; for programs as they were."""

    async def told(request: Request, error: Exception) -> Response:
        for_people = "text/html" in request.headers.get("accept", "")
        if not for_people or request.url.path.startswith(_OF_PROGRAMS):
            return await answer(request, error)
        if isinstance(error, ApiError):
            status, message = error.status, error.message
        else:
            status, message = cast(HTTPException, error).status_code, ""
        try:
            return await frame.page(request, await _viewer(entry, request), "problem", status=status, message=message)
        except AWAY:  # nobody knows who asks
            return await answer(request, error)

    return told
