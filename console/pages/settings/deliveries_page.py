"""What sinks were told: how they are, each message with its attempts, putting back what could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from console.access.scopes import Viewer
from console.api.operating.deliveries_routes import enable, reconcile, replay
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.tables.csv_tables import at, table
from console.services.ports import ApiDeps
from console.views.operating.deliveries import STATES, deliveries_view
from streams.sinks.desk import Asked

__all__ = ["deliveries_page_router"]

_SHOWN = 50  # messages of a page
_TAKEN = 5000  # of a file

SinkName = Annotated[str, Query(max_length=64)]
State = Annotated[str, Query(pattern=f"^({'|'.join(STATES)}|)$")]


def deliveries_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /settings/deliveries, the part of it that is asked for again and again, and its table as CSV."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("pipeline:read"))
    looks_on = Depends(entry.may("pipeline:read", asks=False))  # the page asks, not who left it open
    writes = Depends(entry.may("sinks:write"))

    async def found(sink: str, state: str, limit: int = _SHOWN) -> dict[str, Any]:
        asked = Asked(sink or None, state or None)
        shown = await deps.deliveries.look(asked, limit, sinks=list(deps.plan.file.sinks))
        return {
            "found": deliveries_view(shown, deps.plan), "more": shown.more, "sink": sink, "state": state,
            "states": STATES,
        }  # fmt: skip

    @router.get("/settings/deliveries")
    async def page(request: Request, sink: SinkName = "", state: State = "", viewer: Viewer = reads) -> Response:
        return await frame.page(request, viewer, "settings_deliveries", **await found(sink, state))

    @router.get("/settings/deliveries/list")
    async def listed(request: Request, sink: SinkName = "", state: State = "", viewer: Viewer = looks_on) -> Response:
        return await frame.part(request, viewer, "settings_deliveries", "list", **await found(sink, state))

    @router.get("/settings/deliveries.csv")
    async def as_file(request: Request, sink: SinkName = "", state: State = "", viewer: Viewer = reads) -> Response:
        shown = await deps.deliveries.look(Asked(sink or None, state or None), _TAKEN)
        columns = {
            "formed": lambda one: at(one.formed), "sink": lambda one: one.sink, "state": lambda one: one.state,
            "types": lambda one: one.types, "id": lambda one: one.id, "profiles": lambda one: one.profiles,
            "attempts": lambda one: len(one.attempts), "reason": lambda one: one.reason,
        }  # fmt: skip
        rows = deliveries_view(shown, deps.plan).data
        return table(request, entry, frame, viewer, "deliveries", rows, columns, following=None)

    @router.post("/settings/deliveries/replay")
    async def put_back(
        request: Request,
        sink: Annotated[str, Form(max_length=64)],
        id: Annotated[str, Form(max_length=300)] = "",
        viewer: Viewer = writes,
    ) -> Response:
        await replay(deps, sink, id or None, viewer.name)
        entry.note(request, viewer, "deliveries.replay", sink)
        return RedirectResponse("/settings/deliveries", 303, HEADERS)

    @router.post("/settings/deliveries/enable")
    async def tell_again(
        request: Request, sink: Annotated[str, Form(max_length=64)], viewer: Viewer = writes
    ) -> Response:
        await enable(deps, sink, viewer.name)
        entry.note(request, viewer, "deliveries.enable", sink)
        return RedirectResponse("/settings/deliveries", 303, HEADERS)

    @router.post("/settings/deliveries/reconcile")
    async def compare(request: Request, sink: Annotated[str, Form(max_length=64)], viewer: Viewer = writes) -> Response:
        await reconcile(deps, sink, viewer.name)
        entry.note(request, viewer, "deliveries.reconcile", sink)
        return RedirectResponse("/settings/deliveries", 303, HEADERS)

    return router
