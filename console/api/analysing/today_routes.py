"""What happened today, as the stream counts it."""

from __future__ import annotations

from fastapi import APIRouter

from console.api.guard import guarded, wants
from console.services.ports import ApiDeps
from console.views.analysing.today_document import TodayView, today_view
from profiles.calendar.local_time import LocalTime
from profiles.daily.counters import KEPT, NOW

__all__ = ["SHOWN", "read_today", "today_router"]

SHOWN = KEPT - 1
"""Days: today, and those that are not closed before late events have had time to come."""


def today_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/today."""
    router = APIRouter(route_class=guarded(deps), tags=["analyses"])

    @router.get("/today", summary="Today, live")
    @wants("analyses:read")
    async def today() -> TodayView:
        """Counters of today and of the two days before, and how many customers are in each stage now. They change with
        the profiles, and at a day's end agree with the analyses over the archive."""
        return await read_today(deps)

    return router


async def read_today(deps: ApiDeps) -> TodayView:
    """The counters of today and of the days before that are not closed, in one round trip."""
    plan = deps.plan
    days = plan.limits.days or LocalTime()
    at = await deps.now()
    today = days.of(at)
    *counted, now = await deps.reader.counters([*(today - back for back in range(SHOWN)), NOW])
    return today_view(at, days, counted, now, plan.currency, plan.file.analyses.smallest)
