"""The pages of the console, as routes of the application that serves the API."""

from __future__ import annotations

from fastapi import FastAPI, Request, Response

from console.access.sessions import Sessions
from console.api.error_answers import ApiError
from console.pages.at_risk import at_risk_router
from console.pages.customer import customer_router
from console.pages.customers import customers_router
from console.pages.entry import Entry, SignInNeeded, entry_router, to_sign_in
from console.pages.frame import Frame
from console.pages.statics import statics_router
from console.services.ports import ApiDeps

__all__ = ["add_pages"]


def add_pages(app: FastAPI, deps: ApiDeps) -> None:
    """Add the pages and what they need."""
    entry = Entry(Sessions(deps.access))
    frame = Frame(deps.now)
    app.include_router(statics_router())
    app.include_router(entry_router(entry, frame))
    for build in (at_risk_router, customers_router, customer_router):
        app.include_router(build(deps, entry, frame))

    async def sign_in(request: Request, _: Exception) -> Response:
        return to_sign_in(request)

    app.add_exception_handler(SignInNeeded, sign_in)
    told = app.exception_handlers[ApiError]

    async def api_error(request: Request, error: Exception) -> Response:
        """As a page for people, as JSON for programs."""
        assert isinstance(error, ApiError)
        if "text/html" not in request.headers.get("accept", "") or request.url.path.startswith("/v1/"):
            answer: Response = await told(request, error)  # type: ignore[misc]
            return answer
        viewer = await entry.viewer(request)
        return await frame.page(request, viewer, "problem", status=error.status, message=error.message)

    app.add_exception_handler(ApiError, api_error)
