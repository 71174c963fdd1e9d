"""Companies: one by its name, its members and latest events, and the list."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Path, Query

from console.api.error_answers import ApiError, describe_errors
from console.api.guard import about, guarded, wants
from console.api.profiles import MAX_EVENTS, Cursor, Limit
from console.services.ports import ApiDeps
from console.views.companies import (
    CompanySummary,
    CompanyView,
    MemberView,
    company_view,
    last_of,
    member_views,
    members_of,
    summary_of_company,
)
from console.views.document import Page
from console.views.timeline import EventView, timeline_view
from profiles.companies.counting import read_part
from profiles.companies.sharing import CELLS
from profiles.stores.reading.paging import decode_cursor, first_rows
from profiles.types import Profile, is_cell, is_company

__all__ = ["Company", "companies_router", "company_named", "documents_of", "known_company", "page_of_members"]

_AT_ONCE = 200  # members that are read at once

Company = Annotated[
    str, Path(description="As events name it, URL-encoded; or the id of its document.", examples=["acme"])
]


async def known_company(deps: ApiDeps, path: str) -> Profile:
    """The company of a path.

    Raises:
        ApiError: there is none.
    """
    return await company_named(deps, unquote(path))


async def company_named(deps: ApiDeps, key: str) -> Profile:
    """The company that events name so, or whose document has this id.

    Raises:
        ApiError: there is none.
    """
    id_ = key if is_company(key) else deps.plan.company(key)
    found = await deps.reader.profile(id_) if deps.plan.group and not is_cell(id_) else None
    if found is None or found.company is None:
        raise ApiError(404, "unknown_company", f"no company is known as {key[:200]}")
    return found


async def documents_of(deps: ApiDeps, company: Profile) -> list[Profile]:
    """Its own, its cells', and those of the companies that count for it."""
    shares = company.company.shares if company.company is not None else {}
    joined = await deps.reader.profiles([id_ for id_ in shares if is_company(id_) and not is_cell(id_)])
    found = [await _with_cells(deps, one) for one in (company, *joined.values())]
    return [document for documents in found for document in documents]


async def _with_cells(deps: ApiDeps, company: Profile) -> list[Profile]:
    held = company.company
    if held is None or not held.divided:
        return [company]
    cells = await deps.reader.profiles([deps.plan.cell(held.key, number) for number in range(CELLS)])
    return [company, *cells.values()]


async def page_of_members(deps: ApiDeps, company: Profile, limit: int, cursor: str | None) -> Page[MemberView]:
    """So many of its members, those who did something last first, as of one look at all of them."""
    found = members_of(await documents_of(deps, company))
    members = {of: read_part(packed) for of, packed in found.items()}
    rows = [(last_of(part), " ".join(of)) for of, part in members.items()]
    page, following = first_rows(rows, limit, decode_cursor(cursor))
    named = [(of.partition(" ")[0], of.partition(" ")[2]) for _, of in page]
    shown = {of: members[of] for of in named}
    ids = sorted({id_ for id_, _ in shown})
    profiles: dict[str, Profile] = {}
    for start in range(0, len(ids), _AT_ONCE):
        profiles |= await deps.reader.profiles(ids[start : start + _AT_ONCE])
    return Page(data=member_views(shown, profiles, await deps.now(), deps.plan), next=following)


def companies_router(deps: ApiDeps) -> APIRouter:
    """The routes below /v1/companies."""
    router = APIRouter(route_class=guarded(deps), prefix="/companies", tags=["companies"])

    @router.get("", summary="List companies, those of the latest events first")
    @wants("profiles:read")
    async def companies(limit: Limit = 50, cursor: Cursor = None) -> Page[CompanySummary]:
        found, following = await deps.reader.companies(limit=limit, cursor=cursor)
        return Page(data=[summary_of_company(one) for one in found], next=following)

    @router.get("/{company}", summary="A company", responses=describe_errors(404))
    @wants("profiles:read", audit="company.view")
    async def company(company: Company) -> CompanyView:
        found = await known_company(deps, company)
        about(found.id)
        return company_view(found, await documents_of(deps, found), await deps.now(), deps.plan)

    @router.get(
        "/{company}/members",
        summary="A company's members, those who did something last first",
        responses=describe_errors(400, 404),
    )
    @wants("profiles:read", audit="company.view")
    async def members(
        company: Company,
        limit: Annotated[int, Query(ge=1, le=1000)] = 200,
        cursor: Cursor = None,
    ) -> Page[MemberView]:
        found = await known_company(deps, company)
        about(found.id, "members")
        return await page_of_members(deps, found, limit, cursor)

    @router.get("/{company}/events", summary="A company's latest events", responses=describe_errors(404))
    @wants("events:read", audit="company.events")
    async def events(
        company: Company,
        limit: Annotated[int, Query(ge=1, le=MAX_EVENTS, description="A document keeps the latest 24.")] = MAX_EVENTS,
    ) -> Page[EventView]:
        found = await known_company(deps, company)
        about(found.id)
        return Page(data=timeline_view(found, limit, deps.plan), next=None)

    return router
