"""Revealing a piece of masked personal data on a page, for this view of it only."""

from __future__ import annotations

from math import ceil
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request, Response

from console.access.scopes import Viewer
from console.api.error_answers import ApiError
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.services.ports import ApiDeps
from console.services.revealing import REVEALED, Veils, nameable, revealed

__all__ = ["reveal_page_router"]


def reveal_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /c/{profile}/reveal. Its answer takes the place of what was masked; no address ever has it."""
    router = APIRouter(include_in_schema=False)
    reveals = Depends(entry.may("pii:reveal"))

    @router.post("/c/{profile}/reveal")
    async def reveal(
        request: Request,
        profile: str,
        field: Annotated[str, Form(max_length=600)],
        nth: Annotated[int, Form(ge=0, le=10_000)] = 0,
        reason: Annotated[str, Form(max_length=500)] = "",
        viewer: Viewer = reveals,
    ) -> Response:
        async def refused(minutes: int = 0) -> Response:
            return await frame.part(request, viewer, "revealed", "refused", veil=veil, minutes=minutes)

        veil, found = Veils(profile, frozenset()).id_of(field, nth), await deps.reader.profile(profile)
        if found is None or found.company is not None:
            return await refused()
        told = {"fields": nameable([field]), "reason": reason}
        if seconds := await deps.limiter.wait(viewer, REVEALED):
            entry.note(request, viewer, REVEALED, found.id, result="429", **told)
            return await refused(ceil(seconds / 60))
        try:
            value = revealed(found, await deps.now(), deps.plan, [field])[field]
        except ApiError:  # it has gone since
            return await refused()
        if field.startswith("identities."):
            value = value[nth] if nth < len(value) else ""
        entry.note(request, viewer, REVEALED, found.id, **told)
        return await frame.part(request, viewer, "revealed", "value", veil=veil, value=value)

    return router
