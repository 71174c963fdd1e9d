"""The page of one customer: who they are, how likely they leave and why, what to do next, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.headers import HEADERS
from console.pages.languages import language_of
from console.pages.streaming import stream
from console.services.ports import ApiDeps
from console.views.churn import may_be_scored
from console.views.label import label
from console.views.profile import profile_view
from console.views.timeline import timeline_view
from profiles.types import Profile

__all__ = ["customer_router"]

_FRAGMENTS = ("head", "risk", "next", "value", "timeline", "aside")
"""Parts of the page that are alive; each is a block of the template and fills the element of its name."""

_SHOWN = 40  # events


def customer_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes /c/{profile} and its stream."""
    router = APIRouter(include_in_schema=False)
    reads = Depends(entry.may("profiles:read"))

    @router.get("/c/{profile}")
    async def customer(request: Request, profile: str, viewer: Viewer = reads) -> Response:
        found = await _known(deps, profile)
        if found.id != profile:  # merged into another
            return RedirectResponse(f"/c/{found.id}", 303, HEADERS)
        return await frame.page(request, viewer, "customer", **await values(found, viewer))

    @router.get("/live/c/{profile}")
    async def live(request: Request, profile: str, viewer: Viewer = reads) -> Response:
        language = language_of(request)

        async def render() -> dict[str, str]:
            found = await deps.reader.profile(profile)
            if found is None:
                return {"head": frame.fragment(language, "gone", "head", {})}
            shared = {**await frame.shared(request, viewer), **await values(found, viewer)}
            return {name: frame.fragment(language, "customer", name, shared) for name in _FRAGMENTS}

        async def still_in() -> bool:
            return await entry.viewer(request) is not None

        return stream(deps.feed, render, still_in, about=profile)

    async def values(found: Profile, viewer: Viewer) -> Mapping[str, Any]:
        advice = await deps.adviser(found) if may_be_scored(found, deps.plan) else None
        masked = not viewer.may("pii:one")
        return {
            "customer": profile_view(found, await deps.now(), deps.plan, advice),
            "label": label(found, deps.plan, masked=masked),
            "masked": masked,
            "events": timeline_view(found, _SHOWN, deps.plan),
            "kept": _SHOWN,
            "fragments": _FRAGMENTS,
        }

    return router


async def _known(deps: ApiDeps, id_: str) -> Profile:
    found = await deps.reader.profile(id_)
    if found is None or found.company is not None:
        raise ApiError(404, "unknown_profile", "there is no such customer; perhaps they were erased")
    return found
