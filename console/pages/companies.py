"""Companies, where the plan has them: the list, and one with its risk, its health and its people."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from console.access.masking import Sight, sight_of
from console.access.scopes import Viewer
from console.api.companies import documents_of, known_company, page_of_members
from console.pages.entry import Entry
from console.pages.frame import Frame
from console.pages.languages import language_of
from console.pages.live.looks import Looks
from console.pages.live.streaming import stream
from console.services.assignees import assignees
from console.services.ports import ApiDeps
from console.views.companies import CompanyView, company_view, key_of, summary_of_company
from console.views.label import label
from console.views.privacy import ErasureReceipt
from console.views.timeline import timeline_view
from profiles.times import parse_time
from profiles.types import Profile

__all__ = ["companies_pages_router"]

_FRAGMENTS = ("head", "risk", "health", "value", "case", "alerts", "timeline", "measures", "segments")
_SHOWN = 40  # events
_MEMBERS = 50

Cursor = Annotated[str | None, Query(max_length=200)]


def companies_pages_router(deps: ApiDeps, entry: Entry, frame: Frame) -> APIRouter:
    """The routes /companies and /company/{name}, and erasing one there."""
    router = APIRouter(include_in_schema=False)
    reads, erases = Depends(entry.may("profiles:read")), Depends(entry.may("privacy:erase"))
    written = Looks(entry.note, "company.view")

    @router.get("/companies")
    async def companies(request: Request, cursor: Cursor = None, viewer: Viewer = reads) -> Response:
        found, following = await deps.reader.companies(limit=_MEMBERS, cursor=cursor)
        rows = [summary_of_company(one) for one in found]
        return await frame.page(request, viewer, "companies", rows=rows, cursor=cursor, following=following)

    @router.get("/company/{name}")
    async def company(request: Request, name: str, cursor: Cursor = None, viewer: Viewer = reads) -> Response:
        found = await known_company(deps, name)
        written.page(request, viewer, found.id)
        members = await page_of_members(deps, found, _MEMBERS, cursor)
        people = await deps.reader.profiles(sorted({one.profile for one in members.data}))
        labels = {id_: label(one, deps.plan, masked=not viewer.may("pii:one")) for id_, one in people.items()}
        shared = await values(found, viewer)
        whom = await assignees(deps) if viewer.may("alerts:write") else []
        return await frame.page(
            request, viewer, "company", whom=whom, members=members, labels=labels, cursor=cursor, **shared
        )

    @router.get("/live/company/{name}")
    async def live(request: Request, name: str, viewer: Viewer = reads) -> Response:
        found = await known_company(deps, name)
        written.stream(request, viewer, found.id, found)
        language = language_of(request)

        async def render() -> dict[str, str]:
            now = await deps.reader.profile(found.id)
            if now is None or now.company is None:
                gone = frame.fragment(language, "gone", "head", {"into": "", "company": True})
                return {**dict.fromkeys((*_FRAGMENTS, "members", "erase"), ""), "head": gone}
            shared = {**await frame.shared(request, viewer), **await values(now, viewer)}
            return await frame.fragments(language, "company", _FRAGMENTS, shared)

        still = entry.still(request, viewer)
        return stream(frame.boards, request, viewer, render, still, about=found.id, by_name=False)

    @router.post("/company/{name}/erase")
    async def erase(
        request: Request,
        name: str,
        typed: Annotated[str, Form(max_length=600)] = "",
        viewer: Viewer = erases,
    ) -> Response:
        found = await known_company(deps, name)
        key = key_of(found)
        told: dict[str, Any] = {"receipt": None, "mistyped": True}
        if typed.strip() == key:
            erased = await deps.desk.eraser.erase_company(found, deps.clock(), viewer.name, deps.wait)
            told = {"receipt": ErasureReceipt.of(erased), "mistyped": False}
            entry.note(request, viewer, "company.erase", found.id)
        address = quote(key, safe="")
        answer = await frame.part(request, viewer, "company", "erase", address=address, key=key, **told)
        if told["receipt"]:
            answer.headers["HX-Retarget"] = "main"  # nothing of what was known stays to be read
        return answer

    async def values(found: Profile, viewer: Viewer) -> Mapping[str, Any]:
        sight = sight_of(viewer, deps.plan)
        view = company_view(found, await documents_of(deps, found), await deps.now(), deps.plan)
        return {
            "company": view,
            "key": view.company,
            "may_act": viewer.may("alerts:write"),
            "receipt": None,
            "mistyped": False,
            "address": quote(view.company, safe=""),
            "events": timeline_view(found, _SHOWN, deps.plan),
            "ever": sum(activity.count for activity in found.activity.values()),
            "dates": _dates(view, sight),
            "named": _named(view, sight),
        }

    return router


def _named(company: CompanyView, sight: Sight) -> str:
    """Its trait `name`, for those who see it; else as events name it."""
    name = company.traits.get("name")
    return str(name.value) if name is not None and sight.shows_of_company("name") else company.company


def _dates(company: CompanyView, sight: Sight) -> dict[str, float]:
    """The traits that are moments by the plan, in seconds: of those that somebody sees."""
    found = {}
    for name, rule in sight.plan.file.groups[sight.plan.group].traits.items():
        if rule.type == "date-time" and sight.shows(rule.pii) and (trait := company.traits.get(name)) is not None:
            with contextlib.suppress(ValueError):
                found[name] = parse_time(trait.value)
    return found
