"""The tracking plan in use."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.api.guard import guarded, wants
from console.services.ports import ApiDeps
from console.views.tracking_plan import PlanView, plan_view

__all__ = ["plan_router"]


def plan_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/plan."""
    router = APIRouter(route_class=guarded(deps), tags=["plan"])
    whole = plan_view(deps.plan)

    @router.get("/plan", summary="The tracking plan: what is collected and why, and which rules look at it")
    @wants("profiles:read")
    async def plan(
        q: Annotated[str, Query(max_length=200, description="Only what has all of these words.")] = "",
    ) -> PlanView:
        return whole.narrowed(q) if q.strip() else whole

    return router
