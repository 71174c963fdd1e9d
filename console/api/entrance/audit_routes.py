"""The audit trail: who looked at whom, and did what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from console.api.guard import guarded, wants
from console.services.ports import ApiDeps
from console.views.operating.audit import AuditPage, AuditView
from profiles.stores import BadCursor
from streams.audit.trail import Wanted

__all__ = ["audit_router"]


def audit_router(deps: ApiDeps) -> APIRouter:
    """The route /v1/audit."""
    router = APIRouter(route_class=guarded(deps), tags=["operations"])

    @router.get(
        "/audit",
        summary="Who looked at whom, and did what, the newest first",
        description="Each page looks through 50,000 rows at most; `next` goes on from there.",
    )
    @wants("audit:read")
    async def audit(
        object: Annotated[str | None, Query(max_length=200, description="Only of this profile id, model…")] = None,
        actor: Annotated[str | None, Query(max_length=200, description="Only what this account or token did.")] = None,
        action: Annotated[
            str | None,
            Query(max_length=100, description="Only this, as profile.reveal; or all that begins so, as profile."),
        ] = None,
        since: Annotated[
            datetime | None, Query(description="Only what was done then or later; without a zone it is UTC.")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="Rows of a page.")] = 50,
        cursor: Annotated[str | None, Query(max_length=20, description="`next` of the page before.")] = None,
    ) -> AuditPage:
        if cursor is not None and not cursor.isdecimal():
            raise BadCursor(f"{cursor!r} is no cursor of this list")
        before = None if cursor is None else int(cursor)
        if since is not None and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        wanted = Wanted(object, actor, action, since.timestamp() if since else None)
        found = await deps.audit.newest(limit, wanted, before=before)
        following = None if found.following is None else str(found.following)
        rows = [AuditView.of_row(row) for row in found.rows]
        return AuditPage(data=rows, next=following, unreadable=found.unreadable)

    return router
