"""Finding a customer: by what they are known by, or among those who did something last."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.services.ports import ApiDeps
from console.views.label import label
from console.views.profile import summary_view

__all__ = ["customers_router"]


def customers_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /customers."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("profiles:read"))

    @router.get("/customers")
    async def customers(
        request: Request,
        order: Annotated[str, Query(pattern="^(risk|recent)$")] = "recent",
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        viewer: Viewer = reads,
    ) -> Response:
        ask = deps.reader.by_risk if order == "risk" else deps.reader.recent
        found, following = await ask(limit=50, cursor=cursor)
        masked = not viewer.may("pii:one")
        rows = [(label(one, deps.plan, masked=masked), summary_view(one, deps.plan)) for one in found]
        return await frame.page(
            request, viewer, "customers", rows=rows, order=order, cursor=cursor, following=following
        )

    return router
