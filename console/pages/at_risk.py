"""Who needs somebody: customers with open alerts, the most urgent first."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of
from console.pages.streaming import stream
from console.services.ports import ApiDeps
from console.views.label import label
from console.views.matters.alerts import AlertView, alert_view
from console.views.profile import summary_view

__all__ = ["at_risk_router"]

_MOST = 200  # alerts of one page


def at_risk_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route / and its stream."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("alerts:read"))

    @router.get("/")
    async def at_risk(request: Request, viewer: Viewer = reads) -> Response:
        return await frame.page(request, viewer, "at_risk", rows=await rows(viewer))

    @router.get("/live/at-risk")
    async def live(request: Request, viewer: Viewer = reads) -> Response:
        language = language_of(request)

        async def render() -> dict[str, str]:
            shared = {**await frame.shared(request, viewer), "rows": await rows(viewer)}
            return {"cases": frame.fragment(language, "at_risk", "cases", shared)}

        return stream(deps.feed, render, entry.still(request, viewer), kinds=("alert",))

    async def rows(viewer: Viewer) -> list[dict[str, Any]]:
        found, _ = await deps.reader.alerts(state="open", limit=_MOST, cursor=None)
        profiles = await deps.reader.profiles(list(dict.fromkeys(id_ for id_, _ in found)))
        by_customer: defaultdict[str, list[AlertView]] = defaultdict(list)
        for id_, alert in found:
            if id_ in profiles and profiles[id_].company is None and not alert.held_out:
                by_customer[id_].append(alert_view(profiles[id_], alert, deps.plan))
        masked = not viewer.may("pii:one")
        return [
            {
                "label": label(profiles[id_], deps.plan, masked=masked),
                "customer": summary_view(profiles[id_], deps.plan),
                "alerts": alerts,
                "opened": min(alert.opened for alert in alerts),
            }
            for id_, alerts in by_customer.items()
        ]

    return router
