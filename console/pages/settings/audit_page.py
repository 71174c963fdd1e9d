"""The audit log: who looked at whom and did what, narrowed by who, what, whom and since, and alive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from console.access.scopes import Viewer
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of
from console.pages.live.streaming import stream
from console.pages.tables.csv_tables import at, table
from console.services.audited import called
from console.services.ports import ApiDeps
from console.views.operating.audit import ACTIONS, AuditView
from profiles.errors import RapportError
from streams.audit.trail import AuditRow, Wanted

__all__ = ["audit_page_router"]

_SHOWN = 50  # rows of a page
_TAKEN = 5000  # rows of a file
_LOOKS = 2.0  # seconds between two looks at whether there is something new
_PERIODS = {"1h": 3600.0, "1d": 86_400.0, "7d": 7 * 86_400.0, "30d": 30 * 86_400.0}


class _Asked(NamedTuple):
    """What somebody wants to see, as the address has it."""

    actor: str
    action: str
    object: str
    period: str
    cursor: int | None

    @property
    def wanted(self) -> Wanted:
        since = time.time() - _PERIODS[self.period] if self.period else None
        return Wanted(self.object or None, self.actor or None, self.action or None, since)

    @property
    def address(self) -> str:
        """The query, without the page."""
        given = self._asdict()
        return urlencode({name: value for name, value in given.items() if value and name != "cursor"})


def audit_page_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The route /settings/audit, its stream and its table as CSV."""
    router = APIRouter(include_in_schema=False)
    audits = Depends(entry.may("audit:read"))

    @router.get("/settings/audit")
    async def audit(request: Request, asked: Annotated[_Asked, Depends(_asked)], viewer: Viewer = audits) -> Response:
        found = await deps.audit.newest(_SHOWN, asked.wanted, before=asked.cursor)
        shown = await values(found.rows, asked, viewer)
        return await frame.page(
            request, viewer, "settings_audit", **shown, following=found.following, unreadable=found.unreadable
        )

    @router.get("/live/audit")
    async def live(request: Request, asked: Annotated[_Asked, Depends(_asked)], viewer: Viewer = audits) -> Response:
        language = language_of(request)
        rows: list[AuditRow] = []
        known = 0

        async def render() -> dict[str, str]:
            nonlocal rows, known
            new = await deps.audit.newest(_SHOWN, asked.wanted, after=known)
            rows, known = [*new.rows, *rows][:_SHOWN], max(known, new.end)
            shared = {**await frame.shared(request, viewer), **await values(rows, asked, viewer)}
            return {"rows": frame.fragment(language, "settings_audit", "rows", shared)}

        async def beside(something_new: Callable[[], None]) -> None:
            while True:
                await asyncio.sleep(_LOOKS)
                try:
                    if await deps.audit.end() > known:
                        something_new()
                except RapportError:
                    continue  # Kafka is away: what is shown stays

        return stream(frame.boards, request, viewer, render, entry.still(request, viewer), beside=beside, every=1.0)

    @router.get("/settings/audit.csv")
    async def as_file(request: Request, asked: Annotated[_Asked, Depends(_asked)], viewer: Viewer = audits) -> Response:
        found = await deps.audit.newest(_TAKEN, asked.wanted, before=asked.cursor)
        rows = [AuditView.of_row(row) for row in found.rows]
        columns = {
            "at": lambda row: at(row.at), "who": lambda row: row.actor, "via": lambda row: row.via,
            "did": lambda row: row.action, "to": lambda row: row.object, "what of it": lambda row: row.fields,
            "reason": lambda row: row.reason, "result": lambda row: row.result, "token": lambda row: row.token,
            "address": lambda row: row.address,
        }  # fmt: skip
        following = None if found.following is None else str(found.following)
        return table(request, entry, frame, viewer, "audit", rows, columns, following=following)

    async def values(rows: Sequence[AuditRow], asked: _Asked, viewer: Viewer) -> dict[str, Any]:
        return {
            "rows": [AuditView.of_row(row) for row in rows],
            "labels": await called(deps, rows, viewer),
            "actions": ACTIONS,
            "groups": sorted({action.partition(".")[0] for action in ACTIONS if "." in action}),
            "periods": list(_PERIODS),
            "asked": asked,
            "address": asked.address,
        }

    return router


def _asked(
    actor: Annotated[str, Query(max_length=200)] = "",
    action: Annotated[str, Query(max_length=100)] = "",
    object: Annotated[str, Query(max_length=200)] = "",
    period: Annotated[str, Query(pattern="^(1h|1d|7d|30d|)$")] = "",
    cursor: Annotated[str, Query(pattern=r"^\d{0,18}$")] = "",
) -> _Asked:
    return _Asked(actor.strip(), action.strip(), object.strip(), period, int(cursor) if cursor else None)
