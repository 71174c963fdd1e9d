"""The archive, and what is under way beside the events: loads, replays, rebuilds, splits, erasures."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response

from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.services.ports import ApiDeps
from console.views.operating.jobs import read_jobs

__all__ = ["jobs_page_router"]


def jobs_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /jobs, and the part of it that is asked for again and again: Kafka tells nobody when a job moves."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("pipeline:read"))
    looks_on = Depends(entry.may("pipeline:read", asks=False))  # the page asks, not who left it open

    @router.get("/jobs")
    async def jobs(request: Request, viewer: Viewer = reads) -> Response:
        return await frame.page(request, viewer, "jobs", found=await read_jobs(deps))

    @router.get("/jobs/list")
    async def listed(request: Request, viewer: Viewer = looks_on) -> Response:
        return await frame.part(request, viewer, "jobs", "list", found=await read_jobs(deps))

    return router
