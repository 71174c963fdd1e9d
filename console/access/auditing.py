"""What is written down of those who look and act: rows of the audit trail, made of what they asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from fastapi import Request

from console.access.scopes import Viewer
from streams.audit.trail import AuditRow, Page, Wanted

__all__ = ["Audit", "row_of"]


class Audit(Protocol):
    """The audit trail."""

    def note(self, row: AuditRow) -> None:
        """Take a row, without waiting for where it goes."""
        ...

    async def newest(self, limit: int, wanted: Wanted = ..., *, before: int | None = None, after: int = 0) -> Page:
        """The newest rows of those that somebody wants, from where a page begins, or of those that are new."""
        ...

    async def end(self) -> int:
        """Where rows begin that are not there yet."""
        ...


def row_of(
    request: Request,
    viewer: Viewer,
    action: str,
    object_: str = "",
    *,
    fields: Sequence[str] = (),
    reason: str = "",
    result: str = "ok",
) -> AuditRow:
    """That somebody did this now; `object_` is an id, never personal data."""
    address = request.client.host if request.client else ""
    return AuditRow(
        time.time(), viewer.name, viewer.via, action, object_, viewer.token, address, tuple(fields), reason, result
    )
