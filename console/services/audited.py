"""What the customers of the audit trail are called, for pages that show it."""

from __future__ import annotations

from collections.abc import Iterable

from console.access.scopes import Viewer
from console.services.ports import ApiDeps
from console.views.label import label
from streams.audit.trail import AuditRow

__all__ = ["called"]

_ABOUT_PEOPLE = ("profile.", "case.", "alert.")


async def called(deps: ApiDeps, rows: Iterable[AuditRow], viewer: Viewer) -> dict[str, str]:
    """By profile id, the names of those who are still there, as somebody may see them."""
    ids = sorted({row.object for row in rows if row.object and row.action.startswith(_ABOUT_PEOPLE)})
    found = await deps.reader.profiles(ids)
    return {
        id_: label(profile, deps.plan, masked=not viewer.sees_names)
        for id_, profile in found.items()
        if profile.company is None
    }
